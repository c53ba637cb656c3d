"""Memory over hours of sound in one stream: ``python -m webui.bench.soak ENGINE HOURS WAV``.

Sends the recording again and again through one live stream of a real engine, as fast as it
goes, and prints one JSON object: what the engine's process and this one, which holds the
stream as the page does, had in memory meanwhile.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import wave
from collections import deque
from concurrent.futures import Future
from typing import Any

from webui.audio import SAMPLE_RATE_HZ
from webui.audio.pcm import PcmFormat
from webui.engine import Engine
from webui.engine.memory import share_arenas
from webui.settings import Settings
from webui.vad.options import VadOptions
from webui.vad.stream import Decider, Scored

_CHUNK_MS = 200
_FIRST_S = 3600
_READ_EVERY_S = 300.0
_FEWEST_READINGS = 10
_UNDER_WAY = 64


def measure(name: str, hours: float, path: str) -> dict[str, Any]:
    """Run one stream.

    Args:
        name: of an engine.
        hours: of sound.
        path: 16 kHz mono WAV, 16 bits.

    Returns:
        ``first_h``: one hour, or half of what is shorter than two; ``engine_growth_bytes`` and
        ``page_growth_bytes``: most that the process had after it, less what it had then;
        ``engine_bytes`` and ``page_bytes``: at the end; ``state_bytes``: most that the stream's
        state had; ``events``: how many there were; ``wall_s``.
    """
    pcm = PcmFormat(SAMPLE_RATE_HZ)
    with wave.open(path) as file:
        sound = file.readframes(file.getnframes())
    size = pcm.bytes_per_s * _CHUNK_MS // 1000
    chunks = itertools.cycle([sound[first : first + size] for first in range(0, len(sound), size)])
    whole_s = hours * 3600
    first_s = min(_FIRST_S, whole_s / 2)
    read_every_s = min(_READ_EVERY_S, whole_s / _FEWEST_READINGS)
    state_bytes = events = 0
    sent_s = next_s = 0.0
    readings: list[tuple[int, int]] = []
    begin = time.perf_counter()
    engine = Engine(Settings.from_environment())
    try:
        stream, decider = engine.open_stream(pcm, engine=name), Decider(VadOptions())
        under_way: deque[Future[Scored]] = deque()
        while sent_s < whole_s:
            chunk = next(chunks)
            under_way.append(stream.feed(chunk))
            sent_s += len(chunk) / pcm.bytes_per_s
            if len(under_way) >= _UNDER_WAY:
                events += len(decider.feed(under_way.popleft().result().probabilities))
                state_bytes = max(state_bytes, stream.state_bytes)
            if sent_s >= max(first_s, next_s):
                readings.append(_reading(engine))
                next_s = sent_s + read_every_s
        for future in [*under_way, stream.finish()]:
            events += len(decider.feed(future.result().probabilities))
        readings.append(_reading(engine))
    finally:
        engine.close()
    engine_bytes, page_bytes = zip(*readings, strict=True)
    return {
        "hours": hours,
        "first_h": first_s / 3600,
        "engine_growth_bytes": max(engine_bytes) - engine_bytes[0],
        "page_growth_bytes": max(page_bytes) - page_bytes[0],
        "engine_bytes": engine_bytes[-1],
        "page_bytes": page_bytes[-1],
        "state_bytes": state_bytes,
        "events": events,
        "wall_s": time.perf_counter() - begin,
    }


def _reading(engine: Engine) -> tuple[int, int]:
    """Memory of the engine's process and of this one."""
    memory = engine.memory()
    return memory.engine.own_bytes, memory.page.own_bytes


if __name__ == "__main__":
    share_arenas()
    print(json.dumps(measure(sys.argv[1], float(sys.argv[2]), sys.argv[3])))
