"""What a chunk of a live stream costs: ``python -m webui.bench.chunks NAME WAV``.

Prints one JSON object: seconds a chunk in one thread, how much sound passes before an event
is told, and the bytes that a stream needs. NAME is an engine, or "automodel" for FunASR's own
``generate(cache=..., chunk_size=...)``.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pickle
import statistics
import sys
import time
import wave
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from webui.audio import SAMPLE_RATE_HZ
from webui.audio.pcm import PcmFormat
from webui.vad.detector import Detector
from webui.vad.options import VadOptions
from webui.vad.stream import Decider

Kind = Literal["speech_start", "speech_end"]
Event = tuple[Kind, int]
"""What has happened, and when, in ms of the stream."""

CHUNKS_MS = (60, 200, 600)

_WARM_UP_CHUNKS = 20
# The state is largest where a resampler has a part in it.
_FORMATS = (PcmFormat(SAMPLE_RATE_HZ), PcmFormat(48_000, 2), PcmFormat(44_100))


class _Own:
    """A stream of this program's."""

    def __init__(self, detector: Detector, chunk_ms: int, pcm: PcmFormat = _FORMATS[0]) -> None:
        self._scorer = detector.stream_scorer
        self._state = self._scorer.start(pcm)
        self._decider = Decider(VadOptions())

    def feed(self, chunk: npt.NDArray[np.int16], is_last: bool) -> list[Event]:
        self._state, scored = self._scorer.feed(self._state, chunk.tobytes())
        events = self._decider.feed(scored.probabilities)
        if is_last:
            last = self._scorer.finish(self._state)
            events += self._decider.flush(self._state.samples, last.probabilities)
        return [(event.kind, event.boundary_ms) for event in events]

    @property
    def size_bytes(self) -> int:
        """Bytes of all that the stream has of its past."""
        return self._state.size_bytes + len(pickle.dumps(self._decider))


class _FunAsr:
    """A stream of FunASR's."""

    size_bytes = 0  # it holds tensors and growing lists; nothing that could be weighed fairly

    def __init__(self, session: Any, chunk_ms: int) -> None:
        options = VadOptions()
        self._session, self._cache = session, dict[str, Any]()
        self._given = {
            "chunk_size": chunk_ms,
            "max_end_silence_time": options.max_end_silence_time,
            "speech_noise_thres": options.speech_noise_thres,
        }

    def feed(self, chunk: npt.NDArray[np.int16], is_last: bool) -> list[Event]:
        samples = chunk.astype(np.float32) / 32768
        found = self._session.generate(
            input=samples, cache=self._cache, is_final=is_last, **self._given
        )
        events: list[Event] = []
        for start_ms, end_ms in found[0]["value"]:
            # -1 stands for what was told before, or is not known yet.
            events += [("speech_start", start_ms)] if start_ms >= 0 else []
            events += [("speech_end", end_ms)] if end_ms >= 0 else []
        return events


def measure(name: str, path: str) -> dict[str, Any]:
    """Send a recording through streams, chunk by chunk, as fast as it goes.

    Args:
        name: "automodel" or an engine.
        path: 16 kHz mono WAV, 16 bits.

    Returns:
        ``chunks``: for each of `CHUNKS_MS`, ``chunk_s``: median, mean and 95th percentile of the
        time that a chunk takes, ``speech_start_delay_ms`` and ``speech_end_delay_ms``: how much
        sound had come after a boundary when it was told, median and most, and ``events``:
        their kinds and times. ``state_bytes``: by format of the stream; none for "automodel".
    """
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    state_bytes = {}
    begin: Callable[[int], _Own | _FunAsr]
    if name == "automodel":
        begin = functools.partial(_FunAsr, _session())
    else:
        begin = functools.partial(_Own, Detector(name, threads=1))
        for pcm in _FORMATS:
            label = f"{pcm.rate_hz} Hz x {pcm.channels}"
            state_bytes[label] = _largest(begin(CHUNKS_MS[0], pcm), _cut(samples, CHUNKS_MS[0]))
    chunks = {}
    for chunk_ms in CHUNKS_MS:
        cut = _cut(samples, chunk_ms)
        _run(begin(chunk_ms), cut[:_WARM_UP_CHUNKS])
        chunks[str(chunk_ms)] = _run(begin(chunk_ms), cut)
    return {"chunks": chunks, "state_bytes": state_bytes, "process_id": os.getpid()}


def _cut(samples: npt.NDArray[np.int16], chunk_ms: int) -> list[npt.NDArray[np.int16]]:
    size = SAMPLE_RATE_HZ * chunk_ms // 1000
    return [samples[first : first + size] for first in range(0, len(samples), size)]


def _session() -> Any:
    import funasr

    from webui import weights

    return funasr.AutoModel(
        model=str(weights.find(engine="funasr")),
        ncpu=1,
        disable_update=True,
        disable_pbar=True,
        log_level="ERROR",
    )


def _run(stream: _Own | _FunAsr, chunks: Sequence[npt.NDArray[np.int16]]) -> dict[str, Any]:
    took_s: list[float] = []
    delays_ms: dict[Kind, list[int]] = {"speech_start": [], "speech_end": []}
    every: list[Event] = []
    received_samples = 0
    for number, chunk in enumerate(chunks, 1):
        received_samples += len(chunk)
        begin = time.perf_counter()
        events = stream.feed(chunk, number == len(chunks))
        took_s.append(time.perf_counter() - begin)
        every += events
        # What the end of the recording cuts off says nothing about delays.
        for kind, boundary_ms in events if number < len(chunks) else []:
            delays_ms[kind].append(received_samples * 1000 // SAMPLE_RATE_HZ - boundary_ms)
    return {
        "chunk_s": {
            "median": statistics.median(took_s),
            "mean": statistics.fmean(took_s),
            "percentile_95": float(np.percentile(took_s, 95)),
        },
        **{
            f"{kind}_delay_ms": {"median": statistics.median(each), "maximum": max(each)}
            for kind, each in delays_ms.items()
            if each
        },
        "events": every,
    }


def _largest(stream: _Own, chunks: Sequence[npt.NDArray[np.int16]]) -> int:
    """Most bytes that a stream has had after any of the first chunks."""
    sizes = []
    for chunk in chunks[:_WARM_UP_CHUNKS]:
        stream.feed(chunk, False)
        sizes.append(stream.size_bytes)
    return max(sizes)


if __name__ == "__main__":
    # FunASR prints to standard output, which belongs to the result.
    with contextlib.redirect_stdout(sys.stderr):
        result = measure(sys.argv[1], sys.argv[2])
    print(json.dumps(result))
