"""A piece of work for the engine, as the one who asked for it sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from webui.audio.report import ChannelChoice
from webui.errors import JobCancelledError, StudioError

_PACE_S = 0.5  # a shorter look at the pace says nothing

Phase = Literal["queued", "loading", "scoring"]


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes:
        phase: waiting its turn, loading the model, or scoring.
        stage: of loading, a key of `webui.vad.scorers.STAGES`; "" otherwise.
        position_s: seconds of the recording scored so far.
        duration_s: of the recording, None while or where it is not known.
        eta_s: seconds until the recording is scored, at the pace so far; None
            where that cannot be told.
        ahead: jobs that will be served before it.
    """

    phase: Phase
    stage: str = ""
    position_s: float = 0.0
    duration_s: float | None = None
    eta_s: float | None = None
    ahead: int = 0

    @property
    def fraction(self) -> float | None:
        """Share of the recording that is scored, 0 to 1; None where that cannot be told."""
        if not self.duration_s:
            return None
        return min(self.position_s / self.duration_s, 1.0)


class Job:
    """One job; it finishes exactly once, with a result or an error.

    Made by `webui.engine.Engine`. All methods may be called from any thread.

    Args:
        kind: what is to be done.
        engine: name of the engine that is to do it.
        path, channel: the recording, for kind "score".
        position: asked for the number of jobs ahead while this one waits.
        on_cancel: told when someone stops the job.
    """

    def __init__(
        self,
        kind: Literal["score", "load", "unload", "clear_gpu_cache"],
        engine: str,
        *,
        path: Path = Path(),
        channel: ChannelChoice = "mix",
        position: Callable[[Job], int] = lambda job: 0,
        on_cancel: Callable[[Job], None] = lambda job: None,
    ) -> None:
        self.kind = kind
        self.engine = engine
        self.path = path
        self.channel = channel
        self._position = position
        self._on_cancel = on_cancel
        self._progress = JobProgress("queued")
        self._paced_since = self._paced_from_s = 0.0
        self._finished = threading.Event()
        self._cancelled = threading.Event()
        self._result: Any = None
        self._error: StudioError | None = None
        self._finish_lock = threading.Lock()

    @property
    def progress(self) -> JobProgress:
        """Where the job is now."""
        progress = self._progress
        if progress.phase == "queued":
            return JobProgress("queued", ahead=self._position(self))
        return progress

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked to stop it."""
        return self._cancelled.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the job; False if it goes on after ``timeout_s``."""
        return self._finished.wait(timeout_s)

    def result(self) -> Any:
        """Wait for the end and return what came out.

        Raises:
            StudioError: what went wrong, or JobCancelledError.
        """
        self._finished.wait()
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        """Ask to stop. Takes effect within a second; a finished job stays as it is."""
        self._cancelled.set()
        self._on_cancel(self)

    def loading(self, stage: str) -> None:
        """Note a stage of loading; for the engine."""
        self._progress = JobProgress("loading", stage=stage)

    def scoring(self, position_s: float, duration_s: float | None) -> None:
        """Note how much is scored; for the engine."""
        now = time.monotonic()
        if self._progress.phase != "scoring" or not self._progress.position_s:
            # The pace is that since the first block, which waits for the decoder and cold caches.
            self._paced_since, self._paced_from_s = now, position_s
        eta_s = None
        paced_s = position_s - self._paced_from_s
        if duration_s and paced_s > 0 and now - self._paced_since >= _PACE_S:
            eta_s = max(0.0, duration_s - position_s) * (now - self._paced_since) / paced_s
        self._progress = JobProgress("scoring", "", position_s, duration_s, eta_s)

    def finish(self, result: Any) -> None:
        """End the job with a result; for the engine."""
        with self._finish_lock:
            if not self._finished.is_set():
                self._result = result
                self._finished.set()

    def fail(self, error: StudioError) -> None:
        """End the job with an error; for the engine."""
        with self._finish_lock:
            if not self._finished.is_set():
                self._error = JobCancelledError() if self.is_cancelled else error
                self._finished.set()
