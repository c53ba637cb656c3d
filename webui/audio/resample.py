"""Resampling to 16 kHz, incremental and exact at every chunk size."""

from __future__ import annotations

import math

import av
import numpy as np
from numpy.typing import NDArray

from webui.audio import SAMPLE_RATE_HZ

# Silence that pushes the last samples out of the filter: four times its length
# (32 samples of the lower rate). swresample's own way of ending loses samples
# when the whole input is not much longer than the filter.
_TAIL_SAMPLES = 128


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

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take ``samples`` (n,) and return what is ready, (m,) float32 at 16 kHz.

        The output lags the input by a few milliseconds; ``flush`` gives the rest.
        """
        if self.source_rate_hz == SAMPLE_RATE_HZ or not len(samples):
            return samples
        self._fed_samples += len(samples)
        ready = _convert(self._graph, samples, self.source_rate_hz)
        self._given_samples += len(ready)
        return ready

    def flush(self) -> NDArray[np.float32]:
        """Return the samples still held, (m,) float32, and start afresh.

        Altogether n samples give n * 16000 / source_rate_hz, rounded up.
        """
        wanted = math.ceil(self._fed_samples * SAMPLE_RATE_HZ / self.source_rate_hz)
        tail = math.ceil(_TAIL_SAMPLES * max(1.0, self.source_rate_hz / SAMPLE_RATE_HZ))
        rest = _convert(self._graph, np.zeros(tail, np.float32), self.source_rate_hz)
        rest = rest[: wanted - self._given_samples]
        self._graph = _new_graph()
        self._fed_samples = self._given_samples = 0
        return rest


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
