"""Streams at real-time speed: ``python -m webui.bench.crowd ENGINE SECONDS WAV COUNT...``.

For each count, so many streams send 200 ms of sound five times a second, each at moments of
its own, to one real engine; at 48 kHz, as browsers do, so that all have to be resampled.
Prints one JSON object: how long after a chunk was there its frames were scored and decided on.
"""

from __future__ import annotations

import heapq
import json
import os
import queue
import random
import statistics
import sys
import time
import wave
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import psutil

from webui.audio.pcm import PcmFormat
from webui.engine import Engine, EngineStream
from webui.engine.memory import share_arenas
from webui.settings import Settings
from webui.vad.options import VadOptions
from webui.vad.stream import Decider, Scored

_CHUNK_S = 0.2
_TIMES_FASTER = 3  # than the recording's 16 kHz
_FORMAT = PcmFormat(48_000)
_WARM_UP_S = 1.0
_FEW = 10
_PATIENCE_S = 60.0


class _Speaker:
    """One stream's source: chunks of a recording from somewhere within it."""

    def __init__(self, stream: EngineStream, sound: bytes, at: int) -> None:
        self._stream, self._sound, self._at = stream, sound, at
        self._size = round(stream.format.bytes_per_s * _CHUNK_S)
        self._decider = Decider(VadOptions())

    def send(self, due_s: float, done: Callable[[float], None]) -> None:
        """Send the chunk that is due; tells how long after that it was decided on."""
        chunk = self._sound[self._at : self._at + self._size]
        self._at = (self._at + self._size) % (len(self._sound) - self._size)

        def decide(scored: Future[Scored]) -> None:
            self._decider.feed(scored.result().probabilities)
            done(time.perf_counter() - due_s)

        self._stream.feed(chunk).add_done_callback(decide)


def measure(name: str, duration_s: float, path: str, counts: Sequence[int]) -> dict[str, Any]:
    """Measure each number of streams in turn.

    Args:
        name: of an engine.
        duration_s: how long each is measured; twice as long if it is less than 10.
        path: 16 kHz mono WAV, 16 bits.
        counts: numbers of streams.

    Returns:
        ``streams``: for each number its ``count``, ``median_s``, ``percentile_95_s`` and
        ``maximum_s`` of the delays, and ``processors``: how many were busy with it on average.
    """
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    sound = np.repeat(samples, _TIMES_FASTER).tobytes()
    engine = Engine(replace(Settings.from_environment(), max_streams=max(counts)))
    try:
        engine.load(name).result()
        return {"streams": [_crowd(engine, name, count, duration_s, sound) for count in counts]}
    finally:
        engine.close()


def _crowd(
    engine: Engine, name: str, count: int, duration_s: float, sound: bytes
) -> dict[str, Any]:
    dice = random.Random(count)
    opened = [engine.open_stream(_FORMAT, engine=name) for _ in range(count)]
    try:
        speakers = []
        for stream in opened:
            stream.ready.result()
            speakers.append(_Speaker(stream, sound, 2 * dice.randrange(len(sound) // 4)))
        _send(speakers, _WARM_UP_S, dice)
        busy_s, begin = _processor_s(engine), time.perf_counter()
        # Few streams have few chunks.
        delays_s = _send(speakers, duration_s * (2 if count < _FEW else 1), dice)
        processors = (_processor_s(engine) - busy_s) / (time.perf_counter() - begin)
    finally:
        for stream in opened:
            stream.close()
    return {
        "count": count,
        "median_s": statistics.median(delays_s),
        "percentile_95_s": float(np.percentile(delays_s, 95)),
        "maximum_s": max(delays_s),
        "processors": processors,
    }


def _send(speakers: Sequence[_Speaker], duration_s: float, dice: random.Random) -> list[float]:
    """Have all speak for so long, each at moments of its own; the delays of their chunks."""
    begin = time.perf_counter()
    due = [(begin + dice.random() * _CHUNK_S, number) for number in range(len(speakers))]
    heapq.heapify(due)
    delays_s: queue.SimpleQueue[float] = queue.SimpleQueue()
    sent = 0
    while due[0][0] < begin + duration_s:
        due_s, number = due[0]
        time.sleep(max(0.0, due_s - time.perf_counter()))
        speakers[number].send(due_s, delays_s.put)
        heapq.heapreplace(due, (due_s + _CHUNK_S, number))
        sent += 1
    return [delays_s.get(timeout=_PATIENCE_S) for _ in range(sent)]


def _processor_s(engine: Engine) -> float:
    """Processor time that this process and the engine's have had."""
    pids = (os.getpid(), engine.status().pid or os.getpid())
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in set(pids))


if __name__ == "__main__":
    share_arenas()
    numbers = [int(count) for count in sys.argv[4:]]
    print(json.dumps(measure(sys.argv[1], float(sys.argv[2]), sys.argv[3], numbers)))
