"""The engine's process and what is known of it: one thread works with it, any may look."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import replace

from webui.choice import has_cuda_driver
from webui.engine.jobs import Job
from webui.engine.memory import GpuState, MemoryReading, read_memory
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
from webui.errors import (
    EngineCrashedError,
    EngineStalledError,
    JobCancelledError,
    StudioError,
)
from webui.guard import check_limit, check_load
from webui.memory_errors import MemoryKilledError, MemoryShortError
from webui.memory_room import own_limits
from webui.settings import Settings
from webui.vad.scores import SpeechScores

# A block takes well below this, so whoever does not obey by then is stuck; Stop
# has to work within a second.
_CANCEL_GRACE_S = 0.7

_log = logging.getLogger(__name__)


class Host:
    """Starts the engine's process, talks with it and ends it.

    Args:
        settings: threads, device, time limits.

    Attributes:
        is_in_trouble: the process could not be started, died or stalled, and nothing
            went well since.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: EngineProcess | None = None
        self._status = EngineStatus("not_loaded")
        self._gpus: tuple[GpuMemory, ...] = ()
        self._parts: Mapping[str, int] = {}
        self._known_bytes: dict[str, int] = {}
        self.is_in_trouble = False

    @property
    def status(self) -> EngineStatus:
        """What the process was last known to do."""
        with self._lock:
            return self._status

    @property
    def is_alive(self) -> bool:
        """Whether there is a process, and it runs."""
        with self._lock:
            process = self._process
        return process is not None and process.is_alive

    def serving(self, engine: str) -> EngineProcess | None:
        """The process that has this engine loaded; None if there is none."""
        with self._lock:
            process, status = self._process, self._status
        if process is None or status.engine != engine or status.state not in ("ready", "busy"):
            return None
        return process if process.is_alive else None

    def memory(self, status: EngineStatus) -> MemoryReading:
        """Measure the memory of this process, of the engine's and of the system."""
        with self._lock:
            gpus = self._gpus if status.pid is not None else ()
            parts = self._parts if status.pid is not None else {}
        state: GpuState
        if gpus:
            state = "present"
        elif not has_cuda_driver():
            state = "no_driver"
        else:
            state = "not_used" if status.state in ("ready", "busy") else "not_loaded"
        return read_memory(status.pid, gpus, state, parts)

    # From here on: for one thread.

    def load(self, job: Job) -> EngineProcess:
        """The process with the job's engine, started if there is none."""
        process = self._process
        if process is not None and process.is_alive and process.engine == job.engine:
            return process
        if process is not None and not process.is_alive:
            _log_death(process, process.crashed(), "idle")
        self.end()
        check_limit(job.engine, self._settings.engine_memory_bytes)
        check_load(job.engine, self._known_bytes.get(job.engine), self._settings.memory_share)
        begin = time.monotonic()
        job.loading("start_process")
        process = EngineProcess(EngineConfig(job.engine, replace(self._settings, password=None)))
        with self._lock:
            self._process = process
            self._status = EngineStatus("loading", job.engine, "start_process", pid=process.pid)
        try:
            answer = self._converse(process, job, self._settings.start_timeout_s)
        except StudioError as error:
            self.is_in_trouble = not isinstance(error, JobCancelledError)
            _log_death(process, error, f"loading, {self.status.stage}")
            self.end()
            raise
        assert isinstance(answer, Ready)
        self.is_in_trouble = False
        process.receipt = answer.receipt
        with self._lock:
            self._gpus, self._parts = answer.gpus, answer.parts
            self._known_bytes[job.engine] = sum(answer.parts.values())
            self._status = EngineStatus(
                "ready",
                job.engine,
                load_time_s=time.monotonic() - begin,
                device=answer.receipt.device,
                pid=process.pid,
            )
        return process

    def score(self, job: Job) -> tuple[SpeechScores, ...]:
        """Have the job's recording scored; loads the model if need be."""
        process = self.load(job)
        page = own_limits(self._settings.memory_share)
        command = Score(str(job.path.absolute()), job.channel, page)
        job.scoring(0.0, None)
        self._note(state="busy")
        try:
            answer = self._ask(process, command, job)
        except MemoryKilledError as killed:
            _log.warning("the engine was ended for want of memory; once more in small blocks")
            answer = self._score_again(replace(command, is_small=True), job, killed)
        finally:
            if self._process is not None:
                self._note(state="ready")
        assert isinstance(answer, Scored)
        self.is_in_trouble = False
        self._note(gpus=answer.gpus)
        return answer.tracks

    def _score_again(self, command: Score, job: Job, killed: MemoryKilledError) -> Answer:
        """Try in a fresh process, which has all the room that there is now."""
        try:
            process = self.load(job)
            job.scoring(0.0, None)
            self._note(state="busy")
            return self._ask(process, command, job)
        except MemoryShortError:
            raise killed from None

    def clear_gpu_cache(self, job: Job) -> None:
        """Have torch give cached GPU memory back."""
        if self._process is not None and self._process.is_alive:
            answer = self._ask(self._process, ClearGpuCache(), job)
            assert isinstance(answer, Cleared)
            self._note(gpus=answer.gpus)

    def end(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.end()
        with self._lock:
            self._status = EngineStatus("not_loaded")
            self._gpus, self._parts = (), {}

    def _ask(self, process: EngineProcess, command: Score | ClearGpuCache, job: Job) -> Answer:
        try:
            process.send(command)
            return self._converse(process, job, self._settings.stall_timeout_s)
        except (EngineCrashedError, EngineStalledError) as error:
            _log_death(process, error, self.status.state)
            self.is_in_trouble = True
            self.end()
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
                self.end()
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

    def _note(
        self,
        *,
        state: State | None = None,
        stage: str | None = None,
        gpus: tuple[GpuMemory, ...] | None = None,
    ) -> None:
        with self._lock:
            self._status = replace(
                self._status,
                state=state or self._status.state,
                stage=self._status.stage if stage is None else stage,
            )
            if gpus is not None:
                self._gpus = gpus


def _log_death(process: EngineProcess, error: StudioError, phase: str) -> None:
    """Log how a process ended, if it is that which the error tells."""
    if isinstance(error, EngineStalledError):
        how = f"no sign of life for {error.details['seconds']} s"
    elif isinstance(error, EngineCrashedError):
        how = str(error.details["reason"])
    else:
        return
    _log.warning(
        "engine process %s (%s) ended: %s; phase: %s", process.pid, process.engine, how, phase
    )
