"""Decoded frames of any sample format become mono float32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from webui.audio.report import Channel

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

# FFmpeg's sample formats (without the "p" of planar): type, middle, full scale.
_FORMATS: dict[str, tuple[type[np.generic], int, float]] = {
    "u8": (np.uint8, 128, 2.0**7),
    "s16": (np.int16, 0, 2.0**15),
    "s32": (np.int32, 0, 2.0**31),
    "s64": (np.int64, 0, 2.0**63),
    "flt": (np.float32, 0, 1.0),
    "dbl": (np.float64, 0, 1.0),
}

# Far above every scale that integers are ever written in (2^31), and low
# enough that the power spectrum stays finite in float32.
LARGEST_SAMPLE = 1e10


def signature(frame: AudioFrame) -> tuple[str, int, int]:
    """Return what frames must share to be converted together: format, rate in Hz, channels."""
    return frame.format.name, frame.sample_rate, frame.layout.nb_channels


def batched(frames: Iterable[AudioFrame]) -> Iterator[list[AudioFrame]]:
    """Put frames of one `signature` that follow each other together, about a second of them.

    Frames may be as short as 20 ms; a second at a time is converted faster.
    """
    batch: list[AudioFrame] = []
    samples = 0
    for frame in frames:
        if batch and signature(frame) != signature(batch[0]):
            yield batch
            batch, samples = [], 0
        batch.append(frame)
        samples += frame.samples
        if samples >= frame.sample_rate:
            yield batch
            batch, samples = [], 0
    if batch:
        yield batch


def rows_of(frames: Sequence[AudioFrame]) -> NDArray[np.generic]:
    """The samples of frames of one ``signature``, at least one, shape (channels, n)."""
    name, _, channels = signature(frames[0])
    dtype = _FORMATS[name.removesuffix("p")][0]
    return np.concatenate([_rows(frame, dtype, channels) for frame in frames], axis=1)


def to_mono(
    rows: NDArray[np.generic], sample_format: str, channel: Channel
) -> tuple[NDArray[np.float32], int]:
    """Convert samples to mono.

    Integers are divided by their full scale, exactly; nothing is clipped. NaN,
    infinities and values beyond 1e10 become 0.

    Args:
        rows: (channels, n), of the type that belongs to the format.
        sample_format: FFmpeg's name of it.
        channel: "mix" is the mean of all channels; "left" and "right" are the
            first and the second. "right" of one channel is that channel.

    Returns:
        (n,) float32 at the same rate, and how many values became 0.
    """
    _, middle, full_scale = _FORMATS[sample_format.removesuffix("p")]
    if channel != "mix":
        taken = min(len(rows) - 1, ("left", "right").index(channel))
        rows = rows[taken : taken + 1]
    with np.errstate(over="ignore"):
        values = rows.astype(np.float32)
    unusable = 0
    if sample_format.startswith(("flt", "dbl")):
        # Written so that a comparison with NaN, always false, counts as unusable.
        bad = ~(np.abs(values) <= LARGEST_SAMPLE)
        unusable = int(np.count_nonzero(bad))
        values[bad] = 0
    else:
        if middle:
            values -= np.float32(middle)
        values *= np.float32(1 / full_scale)
    mono = values[0] if len(values) == 1 else values.mean(axis=0, dtype=np.float32)
    return np.ascontiguousarray(mono), unusable


def _rows(frame: AudioFrame, dtype: type[np.generic], channels: int) -> NDArray[np.generic]:
    if frame.format.is_planar:
        planes = frame.planes[:channels]
        return np.stack([np.frombuffer(memoryview(p), dtype, count=frame.samples) for p in planes])
    packed = np.frombuffer(memoryview(frame.planes[0]), dtype, count=frame.samples * channels)
    rows: NDArray[np.generic] = packed.reshape(frame.samples, channels).T
    return rows
