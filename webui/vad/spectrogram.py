"""A part of a recording as the model hears it: its log-mel energies, as bytes to be drawn.

A picture is 80 rows of columns, one byte each: row 0 is the lowest band. A column is the
mean of the frames whose windows have their middle in it, in the logarithms; so a column
stands where its sound is in the waveform, and does not get brighter as it gets wider.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webui.audio.peaks import Peaks
from webui.vad.fbank import MEL_BINS, fbank
from webui.vad.timebase import (
    FRAME_HOP_MS,
    first_sample_of_frame,
    frames_in,
    middle_ms_of_frame,
    ms_of_samples,
    samples_of_frames,
)

Frames = npt.NDArray[np.int64]

LONGEST_MS = 60_000
MOST_COLUMNS = 4096

# Of speech, the loudest thousandth of the energies lies about so far above the square of the
# loudest thousandth of the samples. As much below it is drawn as can be told apart, 65 dB.
_LOUDEST = 0.999
_ABOVE_PEAK = 4.5
_RANGE = 15.0
# Where nothing is as loud as this (-50 dB), its noise is not drawn as bright as speech.
_LEAST_PEAK = 100.0


@dataclass(frozen=True)
class Scale:
    """Which energies are drawn as 0 and as 255: the same for a whole recording.

    Attributes:
        floor, ceiling: natural logarithms of mel energies.
    """

    floor: float
    ceiling: float

    @classmethod
    def of(cls, peaks: Peaks) -> Scale:
        """Choose the scale of a recording by how loud it gets."""
        # Wider first: int16 has no 32768.
        sizes = np.abs(peaks.values.astype(np.int32)).max(axis=1, initial=0)
        peak = float(np.quantile(sizes, _LOUDEST)) if len(sizes) else 0.0
        ceiling = 2 * float(np.log(max(peak, _LEAST_PEAK))) + _ABOVE_PEAK
        return cls(ceiling - _RANGE, ceiling)


@dataclass(frozen=True)
class Part:
    """What is drawn.

    Attributes:
        start_ms, end_ms: of the part; it may reach beyond the end of the recording.
        columns: into which it is divided.

    Raises:
        ValueError: it is empty, longer than `LONGEST_MS`, or has too many columns.
    """

    start_ms: int
    end_ms: int
    columns: int

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 < self.end_ms - self.start_ms <= LONGEST_MS or self.start_ms < 0:
            raise ValueError(f"{self.start_ms} to {self.end_ms} ms")
        if not 0 < self.columns <= MOST_COLUMNS:
            raise ValueError(f"{self.columns} columns")


def samples_of(part: Part, samples: int) -> tuple[int, int]:
    """Which samples are needed to draw a part.

    Args:
        part: of the recording.
        samples: of the whole recording at 16 kHz.

    Returns:
        The first one and how many; none where the recording has no whole frame.
    """
    frames = frames_in(samples)
    if not frames:
        return 0, 0
    start, stop = _frames_of_columns(part, frames)
    return first_sample_of_frame(int(start[0])), samples_of_frames(int(stop[-1] - start[0]))


def draw(part: Part, samples: int, excerpt: npt.NDArray[np.float32], scale: Scale) -> bytes:
    """Draw a part of a recording.

    Args:
        part: of the recording.
        samples: of the whole recording at 16 kHz.
        excerpt: those that `samples_of` names, or fewer, shape (n,); 16 kHz mono.
        scale: of the recording.

    Returns:
        80 rows of one byte for each column, the lowest band first; columns beyond the
        end of the recording are 0.
    """
    energies = fbank(excerpt)
    picture = np.zeros((MEL_BINS, part.columns), np.uint8)
    if not len(energies):
        return picture.tobytes()
    start, stop = _frames_of_columns(part, frames_in(samples))
    start, stop = start - start[0], stop - start[0]
    start = np.minimum(start, len(energies) - 1)
    stop = np.clip(stop, start + 1, len(energies))
    sums = np.zeros((len(energies) + 1, MEL_BINS))
    np.cumsum(energies, axis=0, out=sums[1:])
    means = (sums[stop] - sums[start]) / (stop - start)[:, np.newaxis]
    steps = np.rint((means - scale.floor) / (scale.ceiling - scale.floor) * 255)
    is_within = _edges_ms(part)[:-1] < ms_of_samples(samples)
    picture[:, is_within] = np.clip(steps[is_within], 0, 255).T
    return picture.tobytes()


def _edges_ms(part: Part) -> npt.NDArray[np.float64]:
    return np.linspace(part.start_ms, part.end_ms, part.columns + 1)


def _frames_of_columns(part: Part, frames: int) -> tuple[Frames, Frames]:
    """First frame of each column and the one after its last; the nearest where it has none."""
    edges = _edges_ms(part)
    middle_ms = middle_ms_of_frame(0)
    bounds = np.ceil((edges - middle_ms) / FRAME_HOP_MS).astype(np.int64)
    nearest = np.rint(((edges[:-1] + edges[1:]) / 2 - middle_ms) / FRAME_HOP_MS).astype(np.int64)
    start = np.where(bounds[1:] > bounds[:-1], bounds[:-1], nearest).clip(0, frames - 1)
    return start, bounds[1:].clip(start + 1, frames)
