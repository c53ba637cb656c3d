"""Resampling to 16 kHz, incremental and exact at every chunk size."""

from __future__ import annotations

import math

import av
import numpy as np
from numpy.typing import NDArray

from webui.audio import SAMPLE_RATE_HZ

# One second of silence is longer than the filter at any rate.
_TAIL_S = 1


class Resampler:
    """Turn mono samples of any rate into 16 kHz, piece by piece.

    The state of the band-limited filter (FFmpeg's swresample) is kept between
    calls, so how the input is cut does not change the output by one bit. The
    filter's delay is compensated: sample 0 of the output is the instant of
    sample 0 of the input. Input that is 16 kHz already passes untouched.

    Args:
        source_rate_hz: sample rate of what is fed, at least 1.
    """

    def __init__(self, source_rate_hz: int) -> None:
        if source_rate_hz < 1:
            raise ValueError(f"source_rate_hz must be at least 1, not {source_rate_hz}")
        self.source_rate_hz = source_rate_hz
        self._graph = _new_graph()
        self._fed_samples = 0
        self._given_samples = 0
        self._unanswered: list[NDArray[np.float32]] = []

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take ``samples`` (n,) and return what is ready, (m,) float32 at 16 kHz.

        The output lags the input by a few milliseconds; ``flush`` gives the rest.
        """
        if self.source_rate_hz == SAMPLE_RATE_HZ or not len(samples):
            return samples
        self._fed_samples += len(samples)
        ready = _convert(self._graph, samples, self.source_rate_hz)
        self._given_samples += len(ready)
        if self._given_samples:
            self._unanswered.clear()
        else:
            self._unanswered.append(samples.copy())
        return ready

    def flush(self) -> NDArray[np.float32]:
        """Return the samples still held, (m,) float32, and start afresh."""
        rest = _concatenate([_array(frame) for frame in self._graph.resample(None)])
        wanted = math.ceil(self._fed_samples * SAMPLE_RATE_HZ / self.source_rate_hz)
        if self._unanswered and not len(rest):
            rest = self._convert_short()
        rest = rest[: max(0, wanted - self._given_samples)]
        self._graph = _new_graph()
        self._fed_samples = self._given_samples = 0
        self._unanswered.clear()
        return rest

    def _convert_short(self) -> NDArray[np.float32]:
        # swresample gives nothing at all for input shorter than its filter.
        tail = np.zeros(_TAIL_S * self.source_rate_hz, np.float32)
        return _convert(_new_graph(), _concatenate([*self._unanswered, tail]), self.source_rate_hz)


def _new_graph() -> av.AudioResampler:
    return av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)


def _convert(
    graph: av.AudioResampler, samples: NDArray[np.float32], rate_hz: int
) -> NDArray[np.float32]:
    row = np.ascontiguousarray(samples, np.float32)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(row, format="flt", layout="mono")
    frame.sample_rate = rate_hz
    return _concatenate([_array(out) for out in graph.resample(frame)])


def _array(frame: av.AudioFrame) -> NDArray[np.float32]:
    return np.frombuffer(memoryview(frame.planes[0]), np.float32, count=frame.samples)


def _concatenate(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
