"""What all sessions of a page share: engine, scores, uploads, memory readings."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from webui.engine import Engine, MemoryReading
from webui.engine.memory import give_back
from webui.engine.spectrograms import Spectrograms
from webui.history import History
from webui.process_memory import Growth
from webui.settings import Settings, project_root
from webui.ui.batches.batches import Batches
from webui.ui.cutting import Cutters
from webui.ui.lives import Lives
from webui.ui.playback import Copies
from webui.ui.questions import Questions
from webui.ui.runs import Runs
from webui.ui.session import RunningJobs, ScoreCache
from webui.ui.workspace import Workspace

_READING_AGE_S = 1.0
TREND_S = 600.0
_TREND_STEP_S = 4.0
# A younger upload is about to be picked by whoever sent it.
_FRESH_S = 5.0


@dataclass(frozen=True)
class TrendPoint:
    """Memory at one moment.

    Attributes:
        time_s: time.monotonic().
        page_bytes, engine_bytes: own memory of the two processes.
    """

    time_s: float
    page_bytes: int
    engine_bytes: int


class MemorySampler:
    """Reads memory for all sessions: at most once a second, however many ask.

    Args:
        read: takes a reading.
    """

    def __init__(self, read: Callable[[], MemoryReading]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._taken_s = -_READING_AGE_S
        self._reading: MemoryReading | None = None
        self._peak_bytes = 0
        # One point for each step of time, however many visitors ask: the whole span fits.
        self._trend: deque[TrendPoint] = deque(maxlen=round(TREND_S / _TREND_STEP_S) + 1)

    def reading(self, *, fresh: bool = False) -> MemoryReading:
        """Return a reading that is at most a second old.

        Args:
            fresh: take a new one in any case.
        """
        with self._lock:
            now = time.monotonic()
            if fresh or self._reading is None or now - self._taken_s >= _READING_AGE_S:
                self._reading = reading = self._read()
                self._taken_s = now
                own = (reading.page, reading.engine, reading.helpers)
                self._peak_bytes = max(self._peak_bytes, sum(part.own_bytes for part in own))
                self._note(
                    TrendPoint(
                        now,
                        reading.page.own_bytes,
                        reading.engine.own_bytes,
                    )
                )
            return self._reading

    @property
    def peak_bytes(self) -> int:
        """The most that page, engine and helpers took together in any reading."""
        return self._peak_bytes

    def _note(self, point: TrendPoint) -> None:
        """Add a point; within one step of time the latest one counts."""
        step = point.time_s // _TREND_STEP_S
        if self._trend and self._trend[-1].time_s // _TREND_STEP_S == step:
            self._trend.pop()
        self._trend.append(point)

    def trend(self) -> tuple[TrendPoint, ...]:
        """Return the readings of the last minutes, oldest first."""
        with self._lock:
            return tuple(self._trend)


@dataclass(frozen=True)
class Cleared:
    """What clearing the caches gave back.

    Attributes:
        results: scored recordings that were forgotten.
        memory_bytes: fall of the page's own memory, 0 or more.
        disk_bytes: room of the uploads that were deleted.
    """

    results: int
    memory_bytes: int
    disk_bytes: int


class Studio:
    """What all sessions share.

    Args:
        settings: of the program.
        growth: which steps of the start took how much memory.

    Attributes:
        settings, growth: as given.
        engine: the process that scores.
        cache: scored recordings.
        workspace: uploads.
        jobs: what runs now, by session.
        sampler: memory readings.
        copies: of recordings that a browser cannot play.
        spectrograms: of parts of recordings.
        cutters: processes that cut sound for downloads.
        lives: live streams; closed in the server's event loop.
        questions: sweeps, advice and the like about results.
        runs: the history of what was detected.
        batches: many files at once.
        demos: demo recordings by name.
    """

    def __init__(self, settings: Settings, growth: Growth | None = None) -> None:
        self.settings = settings
        self.growth = growth or Growth()
        self.workspace = Workspace(settings.workspace_directory, settings.workspace_bytes)
        self.engine = Engine(settings)
        self.cache = ScoreCache(settings.cache_bytes)
        self.jobs = RunningJobs()
        self.sampler = MemorySampler(self.engine.memory)
        self.copies = Copies(settings.stall_timeout_s)
        self.spectrograms = Spectrograms(settings.stall_timeout_s)
        self.cutters = Cutters()
        self.questions = Questions()
        self.runs = Runs(History.of(settings))
        self.lives = Lives(settings, self.cache, self.workspace, self.runs)
        self.batches = Batches(settings, self.engine, self.cache, self.workspace, self.runs)
        self.demos = demo_recordings()

    def clear_caches(self) -> Cleared:
        """Forget all results, and delete the uploads that nobody works on."""
        before, disk_bytes = self.sampler.reading(fresh=True), self.workspace.size_bytes
        results = self.cache.clear()
        self.workspace.sweep(_FRESH_S)
        give_back()
        after = self.sampler.reading(fresh=True)
        return Cleared(
            results,
            max(0, before.page.own_bytes - after.page.own_bytes),
            max(0, disk_bytes - self.workspace.size_bytes),
        )

    def sweep(self) -> None:
        """Forget results and uploads that are too old, and processes that have ended."""
        # The trend goes on, if coarsely, while nobody looks.
        self.sampler.reading()
        self.cache.sweep(self.settings.upload_age_s)
        self.batches.sweep(self.settings.upload_age_s)
        self.workspace.sweep(self.settings.upload_age_s)
        self.spectrograms.sweep()

    def close(self) -> None:
        """End all processes and threads of its own, and delete the uploads."""
        self.questions.close()
        self.batches.close()
        self.runs.close()
        self.engine.close()
        self.copies.close()
        self.cutters.close()
        self.spectrograms.close()
        self.workspace.close()


def demo_recordings() -> dict[str, Path]:
    """Return the demo recordings that are here, by name, in the order of the page."""
    root = project_root()
    directory = root / "assets" / "audio" if root else None
    if directory is None or not directory.is_dir():
        return {}
    return {path.stem: path for path in sorted(directory.glob("*.flac"))}
