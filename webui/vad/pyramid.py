"""What a screen draws of a recording, at every scale: columns of sound and of speech probability.

A pyramid of levels: a column of level 0 is one hop of 10 ms, and each further level
joins four columns of the one below, up to a level that fits into a single tile. Whoever
draws takes the level whose columns are just narrower than a pixel, so that three seconds
and three hours cost the same. ``static/view/pyramid.js`` chooses the level; the numbers
that both share are checked against ``tests/golden/pyramid.json``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webui.audio.peaks import Peaks
from webui.vad.timebase import FRAME_HOP_MS

Plane = npt.NDArray[np.uint8]

FACTOR = 4
TILE_COLUMNS = 1024
PLANES = 5
"""Of each column: lowest and highest sample, lowest, highest and mean probability."""

_FULL_SCALE = 32_768
_MIDDLE = 128
_STEPS = 127


def level_sizes(columns: int) -> list[int]:
    """Columns of each level, level 0 first; the last level fits into one tile."""
    sizes = [columns]
    while sizes[-1] > TILE_COLUMNS:
        sizes.append(-(-sizes[-1] // FACTOR))
    return sizes


def column_ms(level: int) -> int:
    """How much time a column of ``level`` covers."""
    return int(FRAME_HOP_MS * FACTOR**level)


@dataclass(frozen=True, eq=False)
class Pyramid:
    """All levels of a recording.

    Samples are companded by the square root of their size, so that quiet sound keeps its
    level too: 128 is zero, 128 +- 127 full scale. Probabilities are 255ths.

    Attributes:
        peaks: level 0 of the sound.
        probabilities: level 0 of P(speech), float32, shape (frames,); the hops at the end
            that have no whole frame repeat the last one.
        levels: (5, columns) uint8 each, level 1 first. Level 0 is made tile by tile: kept,
            it would be most of all.
    """

    peaks: Peaks
    probabilities: npt.NDArray[np.float32]
    levels: tuple[Plane, ...]

    @classmethod
    def of(cls, peaks: Peaks, probabilities: npt.NDArray[np.float32]) -> Pyramid:
        """Make the levels of sound and probabilities, which are kept and not copied."""
        levels: list[Plane] = []
        below = _ground(peaks, probabilities, 0, len(peaks))
        for size in level_sizes(len(peaks))[1:]:
            below = _joined(below, size)
            levels.append(below)
        return cls(peaks, probabilities, tuple(levels))

    @staticmethod
    def bytes_for(columns: int) -> int:
        """Memory that the levels above level 0 of so many hops take."""
        return PLANES * sum(level_sizes(columns)[1:])

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the planes of up to 1024 columns, one after the other; None beyond the end."""
        if not 0 <= level <= len(self.levels) or index < 0:
            return None
        first, stop = index * TILE_COLUMNS, (index + 1) * TILE_COLUMNS
        if level:
            part = self.levels[level - 1][:, first:stop]
        else:
            part = _ground(self.peaks, self.probabilities, first, stop)
        return part.tobytes() if part.shape[1] else None


def _ground(peaks: Peaks, probabilities: npt.NDArray[np.float32], first: int, stop: int) -> Plane:
    """Columns ``first`` to ``stop`` of level 0."""
    values = peaks.values[first:stop]
    ground: Plane = np.zeros((PLANES, len(values)), np.uint8)
    ground[:2] = _companded(values.T)
    if len(probabilities):
        speech = probabilities[first:stop] if first < len(probabilities) else probabilities[-1:]
        steps = np.rint(speech[: len(values)] * np.float32(255)).astype(np.uint8)
        ground[2:, : len(steps)] = steps
        ground[2:, len(steps) :] = steps[-1:]
    return ground


def _companded(values: npt.NDArray[np.int16]) -> Plane:
    size = np.sqrt(np.abs(values.astype(np.float32)) / np.float32(_FULL_SCALE))
    steps = np.rint(np.copysign(size * np.float32(_STEPS), values))
    return (steps + np.float32(_MIDDLE)).astype(np.uint8)


def _joined(below: Plane, size: int) -> Plane:
    """Join four columns each; the last one may have fewer."""
    missing = size * FACTOR - below.shape[1]
    parts = np.pad(below, ((0, 0), (0, missing)), mode="edge").reshape(PLANES, size, FACTOR)
    joined: Plane = np.empty((PLANES, size), np.uint8)
    # Slices are joined faster than a short last axis.
    quarters = [parts[:, :, number] for number in range(FACTOR)]
    for plane, join in ((0, np.minimum), (1, np.maximum), (2, np.minimum), (3, np.maximum)):
        joined[plane] = join(
            join(quarters[0][plane], quarters[1][plane]),
            join(quarters[2][plane], quarters[3][plane]),
        )
    joined[4] = (parts[4].sum(axis=1, dtype=np.uint16) + FACTOR // 2) // FACTOR
    return joined
