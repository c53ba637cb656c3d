"""Live streams: past the line of jobs, many at once, and through a restart of the engine.

The engine's process has a second pipe with a thread of its own, so a long recording that is
being scored holds no stream. That process keeps nothing of a stream: each step carries the
stream's state there and brings the next one back. So a process that ends in the middle of a
step takes nothing with it; the step is done again by the one that follows.

One thread here, the lane, sends what all streams have waiting and hands the answers out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from webui.audio.pcm import PcmFormat
from webui.engine.jobs import Job, JobProgress
from webui.engine.messages import Failed, StreamStep, StreamStepped
from webui.engine.process import EngineProcess
from webui.engine.stream import EngineStream
from webui.errors import (
    EngineBusyError,
    EngineCrashedError,
    EngineError,
    EngineInUseError,
    JobCancelledError,
    StudioError,
)
from webui.settings import Settings
from webui.stream_errors import StreamsFullError

# Steps done in one go: nobody waits long for the others.
_TURN_STREAMS = 16
_TURN_S = 60.0
_ATTEMPTS = 8
_PAUSE_S = 0.05  # before the third attempt; twice as long before each further one
# A step takes milliseconds.
_SILENCE_S = 20.0
_POLL_S = 0.05
_WATCH_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Question:
    """What the engine's process was asked and has not answered yet."""

    process: EngineProcess
    asked_s: float


