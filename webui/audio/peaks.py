"""The outline of a waveform: the lowest and highest sample of every 10 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webui.audio import FRAME_HOP_SAMPLES

_FULL_SCALE = 32_768
_FIRST_CAPACITY = 1_024


@dataclass(frozen=True, eq=False)
class Peaks:
    """Minimum and maximum of each hop.

    Attributes:
        values: (n, 2) int16, full scale 32768; the last hop may be a partial one.
        hop_samples: samples of 16 kHz audio that one row covers.
    """

    values: NDArray[np.int16]
    hop_samples: int = FRAME_HOP_SAMPLES

    def __len__(self) -> int:
        return len(self.values)

    def reduce(self, columns: int, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Summarise the hops ``start`` to ``stop`` in ``columns`` pairs for drawing.

        Args:
            columns: number of rows wanted, at least 1. With more columns than
                hops, neighbouring columns repeat the hop they lie in.
            start: first hop.
            stop: hop after the last one; None is the end.

        Returns:
            (columns, 2) float32, minimum and maximum in [-1, 1]; zeros where
            the range holds no hop.
        """
        if columns < 1:
            raise ValueError(f"columns must be at least 1, not {columns}")
        values = self.values[start:stop]
        if not len(values):
            return np.zeros((columns, 2), np.float32)
        # reduceat takes each edge up to the next, and one row where two coincide.
        edges = np.arange(columns) * len(values) // columns
        lowest = np.minimum.reduceat(values[:, 0], edges)
        highest = np.maximum.reduceat(values[:, 1], edges)
        pairs: NDArray[np.float32] = np.stack([lowest, highest], axis=1).astype(np.float32)
        pairs /= np.float32(_FULL_SCALE)
        return pairs


class PeakBuilder:
    """Collect the peaks of a recording from pieces of any size.

    Holds 4 bytes per 10 ms of audio (and up to as much again in reserve).
    """

    def __init__(self) -> None:
        self._values = np.empty((_FIRST_CAPACITY, 2), np.int16)
        self._count = 0
        self._partial = np.zeros(0, np.float32)

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take ``samples`` (n,) float32 at 16 kHz; beyond [-1, 1] they are clipped."""
        if len(self._partial):
            samples = np.concatenate([self._partial, samples])
        whole = len(samples) // FRAME_HOP_SAMPLES * FRAME_HOP_SAMPLES
        hops = hop_peaks(samples[:whole].reshape(-1, FRAME_HOP_SAMPLES))
        self._partial = samples[whole:].copy()
        end = self._count + len(hops)
        if end > len(self._values):
            self._grow(end)
        self._values[self._count : end] = hops
        self._count = end

    def finish(self) -> Peaks:
        """Return the peaks of all that was fed; feeding may go on afterwards."""
        values = self._values[: self._count]
        if len(self._partial):
            return Peaks(np.concatenate([values, hop_peaks(self._partial[np.newaxis])]))
        return Peaks(values.copy())

    def _grow(self, at_least: int) -> None:
        larger = np.empty((max(at_least, 2 * len(self._values)), 2), np.int16)
        larger[: self._count] = self._values[: self._count]
        self._values = larger


def hop_peaks(hops: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return the lowest and highest sample of each hop.

    Args:
        hops: (n, samples) float32; beyond [-1, 1] they are clipped.

    Returns:
        (n, 2) int16, full scale 32768.
    """
    pairs = np.stack([hops.min(axis=1), hops.max(axis=1)], axis=1)
    scaled = np.rint(pairs.astype(np.float64) * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
