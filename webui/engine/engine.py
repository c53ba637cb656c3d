"""The engine as the page sees it: one process, one line of jobs, one owner.

A single thread owns the process and its pipe. It takes the jobs one after
another, so FunASR's calls, which are not thread-safe, never meet.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from webui.audio.pcm import PcmFormat
from webui.audio.report import ChannelChoice
from webui.engine.fair_queue import FairQueue
from webui.engine.jobs import Job
from webui.engine.memory import (
    GpuState,
    MemoryChange,
    MemoryReading,
    has_cuda_driver,
    read_memory,
)
from webui.engine.messages import (
    Answer,
    Cancel,
    Cleared,
    ClearGpuCache,
    EngineConfig,
    Failed,
    GpuMemory,
    Progress,
    Ready,
    Score,
    Scored,
    Stage,
)
from webui.engine.process import EngineProcess
from webui.engine.status import EngineStatus, State
from webui.engine.stream import EngineStream
from webui.engine.streams import Streams
from webui.errors import (
    EngineCrashedError,
    EngineError,
    EngineStalledError,
    JobCancelledError,
    StudioError,
)
from webui.settings import Settings
from webui.vad.scorers import resolve_engine

# A block takes well below this, so whoever does not obey by then is stuck; Stop
# has to work within a second.
_CANCEL_GRACE_S = 0.7

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
        self._process: EngineProcess | None = None
        self._status = EngineStatus("not_loaded")
        self._gpus: tuple[GpuMemory, ...] = ()
        self._streams = Streams(settings, self._serving, self.load)
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
                resolve_engine(engine),
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
                resolve_engine(engine),
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
            EngineUnavailableError: this engine's packages are not installed.
        """
        if engine == "auto":
            engine = self._streams.engine or self.status().engine or engine
        return self._streams.open(pcm, resolve_engine(engine))

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
            status, waiting = self._status, len(self._queue)
            # An idle process may have been killed from outside.
            if self._running is None and not (self._process and self._process.is_alive):
                return EngineStatus("not_loaded", waiting=waiting)
        return replace(status, waiting=waiting)

    def memory(self) -> MemoryReading:
        """Measure the memory of this process, of the engine's and of the system."""
        status = self.status()
        with self._changed:
            gpus = self._gpus if status.pid is not None else ()
        state: GpuState
        if gpus:
            state = "present"
        elif not has_cuda_driver():
            state = "no_driver"
        else:
            state = "not_used" if status.state in ("ready", "busy") else "not_loaded"
        return read_memory(status.pid, gpus, state, {})

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

    def _serving(self, engine: str) -> EngineProcess | None:
        """The process that has this engine loaded; None if there is none."""
        with self._changed:
            process, status = self._process, self._status
        if process is None or status.engine != engine or status.state not in ("ready", "busy"):
            return None
        return process if process.is_alive else None

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
                job.fail(error)
            except Exception as error:
                # Were this thread to die, every later job would wait for ever.
                _log.exception("job failed")
                self._end_process()
                job.fail(EngineError(reason=f"{type(error).__name__}: {error}"))
            with self._changed:
                self._running = None
        self._end_process()

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
                self._changed.wait()

    def _work(self, job: Job) -> Any:
        if job.kind != "clear_gpu_cache":
            # Streams may have begun while it waited.
            self._streams.check_free(job.engine)
        if job.kind == "unload":
            return self._measured(self._end_process)
        if job.kind == "clear_gpu_cache":
            return self._measured(lambda: self._clear_gpu_cache(job))
        process = self._loaded(job)
        if job.kind == "load":
            return self.status()
        job.scoring(0.0, None)
        self._note(state="busy")
        try:
            answer = self._ask(process, Score(str(job.path.absolute()), job.channel), job)
        finally:
            if self._process is not None:
                self._note(state="ready")
        assert isinstance(answer, Scored)
        self._note(gpus=answer.gpus)
        return answer.tracks

    def _measured(self, action: Callable[[], None]) -> MemoryChange:
        before = self.memory()
        action()
        return MemoryChange(before, self.memory())

    def _clear_gpu_cache(self, job: Job) -> None:
        if self._process is not None and self._process.is_alive:
            answer = self._ask(self._process, ClearGpuCache(), job)
            assert isinstance(answer, Cleared)
            self._note(gpus=answer.gpus)

    def _loaded(self, job: Job) -> EngineProcess:
        """The process with the job's engine, started if there is none."""
        process = self._process
        if process is not None and process.is_alive and process.engine == job.engine:
            return process
        self._end_process()
        begin = time.monotonic()
        job.loading("start_process")
        process = EngineProcess(EngineConfig(job.engine, replace(self._settings, password=None)))
        with self._changed:
            self._process = process
            self._status = EngineStatus("loading", job.engine, "start_process", pid=process.pid)
        try:
            answer = self._converse(process, job, self._settings.start_timeout_s)
        except StudioError:
            self._end_process()
            raise
        assert isinstance(answer, Ready)
        process.receipt = answer.receipt
        with self._changed:
            self._gpus = answer.gpus
            self._status = EngineStatus(
                "ready",
                job.engine,
                load_time_s=time.monotonic() - begin,
                device=answer.receipt.device,
                pid=process.pid,
            )
        return process

    def _ask(self, process: EngineProcess, command: Score | ClearGpuCache, job: Job) -> Answer:
        try:
            process.send(command)
            return self._converse(process, job, self._settings.stall_timeout_s)
        except (EngineCrashedError, EngineStalledError):
            self._end_process()
            raise

    def _converse(self, process: EngineProcess, job: Job, silence_s: float) -> Answer:
        """Hear the process out on one command, passing progress on and Stop along."""
        begin = time.monotonic()
        is_loading = self._status.state == "loading"
        stop_by = math.inf
        for answer in process.answers(silence_s):
            now = time.monotonic()
            if job.is_cancelled and stop_by == math.inf:
                # One that loads does not listen.
                stop_by = now if is_loading else now + _CANCEL_GRACE_S
                if not is_loading:
                    process.send(Cancel())
            if now >= stop_by and answer is None:
                self._end_process()
                raise JobCancelledError()
            if is_loading and now - begin > silence_s:
                break
            if isinstance(answer, Stage):
                job.loading(answer.name)
                self._note(stage=answer.name)
            elif isinstance(answer, Progress):
                job.scoring(answer.position_s, answer.duration_s)
                self._note(gpus=answer.gpus)
            elif isinstance(answer, Failed):
                raise answer.error
            elif answer is not None:
                return answer
        raise EngineStalledError(seconds=round(silence_s))

    def _end_process(self) -> None:
        with self._changed:
            process, self._process = self._process, None
        if process is not None:
            process.end()
        with self._changed:
            self._status = EngineStatus("not_loaded")
            self._gpus = ()

    def _note(
        self,
        *,
        state: State | None = None,
        stage: str | None = None,
        gpus: tuple[GpuMemory, ...] | None = None,
    ) -> None:
        with self._changed:
            self._status = replace(
                self._status,
                state=state or self._status.state,
                stage=self._status.stage if stage is None else stage,
            )
            if gpus is not None:
                self._gpus = gpus
