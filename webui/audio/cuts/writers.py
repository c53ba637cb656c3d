"""WAV and FLAC, written as the samples come, to any stream that can be sought."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO, Protocol, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from webui.audio.cuts.source import Rows, SampleFormat
from webui.audio.wav import LARGEST_BYTES, wav_header
from webui.errors import CutError

_Integers = NDArray[np.int16] | NDArray[np.int32]


# FFmpeg's layouts for the channels that FLAC knows by their number.
_FLAC_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
_FLAC_HIGHEST_RATE_HZ = 655_350


class Writer(Protocol):
    """Writes samples of one format; what it makes is complete once it was closed."""

    def write(self, rows: Rows) -> None:
        """Take the next samples, shape (channels, n)."""

    def close(self) -> None:
        """Complete the file; the stream stays open."""


class WavWriter:
    """A RIFF/WAVE file with samples as they are.

    Args:
        stream: where it begins is the beginning of the file.
        samples: how they are stored.
        name: of the recording, for errors.
    """

    def __init__(self, stream: BinaryIO, samples: SampleFormat, name: str) -> None:
        self._stream = stream
        self._format = samples
        self._name = name
        self._begin = stream.tell()
        self._data_bytes = 0
        self._header_bytes = stream.write(self._header())

    def write(self, rows: Rows) -> None:
        """Take the next samples.

        Raises:
            CutError: a WAV cannot hold so much.
            OSError: of the stream.
        """
        data = _packed(rows, self._format.bits)
        self._data_bytes += len(data)
        if self._header_bytes + self._data_bytes >= LARGEST_BYTES:
            raise CutError(
                file=self._name,
                reason="a WAV file cannot hold more than 4 GiB; choose FLAC",
                reason_zh="WAV 文件不能超过 4 GiB，请选择 FLAC",
            )
        self._stream.write(data)

    def close(self) -> None:
        """Write the lengths into the header."""
        if self._data_bytes % 2:
            self._stream.write(b"\0")
        end = self._stream.tell()
        self._stream.seek(self._begin)
        self._stream.write(self._header())
        self._stream.seek(end)

    def _header(self) -> bytes:
        samples = self._format
        return wav_header(
            samples.rate_hz,
            samples.channels,
            samples.bits,
            is_float=samples.is_float,
            size_bytes=self._data_bytes,
        )


class FlacWriter:
    """A FLAC file; it has no floating point, of which 24 bits are kept.

    Samples of 32 bits stay so, which FLAC has since 2022; older players cannot play that.

    Args:
        stream: as of `WavWriter`.
        samples: how they are stored in the source.
        name: of the recording, for errors.

    Raises:
        CutError: FLAC cannot have so many channels or such a rate.
    """

    def __init__(self, stream: BinaryIO, samples: SampleFormat, name: str) -> None:
        _check_flac(samples, name)
        self._format = samples
        self._samples = 0
        self._wide = samples.bits > 16
        self._layout = _FLAC_LAYOUTS[samples.channels - 1]
        self._media = av.open(stream, "w", format="flac")
        self._track = self._media.add_stream("flac", rate=samples.rate_hz, layout=self._layout)
        assert isinstance(self._track, AudioStream)
        self._track.codec_context.format = "s32" if self._wide else "s16"
        if samples.bits == 32 and not samples.is_float:
            self._track.codec_context.options = {
                "bits_per_raw_sample": "32",
                "strict": "experimental",
            }

    def write(self, rows: Rows) -> None:
        """Take the next samples.

        Raises:
            OSError: of the stream.
        """
        if not rows.shape[1]:
            return
        packed = cast("_Integers", np.ascontiguousarray(_to_integers(rows).T).reshape(1, -1))
        frame = AudioFrame.from_ndarray(packed, "s32" if self._wide else "s16", self._layout)
        frame.sample_rate = self._format.rate_hz
        frame.pts = self._samples
        self._samples += rows.shape[1]
        self._media.mux(self._encoded(frame))

    def close(self) -> None:
        """Write what the encoder still holds, and the lengths into the header."""
        self._media.mux(self._encoded(None))
        self._media.close()

    def _encoded(self, frame: AudioFrame | None) -> list[Packet[AudioStream]]:
        return self._track.encode(frame)


WRITERS: Mapping[str, Callable[[BinaryIO, SampleFormat, str], Writer]] = {
    "wav": WavWriter,
    "flac": FlacWriter,
}
"""Name of a kind of file, which is its suffix too: what writes it."""


def _packed(rows: Rows, bits: int) -> bytes:
    """Samples as a WAV has them: little-endian, channels in turn."""
    turned = np.ascontiguousarray(rows.T)
    little = turned.astype(turned.dtype.newbyteorder("<"), copy=False)
    if little.dtype.itemsize * 8 == bits:
        return little.tobytes()
    # The upper bytes of each.
    kept = little.reshape(-1, 1).view(np.uint8)[:, -(bits // 8) :]
    return kept.tobytes()


def _to_integers(rows: Rows) -> _Integers:
    """Samples as integers, the upper bits of which hold what has fewer."""
    if rows.dtype == np.uint8:
        return (rows.astype(np.int16) - np.int16(128)) << np.int16(8)
    if rows.dtype.kind == "f":
        scaled = np.rint(np.nan_to_num(rows.astype(np.float64)) * 2.0**23)
        return np.clip(scaled, -(2**23), 2**23 - 1).astype(np.int32) << np.int32(8)
    if rows.dtype == np.int16:
        return rows.astype(np.int16, copy=False)
    return rows.astype(np.int32, copy=False)


def _check_flac(samples: SampleFormat, name: str) -> None:
    if samples.channels > len(_FLAC_LAYOUTS):
        raise CutError(
            file=name,
            reason=f"FLAC cannot hold {samples.channels} channels; choose WAV",
            reason_zh=f"FLAC 无法容纳 {samples.channels} 个声道，请选择 WAV",
        )
    if samples.rate_hz > _FLAC_HIGHEST_RATE_HZ:
        raise CutError(
            file=name,
            reason=f"FLAC cannot hold {samples.rate_hz} samples a second; choose WAV",
            reason_zh=f"FLAC 不支持采样率 {samples.rate_hz} Hz，请选择 WAV",
        )
