"""The engine as the page sees it: one process, one line of jobs, one owner.

A single thread owns the process and its pipe. It takes the jobs one after
another, so FunASR's calls, which are not thread-safe, never meet.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from webui import weights
from webui.audio.pcm import PcmFormat
from webui.audio.report import ChannelChoice
from webui.choice import choose
from webui.engine.fair_queue import FairQueue
from webui.engine.host import Host
from webui.engine.jobs import Job
from webui.engine.memory import MemoryChange, MemoryReading, UnloadCause, Unloaded
from webui.engine.status import EngineStatus, Health
from webui.engine.stream import EngineStream
from webui.engine.streams import Streams
from webui.errors import EngineError, EngineStartError, JobCancelledError, StudioError
from webui.guard import check_stream, is_out_of_memory
from webui.memory_errors import MemoryShortError
from webui.memory_room import tightest
from webui.model_errors import ModelError
from webui.settings import Settings

_log = logging.getLogger(__name__)


class Engine:
    """Scores recordings in a child process for any number of sessions.

    Args:
        settings: threads, device, time limits, number of waiting jobs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._changed = threading.Condition()
        self._queue: FairQueue[Job] = FairQueue(settings.max_waiting_jobs)
        self._changes: dict[str, Job] = {}
        self._running: Job | None = None
        self._closed = False
        self._host = Host(settings)
        self._idle_since_s = time.monotonic()
        self._unloaded: Unloaded | None = None
        self._streams = Streams(settings, self._host.serving, self.load)
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)
        self._thread.start()

    def submit(
        self,
        path: str | Path,
        *,
        channel: ChannelChoice = "mix",
        engine: str = "auto",
        owner: str = "",
    ) -> Job:
        """Line up a recording to be scored; the job's result is a tuple of SpeechScores.

        It has two, left and right, where ``channel`` is "each" and the recording has
        two channels; one otherwise.

        Args:
            path: an audio or video file.
            channel: what to take of its channels.
            engine: "auto", "funasr" or "onnx"; another one that is loaded is unloaded first.
            owner: who asks; owners are served in turn.

        Raises:
            EngineBusyError: too many jobs wait already.
            EngineInUseError: live streams use another engine.
            EngineUnavailableError: this engine's packages are not installed.
        """
        return self._enqueue(
            Job(
                "score",
                choose(engine, self._settings).engine,
                path=Path(path),
                channel=channel,
                position=self._jobs_ahead,
                on_cancel=self._withdraw,
            ),
            owner,
        )

    def load(self, engine: str = "auto", *, owner: str = "") -> Job:
        """Load a model; the job's result is the `EngineStatus`. Raises as `submit` does."""
        return self._enqueue(
            Job(
                "load",
                choose(engine, self._settings).engine,
                position=self._jobs_ahead,
                on_cancel=self._withdraw,
            ),
            owner,
        )

    def open_stream(self, pcm: PcmFormat, *, engine: str = "auto") -> EngineStream:
        """Begin a live stream, which is scored beside the jobs; loads the model if need be.

        Args:
            pcm: format of what it will be fed.
            engine: "auto" takes that of other streams, else the one that is loaded.

        Raises:
            EngineInUseError: live streams use another engine.
            StreamsFullError: there are as many streams as there may be.
            MemoryShortError: one more does not fit.
            EngineUnavailableError: this engine's packages are not installed.
        """
        try:
            check_stream(self._settings)
        except MemoryShortError as error:
            _log_refusal(error)
            raise
        if engine == "auto":
            engine = self._streams.engine or self.status().engine or engine
        return self._streams.open(pcm, choose(engine, self._settings).engine)

    def unload(self) -> MemoryChange:
        """End the engine's process, in its turn: after the running job and those that wait.

        Raises:
            EngineInUseError: live streams use the model.
        """
        self._streams.check_free()
        return self._change("unload")

    def clear_gpu_cache(self) -> MemoryChange:
        """Have torch give cached GPU memory back, in its turn."""
        return self._change("clear_gpu_cache")

    def status(self) -> EngineStatus:
        """What the engine is doing now."""
        with self._changed:
            waiting, is_idle = len(self._queue), self._running is None
            idle_since_s = self._idle_since_s
        # An idle process may have been killed from outside.
        if is_idle and not self._host.is_alive:
            return EngineStatus("not_loaded", waiting=waiting)
        status = replace(self._host.status, waiting=waiting)
        if status.state != "ready" or not self._settings.idle_unload_s or self._streams.engine:
            return status
        left_s = idle_since_s + self._settings.idle_unload_s - time.monotonic()
        return replace(status, unload_in_s=max(0.0, left_s))

    @property
    def unloaded(self) -> Unloaded | None:
        """What was unloaded by itself before what is loaded now, or last; None if nothing was."""
        return self._unloaded

    def health(self) -> Health:
        """Whether new jobs can be done, and whether the last one found a sound engine."""
        share = self._settings.memory_share
        with self._changed:
            is_full = len(self._queue) >= self._settings.max_waiting_jobs
        if is_full or tightest(share).left_bytes(share) <= 0:
            return "refusing"
        if not self._host.is_alive and weights.lacks_files(self._settings):
            return "refusing"
        return "degraded" if self._host.is_in_trouble else "ready"

    def memory(self) -> MemoryReading:
        """Measure the memory of this process, of the engine's and of the system."""
        return self._host.memory(self.status())

    def close(self) -> None:
        """Stop all jobs and end the engine's process; the engine cannot be used again."""
        with self._changed:
            self._closed = True
            stopped = []
            while (job := self._queue.get()) is not None:
                stopped.append(job)
            if self._running is not None:
                stopped.append(self._running)
            self._changed.notify_all()
        for job in stopped:
            job.cancel()
            job.fail(JobCancelledError())
        self._thread.join(5)
        self._streams.close()

    def _enqueue(self, job: Job, owner: str) -> Job:
        self._streams.check_free(job.engine)
        with self._changed:
            if self._closed:
                raise JobCancelledError()
            self._queue.put(owner, job)
            self._changed.notify_all()
        return job

    def _change(self, kind: Literal["unload", "clear_gpu_cache"]) -> MemoryChange:
        """Line up a change of memory, once for all who ask for it, and wait for it."""
        with self._changed:
            if self._closed:
                raise JobCancelledError()
            job = self._changes.get(kind)
            if job is None:
                # An owner of its own: whoever waits already has a turn first, nobody a second.
                job = Job(kind, "")
                self._queue.put(f"memory:{kind}", job)
                self._changes[kind] = job
                self._changed.notify_all()
        change: MemoryChange = job.result()
        return change

    def _jobs_ahead(self, job: Job) -> int:
        with self._changed:
            return self._queue.ahead(job) + (self._running is not None)

    def _withdraw(self, job: Job) -> None:
        with self._changed:
            waited = self._queue.remove(job)
        if waited:
            job.fail(JobCancelledError())

    # From here on: the thread that owns the process.

    def _serve(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                job.finish(self._work(job))
            except StudioError as error:
                _log_refusal(error)
                job.fail(error)
            except Exception as error:
                # Were this thread to die, every later job would wait for ever.
                reason = f"{type(error).__name__}: {error}".rstrip(": ")
                if is_out_of_memory(error):
                    _log.warning("a job failed for want of memory: %s", reason)
                else:
                    _log.exception("job failed")
                self._host.end()
                job.fail(EngineError(reason=reason))
            with self._changed:
                self._running = None
                self._idle_since_s = time.monotonic()
        self._host.end()

    def _next_job(self) -> Job | None:
        with self._changed:
            while True:
                if self._closed:
                    return None
                job = self._queue.get()
                if job is not None:
                    self._changes.pop(job.kind, None)
                    self._running = job
                    return job
                self._changed.wait(self._until_unload_s())

    def _until_unload_s(self) -> float | None:
        """Time until the idle model is to be unloaded; unloads it when that is over."""
        if not self._settings.idle_unload_s or not self._host.is_alive:
            return None
        now = time.monotonic()
        if self._streams.engine:
            self._idle_since_s = now
        left_s = self._idle_since_s + self._settings.idle_unload_s - now
        if left_s > 0:
            return left_s
        # Takes milliseconds; whoever asks for the model meanwhile waits that long.
        try:
            self._unload_by_itself("idle")
        except Exception:
            # Measuring may fail; this thread, which does all jobs, goes on.
            _log.exception("unloading of an idle model could not be measured")
            self._host.end()
        return None

    def _work(self, job: Job) -> Any:
        if job.kind != "clear_gpu_cache":
            # Streams may have begun while it waited.
            self._streams.check_free(job.engine)
        if job.kind == "unload":
            self._unloaded = None
            return self._measured(self._host.end)
        if job.kind == "clear_gpu_cache":
            return self._measured(lambda: self._host.clear_gpu_cache(job))
        loaded = self._host.status.engine if self._host.is_alive else ""
        if loaded != job.engine:
            self._unloaded = None
            if loaded:
                self._unload_by_itself("replaced")
        if job.kind == "load":
            self._host.load(job)
            return self.status()
        return self._host.score(job)

    def _unload_by_itself(self, cause: UnloadCause) -> None:
        engine = self._host.status.engine
        change = self._measured(self._host.end)
        self._unloaded = Unloaded(engine, cause, change, time.monotonic())
        freed_mb = change.freed_engine_bytes / 1e6
        _log.info("model unloaded (%s): %s, %.0f MB given back", cause, engine, freed_mb)

    def _measured(self, action: Callable[[], None]) -> MemoryChange:
        before = self.memory()
        action()
        return MemoryChange(before, self.memory())


def _log_refusal(error: StudioError) -> None:
    """Log what concerns the machine and not one recording alone."""
    if isinstance(error, MemoryShortError):
        _log.warning("job refused: %s", error.fact())
    elif isinstance(error, (ModelError, EngineStartError)):
        _log.warning("model not loaded: %s", error)
