"""Resampling to 16 kHz, incremental and exact at every chunk size; its state is a value."""

from __future__ import annotations

import math
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from fractions import Fraction
from threading import Lock
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from webui.audio import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.filter import Graph

# Silence that pushes the last samples out of the filter: four times its length
# (32 samples of the lower rate). swresample's own way of ending loses samples
# when the whole input is not much longer than the filter.
_TAIL_SAMPLES = 128
# Replayed to bring a fresh filter to where another one was: three times its length. It
# needs one and a half: what it has taken and not given yet, and what that looks back on.
_REPLAYED_SAMPLES = 96
# Bringing a fresh filter there costs up to ten times what a short step of a stream does. But a
# filter takes up to 1.4 MB: those of streams that have paused go.
_MOST_KEPT = 128
_KEPT_S = 10.0


def period_samples(rate_hz: int) -> int:
    """After so many samples of a rate, one of them falls on a sample of 16 kHz again."""
    return rate_hz // math.gcd(rate_hz, SAMPLE_RATE_HZ)


@dataclass(frozen=True, eq=False)
class ResamplerState:
    """Where a resampler is in its input: a plain value that can be kept and sent.

    Attributes:
        source_rate_hz: sample rate of what is fed.
        fed_samples: input so far.
        tail: the last of the input, float32, shape (n,): what brings a fresh filter to the same
            state, bit by bit. It begins at a multiple of `period_samples`.
        token: tells this state from every other.
    """

    source_rate_hz: int
    fed_samples: int = 0
    tail: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    token: bytes = b""

    @property
    def samples(self) -> int:
        """Samples at 16 kHz that the input makes, those still held included."""
        return _made_of(self.fed_samples, self.source_rate_hz)

    def feed(self, samples: NDArray[np.float32]) -> tuple[ResamplerState, NDArray[np.float32]]:
        """Go on from here; this state stays as it is.

        Args:
            samples: (n,) float32 at the source's rate.

        Returns:
            The new state, and what is ready, (m,) float32 at 16 kHz.
        """
        if self.source_rate_hz == SAMPLE_RATE_HZ:
            fed_samples = self.fed_samples + len(samples)
            return ResamplerState(self.source_rate_hz, fed_samples), samples
        resampler = _KEPT.take(self.token) or Resampler.resume(self)
        ready = resampler.feed(samples)
        state = resampler.state()
        _KEPT.put(state.token, resampler)
        return state, ready

    def finish(self) -> NDArray[np.float32]:
        """Return the samples still held, (m,) float32 at 16 kHz."""
        if self.source_rate_hz == SAMPLE_RATE_HZ:
            return np.zeros(0, np.float32)
        return (_KEPT.take(self.token) or Resampler.resume(self)).flush()


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
        self._period = period_samples(source_rate_hz)
        self._replayed = math.ceil(_REPLAYED_SAMPLES * max(1.0, source_rate_hz / SAMPLE_RATE_HZ))
        self._start_at(0)

    @classmethod
    def resume(cls, state: ResamplerState) -> Resampler:
        """Go on where another resampler was, here or in another process."""
        resampler = cls(state.source_rate_hz)
        resampler._start_at(state.fed_samples - len(state.tail))
        resampler.feed(state.tail)
        return resampler

    def state(self) -> ResamplerState:
        """Where it is now, as a value of its own."""
        tail = self._tail.copy()
        return ResamplerState(self.source_rate_hz, self._fed_samples, tail, secrets.token_bytes(16))

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take ``samples`` (n,) and return what is ready, (m,) float32 at 16 kHz.

        The output lags the input by a few milliseconds; ``flush`` gives the rest.
        """
        if self.source_rate_hz == SAMPLE_RATE_HZ or not len(samples):
            return samples
        self._fed_samples += len(samples)
        self._keep_tail(samples)
        ready = _convert(self._graph, samples, self.source_rate_hz)
        self._given_samples += len(ready)
        return ready

    def flush(self) -> NDArray[np.float32]:
        """Return the samples still held, (m,) float32, and start afresh.

        Altogether n samples give n * 16000 / source_rate_hz, rounded up.
        """
        wanted = _made_of(self._fed_samples, self.source_rate_hz)
        tail = math.ceil(_TAIL_SAMPLES * max(1.0, self.source_rate_hz / SAMPLE_RATE_HZ))
        rest = _convert(self._graph, np.zeros(tail, np.float32), self.source_rate_hz)
        rest = rest[: wanted - self._given_samples]
        self._start_at(0)
        return rest

    def _start_at(self, sample: int) -> None:
        """Begin with a fresh filter at a sample of the input, a multiple of the period."""
        self._graph = _new_graph(self.source_rate_hz)
        self._fed_samples = sample
        self._given_samples = sample * SAMPLE_RATE_HZ // self.source_rate_hz
        self._tail = np.zeros(0, np.float32)

    def _keep_tail(self, samples: NDArray[np.float32]) -> None:
        first = max(0, self._fed_samples - self._replayed) // self._period * self._period
        wanted = self._fed_samples - first
        if wanted < len(samples):
            self._tail = samples[len(samples) - wanted :].copy()
        else:
            held = np.concatenate((self._tail, samples))
            self._tail = held[max(0, len(held) - wanted) :]


def keep_filters(most: int) -> None:
    """Have the filters kept of as many streams as there may be in this process."""
    _KEPT.most = most


class _Kept:
    """Filters of the latest states of streams, so that going on need not replay.

    Attributes:
        most: how many are kept at most; with fewer than there are streams, each would be gone
            when its turn comes.
    """

    def __init__(self) -> None:
        self.most = _MOST_KEPT
        self._resamplers: OrderedDict[bytes, tuple[float, Resampler]] = OrderedDict()
        self._lock = Lock()

    def take(self, token: bytes) -> Resampler | None:
        """Hand over the filter of a state, to one taker only: going on changes it."""
        with self._lock:
            _, resampler = self._resamplers.pop(token, (0.0, None))
            return resampler

    def put(self, token: bytes, resampler: Resampler) -> None:
        now = time.monotonic()
        with self._lock:
            self._resamplers[token] = (now, resampler)
            while len(self._resamplers) > self.most or self._oldest_s < now - _KEPT_S:
                self._resamplers.popitem(last=False)

    @property
    def _oldest_s(self) -> float:
        put_s, _ = next(iter(self._resamplers.values()))
        return put_s


_KEPT = _Kept()


def _made_of(samples: int, rate_hz: int) -> int:
    return -(-samples * SAMPLE_RATE_HZ // rate_hz)


def _new_graph(rate_hz: int) -> Graph:
    # Here, since states travel through processes that never resample.
    from av.filter import Graph

    graph = Graph()
    graph.threads = 1  # else each filter starts threads of its own, one for each core
    source = graph.add_abuffer(
        sample_rate=rate_hz, format="flt", layout="mono", time_base=Fraction(1, rate_hz)
    )
    resample = graph.add("aresample", str(SAMPLE_RATE_HZ))
    sink = graph.add("abuffersink")
    source.link_to(resample)
    resample.link_to(sink)
    graph.configure()
    return graph


def _convert(graph: Graph, samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    import av

    row = np.ascontiguousarray(samples, np.float32)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(row, format="flt", layout="mono")
    frame.sample_rate = rate_hz
    graph.push(frame)
    parts = []
    while True:
        try:
            # An audio graph gives nothing but audio frames.
            parts.append(_array(cast("AudioFrame", graph.pull())))
        except av.BlockingIOError:  # it wants more
            return _concatenate(parts)


def _array(frame: AudioFrame) -> NDArray[np.float32]:
    return np.frombuffer(memoryview(frame.planes[0]), np.float32, count=frame.samples)


def _concatenate(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
