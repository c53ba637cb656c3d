"""Peaks of page and engine, and what unloading leaves: ``-m webui.cli.page_peak AUDIO ENGINE``.

A part of ``fsmn-vad bench --memory`` (which stands below the page and cannot import it).
Prints one JSON object, in bytes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from webui.cli.page_memory import served
from webui.process_memory import measure, tree

_STEP_S = 0.1


class _Watch(threading.Thread):
    """Measures this process and all below it, again and again."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_STEP_S):
            taken = measure(tree(os.getpid()))
            # PSS counts what several have in common once; not every system tells it.
            total_bytes = taken.rss_bytes if taken.pss_bytes is None else taken.pss_bytes
            self.peak_bytes = max(self.peak_bytes, total_bytes)

    def end(self) -> int:
        """Stop, and return the most that was seen."""
        self._ended.set()
        self.join()
        return self.peak_bytes


def main(path: Path, engine: str) -> None:
    """Serve, detect, unload; measure all the while."""
    with served(engine) as page:
        watch = _Watch()
        watch.start()
        page.show(path, engine)
        seen_bytes = watch.end()
        reading = page.studio.engine.memory()
        change = page.studio.engine.unload()
        print(
            json.dumps(
                {
                    "peak": seen_bytes,
                    "peak_rss": (reading.page.peak_rss_bytes or 0)
                    + (reading.engine.peak_rss_bytes or 0),
                    "engine": change.before.engine.own_bytes,
                    "engine_after": change.after.engine.own_bytes,
                    "freed": change.freed_engine_bytes,
                    "page_after": change.after.page.own_bytes,
                    "page_rss_after": change.after.page.rss_bytes,
                }
            )
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