class Streams:
    """All live streams of one engine; they all use the same model.

    Args:
        settings: number of streams, time limits.
        serving: the process that has an engine loaded; None if there is none.
        load: has an engine loaded.
    """

    def __init__(
        self,
        settings: Settings,
        serving: Callable[[str], EngineProcess | None],
        load: Callable[[str], Job],
    ) -> None:
        self._most = settings.max_streams
        self._silence_s = min(_SILENCE_S, settings.stall_timeout_s)
        self._serving, self._load = serving, load
        self._changed = threading.Condition()
        self._open: set[EngineStream] = set()
        # In the order of their turns; a dict, since a set has no order.
        self._eager: dict[EngineStream, None] = {}
        self._loading: Job | None = None
        self._question: _Question | None = None
        self._after_a_crash = False
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()

    @property
    def engine(self) -> str:
        """Name of the engine that streams use; "" if there is none."""
        with self._changed:
            return next((stream.engine for stream in self._open), "")

    @property
    def loading(self) -> JobProgress | None:
        """How far loading the model is; None while nobody waits for that."""
        job = self._loading
        return job.progress if job is not None else None

    def check_free(self, engine: str = "") -> None:
        """Find out whether the model may be unloaded, or replaced by that of ``engine``.

        Raises:
            EngineInUseError: live streams use another one.
        """
        in_use = self.engine
        if in_use and in_use != engine:
            raise EngineInUseError(engine=in_use)

    def open(self, pcm: PcmFormat, engine: str) -> EngineStream:
        """Begin a stream, and have the model loaded if it is not.

        Raises:
            EngineInUseError: other streams use another engine.
            StreamsFullError: there are as many as there may be.
            JobCancelledError: the engine is closed.
        """
        stream = EngineStream(pcm, engine, self)
        with self._changed:
            if self._closed.is_set():
                raise JobCancelledError()
            self.check_free(engine)
            if len(self._open) >= self._most:
                raise StreamsFullError(streams=len(self._open))
            self._open.add(stream)
            if not self._threads:
                for work, name in ((self._serve, "streams"), (self._watch, "streams-watch")):
                    self._threads.append(threading.Thread(target=work, name=name, daemon=True))
                    self._threads[-1].start()
        self.wake(stream)
        return stream

    def wake(self, stream: EngineStream) -> None:
        """Note that a stream has something to do."""
        with self._changed:
            if stream in self._open:
                self._eager.setdefault(stream)
                self._changed.notify_all()

    def remove(self, stream: EngineStream) -> None:
        """Forget a stream that is over."""
        with self._changed:
            self._open.discard(stream)
            self._eager.pop(stream, None)

    def close(self) -> None:
        """End all streams and the lane; the engine's process must have ended before."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
            left = list(self._open)
        for stream in left:
            stream.fail(JobCancelledError())
        for thread in self._threads:
            thread.join(5)

    # From here on: the lane.

    def _serve(self) -> None:
        while (engine := self._awaited()) is not None:
            asked: dict[EngineStream, StreamStep] = {}
            try:
                process = self._loaded(engine)
                if process is None:
                    continue
                asked = self._steps()
                answers = self._ask(process, tuple(asked.values())) if asked else ()
                self._hand_out(tuple(asked), answers, process)
            except EngineCrashedError as error:
                self._try_again(list(asked) or self._waiting(), error)
            except StudioError as error:
                self._fail(error)
            except Exception as error:
                # Were this thread to die, every stream would wait for ever.
                _log.exception("streams failed")
                self._fail(EngineError(reason=f"{type(error).__name__}: {error}"))

    def _awaited(self) -> str | None:
        """Wait until a stream has something to do; the engine for it, None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._eager or self._closed.is_set())
            if self._closed.is_set():
                return None
            return next(iter(self._eager)).engine

    def _try_again(self, streams: list[EngineStream], error: EngineCrashedError) -> None:
        """Leave what is to be done for the next process, but not for ever."""
        self._after_a_crash = True
        for stream in streams:
            stream.attempts += 1
            if stream.attempts >= _ATTEMPTS:
                stream.fail(error)
        # The first time it may have been anything; then whatever ends it may take a while.
        attempts = max((stream.attempts for stream in streams), default=1)
        self._closed.wait(_PAUSE_S * (2 ** (attempts - 1) - 1))

    def _waiting(self) -> list[EngineStream]:
        with self._changed:
            return list(self._eager)

    def _fail(self, error: StudioError) -> None:
        for stream in self._waiting():
            stream.fail(error)

    def _loaded(self, engine: str) -> EngineProcess | None:
        """The process with the engine; None if nobody waits for that any more."""
        try:
            while self._eager and self.engine == engine and not self._closed.is_set():
                process = self._serving(engine)
                if process is not None:
                    return process
                if self._loading is None:
                    try:
                        self._loading = self._load(engine)
                    except EngineBusyError:  # a place in the line will be free in a moment
                        time.sleep(_POLL_S)
                elif self._loading.wait(_POLL_S):
                    job, self._loading = self._loading, None
                    job.result()
            return None
        finally:
            self._loading = None

    def _steps(self) -> dict[EngineStream, StreamStep]:
        """What is to be done now, by stream; these go to the end of the turns."""
        turn = self._waiting()
        if self._after_a_crash:
            # Whoever brings the process down takes nobody else's step with it.
            turn = sorted(turn, key=lambda stream: stream.attempts)[:1]
        steps: dict[EngineStream, StreamStep] = {}
        left_s = _TURN_S
        while turn and left_s > 0 and len(steps) < _TURN_STREAMS:
            stream = turn.pop(0)
            with self._changed:
                self._eager.pop(stream, None)
            step = stream.step()
            if step is not None:
                # Until it is done, this stream has something to do.
                self.wake(stream)
                steps[stream] = step
                left_s -= step.duration_s
        return steps

    def _ask(
        self, process: EngineProcess, steps: tuple[StreamStep, ...]
    ) -> tuple[StreamStepped | Failed, ...]:
        self._question = _Question(process, time.monotonic())
        try:
            return process.step(steps)
        finally:
            self._question = None

    def _hand_out(
        self,
        streams: tuple[EngineStream, ...],
        answers: tuple[StreamStepped | Failed, ...],
        process: EngineProcess,
    ) -> None:
        self._after_a_crash = False
        assert process.receipt is not None
        for stream, answer in zip(streams, answers, strict=True):
            if isinstance(answer, Failed):
                stream.fail(answer.error)
            else:
                stream.take(answer, process.receipt)

    def _watch(self) -> None:
        """End a process that does not answer: the lane waits in its pipe and cannot."""
        while not self._closed.wait(_WATCH_S):
            question = self._question
            if question and time.monotonic() - question.asked_s > self._silence_s:
                question.process.kill()
