"""A recording as FLAC that every browser plays, on the very clock of its scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet

from webui.audio.samples import rows_of, signature, to_mono
from webui.audio.track import Track
from webui.errors import AudioError
from webui.system_errors import system_reason_zh

_HIGHEST_RATE_HZ = 48_000
_LOWEST_RATE_HZ = 8_000
_BLOCK_SAMPLES = 4096
# A quarter of the default's work for 2 % more bytes.
_COMPRESSION_LEVEL = "2"


def write_flac(
    source: str | os.PathLike[str],
    target: Path,
    limit_s: float,
    told: Callable[[float], None] = lambda position_s: None,
) -> None:
    """Write the sound of a recording as FLAC of 16 bits.

    One or two channels stay as they are, more are mixed down; the rate stays if
    it is 8 to 48 kHz. Like the scores, the copy is the decoded samples in a row,
    whatever a damaged file says of their time, so that a segment is heard where
    it was found.

    Args:
        source: a local file in any format that `webui.audio.reader` takes.
        target: the file to write, replaced if it is there.
        limit_s: seconds after which it ends.
        told: is called with the seconds written so far, after each block.

    Raises:
        AudioError: nothing can be decoded, or the copy cannot be written.
    """
    track = Track(source)
    try:
        frames = track.frames()
        first = next(frames, None)
        if first is None:
            raise track.reason_to_refuse(0) or _unwritable(track.file, "no samples", "没有样本")
        _write(chain([first], frames), first, target, limit_s, told)
    except (FFmpegError, OSError) as error:
        # FFmpeg's errors of the system are OSErrors as well.
        reason_zh = system_reason_zh(error) if isinstance(error, OSError) else "编码器错误"
        reason = getattr(error, "strerror", None) or str(error)
        raise _unwritable(track.file, reason, reason_zh) from error
    finally:
        track.close()


def _write(
    frames: Iterator[AudioFrame],
    first: AudioFrame,
    target: Path,
    limit_s: float,
    told: Callable[[float], None],
) -> None:
    rate_hz = min(max(first.sample_rate, _LOWEST_RATE_HZ), _HIGHEST_RATE_HZ)
    layout = "mono" if first.layout.nb_channels == 1 else "stereo"
    samples = 0
    with av.open(f"file:{target}", "w", format="flac") as media:
        stream = media.add_stream("flac", rate=rate_hz, layout=layout)
        assert isinstance(stream, AudioStream)
        stream.codec_context.format = "s16"
        stream.codec_context.options = {"compression_level": _COMPRESSION_LEVEL}

        def encode(block: AudioFrame | None) -> list[Packet[AudioStream]]:
            if block is not None:
                block.pts = samples
            return stream.encode(block)

        for block in _blocks(frames, rate_hz, layout):
            media.mux(encode(block))
            samples += block.samples
            told(samples / rate_hz)
            if samples >= limit_s * rate_hz:
                break
        media.mux(encode(None))


def _blocks(frames: Iterator[AudioFrame], rate_hz: int, layout: str) -> Iterator[AudioFrame]:
    """Bring frames to one form, in blocks; their format may change on the way."""
    current = None
    fitter = _fitter(rate_hz, layout)
    for frame in frames:
        if current is not None and signature(frame) != current:
            yield from fitter.resample(None)
            fitter = _fitter(rate_hz, layout)
        current = signature(frame)
        plain = _without_unknown_layout(frame)
        plain.pts = None
        yield from fitter.resample(plain)
    if current is not None:
        yield from fitter.resample(None)


def _fitter(rate_hz: int, layout: str) -> av.AudioResampler:
    return av.AudioResampler("s16", layout, rate_hz, frame_size=_BLOCK_SAMPLES)


def _without_unknown_layout(frame: AudioFrame) -> AudioFrame:
    """Mix channels of which nobody knows where they belong; FFmpeg refuses some of those."""
    channels = frame.layout.nb_channels
    if channels <= 2 or not frame.layout.name.endswith("channels"):
        return frame
    mono, _ = to_mono(rows_of([frame]), frame.format.name, "mix")
    mixed = AudioFrame.from_ndarray(np.ascontiguousarray(mono)[np.newaxis], "flt", "mono")
    mixed.sample_rate = frame.sample_rate
    return mixed


def _unwritable(file: str, reason: str, reason_zh: str) -> AudioError:
    return AudioError(file=file, reason=reason, reason_zh=reason_zh)
