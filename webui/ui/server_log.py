"""The server's log: one line an event on standard error, and not too many of a kind."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

_MOST_A_MINUTE = 10


class Bounded(logging.Filter):
    """Lets ten records of one kind pass in a minute; the next that passes counts those held back.

    A kind is what stands at one place of the code, whatever its figures are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._passed: dict[str, deque[float]] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        kind, now = f"{record.name}:{record.msg}", time.monotonic()
        with self._lock:
            passed = self._passed.setdefault(kind, deque())
            while passed and now - passed[0] >= 60:
                passed.popleft()
            if len(passed) >= _MOST_A_MINUTE:
                self._held[kind] = self._held.get(kind, 0) + 1
                return False
            passed.append(now)
            held = self._held.pop(kind, 0)
        if held:
            record.msg = f"{record.getMessage()} ({held} more of this kind were left out)"
            record.args = ()
        return True


def begin() -> None:
    """Write what this program's modules log, from "info" on, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(Bounded())
    log = logging.getLogger("webui")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
