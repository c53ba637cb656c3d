"""Memory over hours of sound in one stream: ``python -m webui.bench.soak ENGINE HOURS WAV``.

Starts the real page in a process of its own, sends it the recording again and again through
one WebSocket as fast as it takes it, with the sound kept as the Live tab has it, and prints
one JSON object: what the page's process and the engine's had in memory meanwhile.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from webui.audio import SAMPLE_RATE_HZ
from webui.errors import EngineError
from webui.process_memory import measure as measure_memory
from webui.process_memory import tree

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

# Long enough that a day takes minutes; what each piece left behind would show all the same.
_CHUNK_MS = 1000
_FIRST_S = 3600.0
_BYTES_PER_S = 2 * SAMPLE_RATE_HZ
_START_S = 60.0
_POLL_S = 0.1


def measure(name: str, hours: float, path: str) -> dict[str, Any]:
    """Run one stream.

    Args:
        name: of an engine.
        hours: of sound.
        path: 16 kHz mono WAV, 16 bits.

    Returns:
        ``first_h``: one hour, or half of what is shorter than two; for the engine's process and
        the page's (``engine_``, ``page_``) after it: ``growth_bytes``, by which the median of
        the last tenth of the readings exceeds that of the first; ``swing_bytes``, the largest
        less the smallest reading; ``bytes``, the last; ``state_bytes``: most that the stream's
        state had; ``events``: how many there were; ``wall_s``.

    Raises:
        EngineError: the page does not start, or ends the stream.
    """
    first_s = min(_FIRST_S, hours * 3600 / 2)
    readings: list[tuple[int, int]] = []
    state_bytes = events = 0
    begin = time.perf_counter()
    # What is kept of the sound is to be full by then.
    with _page(name, keep_s=first_s / 2) as (pid, port), _connected(port) as connection:
        connection.send(
            json.dumps({"type": "start", "rate_hz": SAMPLE_RATE_HZ, "engine": name, "keep": True})
        )
        told: dict[str, Any] = {}
        while told.get("type") != "ready":
            told = _next(connection)
        given = (connection, path, hours, lambda: readings.append(_reading(pid)))
        sender = threading.Thread(target=_send, args=given, daemon=True)
        sender.start()
        while (told := _next(connection))["type"] != "end":
            events += told["type"].startswith("speech_")
            state_bytes = max(state_bytes, told.get("state_bytes", 0))
            if told.get("received_bytes", 0) >= first_s * _BYTES_PER_S:
                readings.append(_reading(pid))
        sender.join()
    engine_bytes, page_bytes = zip(*readings, strict=True)
    return {
        "hours": hours,
        "first_h": first_s / 3600,
        **_told("engine", engine_bytes),
        **_told("page", page_bytes),
        "readings": len(readings),
        "state_bytes": state_bytes,
        "events": events,
        "wall_s": time.perf_counter() - begin,
    }


def _told(name: str, sizes_bytes: Sequence[int]) -> dict[str, int]:
    """Growth apart from what comes and goes: pieces that wait fill some buffers more or less."""
    tenth = max(1, len(sizes_bytes) // 10)
    growth = statistics.median(sizes_bytes[-tenth:]) - statistics.median(sizes_bytes[:tenth])
    return {
        f"{name}_growth_bytes": round(growth),
        f"{name}_swing_bytes": max(sizes_bytes) - min(sizes_bytes),
        f"{name}_bytes": sizes_bytes[-1],
    }


def _reading(page: int) -> tuple[int, int]:
    """Memory of the processes below the page's, and of the page's own."""
    below = [pid for pid in tree(page) if pid != page]
    return measure_memory(below).own_bytes, measure_memory([page]).own_bytes


def _send(
    connection: ClientConnection, path: str, hours: float, before_stop: Callable[[], None]
) -> None:
    with wave.open(path) as file:
        sound = file.readframes(file.getnframes())
    size = _BYTES_PER_S * _CHUNK_MS // 1000
    chunks = itertools.cycle([sound[first : first + size] for first in range(0, len(sound), size)])
    left = round(hours * 3600 * _BYTES_PER_S)
    while left > 0:
        chunk = next(chunks)
        connection.send(chunk)
        left -= len(chunk)
    # Stopping makes a result, which takes memory as any result does.
    before_stop()
    connection.send(json.dumps({"type": "stop"}))


def _next(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(connection.recv())
    if message["type"] == "error":
        raise EngineError(reason=message["message"])
    return message


@contextlib.contextmanager
def _page(engine: str, keep_s: float) -> Iterator[tuple[int, int]]:
    """The page in a process of its own; its id and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="fsmn-vad-bench-") as directory:
        environment = {
            **os.environ,
            "FSMN_VAD_ENGINE": engine,
            "FSMN_VAD_WORKSPACE_DIRECTORY": directory,
            "FSMN_VAD_LIVE_KEEP_S": str(max(1.0, keep_s)),
            "FSMN_VAD_STREAM_BYTES_PER_S": str(2**30),
        }
        # By name: the page stands above the benchmark and is not imported by it.
        command = [sys.executable, "-m", "webui", "serve", "--host", "127.0.0.1"]
        with subprocess.Popen(
            [*command, "--port", str(port)], env=environment, stdout=sys.stderr
        ) as page:
            try:
                _wait_for(port, page)
                yield page.pid, port
            finally:
                page.terminate()


def _wait_for(port: int, page: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while page.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(_POLL_S)
    raise EngineError(reason="the page does not start")


@contextlib.contextmanager
def _connected(port: int) -> Iterator[ClientConnection]:
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{port}/stream", compression=None, proxy=None) as connection:
        yield connection


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], float(sys.argv[2]), sys.argv[3])))
