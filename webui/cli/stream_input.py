"""What comes through standard input: read at once, whoever is busy, and never in heaps."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

_READ_BYTES = 1 << 16
_MOST_WAITING = 128  # reads: 8 MB, which is many seconds while the model is loaded
_LOOK_S = 0.1
_SAME_S = 1.0  # `timeout` sends its signal twice; only a person does so later than that
_ENDING = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]


class StreamInput:
    """Bytes of standard input, until it ends or a signal ends it.

    A thread reads, so that a recorder is not held up while the model is loaded or somebody
    is slow in taking the events; when too much waits, the recorder has to.

    Args:
        descriptor: of the file that is read.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: queue.Queue[tuple[bytes, float]] = queue.Queue(_MOST_WAITING)
        self._is_ended = threading.Event()
        self._ended_s = 0.0
        self._before: dict[int, Any] = {}
        self._thread = threading.Thread(target=self._read, name="stdin", daemon=True)
        self._thread.start()

    def __enter__(self) -> StreamInput:
        """From here on a signal ends the input; a later one ends the program as ever."""
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, *of_error: object) -> None:
        self._restore()

    @property
    def is_interrupted(self) -> bool:
        """Whether a signal has ended it."""
        return self._is_ended.is_set()

    def reads(self) -> Iterator[tuple[bytes, float]]:
        """Yield what was read and when (by `time.perf_counter`), as soon as it is there."""
        while True:
            try:
                data, came_s = self._waiting.get(timeout=_LOOK_S)
            except queue.Empty:
                if self._is_ended.is_set():
                    return
                continue
            if not data:
                return
            yield data, came_s

    def _end(self, number: int, frame: FrameType | None) -> None:
        if not self._is_ended.is_set():
            self._is_ended.set()
            self._ended_s = time.monotonic()
        elif time.monotonic() - self._ended_s > _SAME_S:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _read(self) -> None:
        while not self._is_ended.is_set():
            try:
                data = os.read(self._descriptor, _READ_BYTES)
            except OSError:
                data = b""  # the terminal or the device at the other end is gone
            self._waiting.put((data, time.perf_counter()))
            if not data:
                return
