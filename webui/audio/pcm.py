"""Raw samples as they arrive, in pieces of any size: 16 kHz mono float32 comes of them.

What a stream has of its past is a value. So any process can go on with it, and a step that
was lost is done again from the state before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from webui.audio.resample import ResamplerState, period_samples
from webui.audio.samples import to_mono
from webui.errors import PcmFormatError

RATES_HZ = (1000, 384_000)
MOST_CHANNELS = 32
# A resampler's state has so many samples at most: as far as 16 kHz and the rate only meet
# after more, the rate is one that nobody records with.
_LONGEST_PERIOD_SAMPLES = 10_000


@dataclass(frozen=True)
class _Encoding:
    """How one sample is stored: its bytes, and FFmpeg's name of what it is decoded to."""

    sample_bytes: int
    dtype: str
    decoded: str


_ENCODINGS: Mapping[str, _Encoding] = {
    "u8": _Encoding(1, "u1", "u8"),
    "s16le": _Encoding(2, "<i2", "s16"),
    "s24le": _Encoding(3, "<i4", "s32"),
    "s32le": _Encoding(4, "<i4", "s32"),
    "f32le": _Encoding(4, "<f4", "flt"),
}
SAMPLE_FORMATS = tuple(_ENCODINGS)
"""Little-endian, channels side by side; FFmpeg's names."""

_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("uint8", "u8le"), "u8"),
    **dict.fromkeys(("s16", "int16", "i16", "pcm_s16le", "s16_le"), "s16le"),
    **dict.fromkeys(("s24", "int24", "i24", "pcm_s24le", "s24_3le"), "s24le"),
    **dict.fromkeys(("s32", "int32", "i32", "pcm_s32le", "s32_le"), "s32le"),
    **dict.fromkeys(("f32", "float32", "float", "flt", "pcm_f32le", "float_le"), "f32le"),
}

PcmData: TypeAlias = "bytes | bytearray | memoryview | NDArray[np.float32]"
"""Bytes as the format says; or samples, full scale 1, float32, shape (n,) or (n, channels)."""


@dataclass(frozen=True)
class PcmFormat:
    """What raw samples are.

    Attributes:
        rate_hz: samples a second, 1000 to 384000.
        channels: 1 to 32, which follow one another sample by sample.
        sample_format: one of `SAMPLE_FORMATS`; other usual names (s16, int16, float32) are
            accepted and become these.

    Raises:
        PcmFormatError: one of them is out of range or unknown.
    """

    rate_hz: int
    channels: int = 1
    sample_format: str = "s16le"

    def __post_init__(self) -> None:
        _check_whole("rate_hz", self.rate_hz, *RATES_HZ)
        if period_samples(self.rate_hz) > _LONGEST_PERIOD_SAMPLES:
            raise PcmFormatError(
                name="rate_hz",
                value=self.rate_hz,
                reason="is too odd a rate to be resampled exactly; "
                "use a usual one, such as 8000, 16000, 44100 or 48000",
                reason_zh="过于特殊，无法精确重采样；请使用常见的采样率，"
                "例如 8000、16000、44100 或 48000",
            )
        _check_whole("channels", self.channels, 1, MOST_CHANNELS)
        name = str(self.sample_format).lower()
        name = _ALIASES.get(name, name)
        if name not in _ENCODINGS:
            raise PcmFormatError(
                name="sample_format",
                value=str(self.sample_format)[:40],
                reason="is not known; known are " + ", ".join(SAMPLE_FORMATS),
                reason_zh="未知；可用的有 " + "、".join(SAMPLE_FORMATS),
            )
        object.__setattr__(self, "sample_format", name)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * _ENCODINGS[self.sample_format].sample_bytes

    @property
    def bytes_per_s(self) -> int:
        """Bytes of a second."""
        return self.rate_hz * self.frame_bytes


@dataclass(frozen=True, eq=False)
class PcmState:
    """One stream's past.

    Attributes:
        resampler: where the resampler is in the mono samples.
        remainder: bytes of a sample of which some are still to come.
        unusable_samples: values that were no numbers (NaN, infinite) and became 0.
    """

    resampler: ResamplerState
    remainder: bytes = field(default=b"", repr=False)
    unusable_samples: int = 0

    @classmethod
    def start(cls, format: PcmFormat) -> PcmState:
        """State of a new stream."""
        return cls(ResamplerState(format.rate_hz))

    @property
    def samples(self) -> int:
        """Samples at 16 kHz that all whole samples so far make, those still held included."""
        return self.resampler.samples


def feed(format: PcmFormat, state: PcmState, data: PcmData) -> tuple[PcmState, NDArray[np.float32]]:
    """Take what comes next.

    Args:
        format: of the stream.
        state: of the stream; it is not changed.
        data: bytes, cut anywhere, or samples.

    Returns:
        The new state, and the samples that are ready, 16 kHz mono, float32, shape (n,): the
        mean of all channels. Those that are resampled come a few milliseconds late.

    Raises:
        ValueError: samples have other channels than the format, or come within a sample that
            came as bytes.
    """
    if isinstance(data, np.ndarray):
        rows, rest, decoded = _rows_of_array(format, state, data), b"", "flt"
    else:
        held = b"".join((state.remainder, data))
        whole = len(held) // format.frame_bytes * format.frame_bytes
        rest = held[whole:]
        rows = _rows_of_bytes(format, held[:whole])
        decoded = _ENCODINGS[format.sample_format].decoded
    mono, unusable = to_mono(rows, decoded, "mix")
    resampler, ready = state.resampler.feed(mono)
    return PcmState(resampler, rest, state.unusable_samples + unusable), ready


def finish(state: PcmState) -> NDArray[np.float32]:
    """Return the samples that are still owed at the end of the stream, (n,) float32, 16 kHz.

    A sample that has not come whole is left out.
    """
    return state.resampler.finish()


def _rows_of_bytes(format: PcmFormat, data: bytes) -> NDArray[np.generic]:
    """Samples as the decoder of a file gives them, shape (channels, n)."""
    encoding = _ENCODINGS[format.sample_format]
    packed: NDArray[np.generic]
    if encoding.sample_bytes == 3:
        # 24 bits become the upper ones of 32, as FFmpeg has them.
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        packed = wide.view(encoding.dtype)
    else:
        packed = np.frombuffer(data, encoding.dtype)
    return packed.reshape(-1, format.channels).T


def _rows_of_array(
    format: PcmFormat, state: PcmState, samples: NDArray[np.float32]
) -> NDArray[np.generic]:
    if samples.dtype != np.float32:
        raise ValueError(f"samples must be float32, not {samples.dtype}; give others as bytes")
    columns = samples[:, np.newaxis] if samples.ndim == 1 else samples
    if columns.ndim != 2 or columns.shape[1] != format.channels:
        raise ValueError(
            f"samples of shape {samples.shape} do not have {format.channels} channel(s)"
        )
    if state.remainder:
        raise ValueError("the bytes before these samples end within a sample")
    return columns.T


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return
    raise PcmFormatError(
        name=name,
        value=str(value)[:40],
        reason=f"must be a whole number from {low} to {high}",
        reason_zh=f"必须是 {low} 到 {high} 之间的整数",
    )
