"""Scores the files of a batch through the page's engine, in turn with all visitors."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from webui.batch.work import Done, finished
from webui.errors import (
    AudioError,
    EngineBusyError,
    EngineCrashedError,
    EngineStalledError,
    JobCancelledError,
    StudioError,
)
from webui.formats import Outcome
from webui.memory_errors import MemoryExceededError, MemoryShortError
from webui.system_errors import system_reason_zh
from webui.ui.session import renamed

if TYPE_CHECKING:
    from webui.batch.order import Order
    from webui.batch.work import Task
    from webui.engine import Engine, Job
    from webui.settings import Settings
    from webui.ui.batches.batch import Batch
    from webui.ui.batches.row import Row, State
    from webui.vad.scores import SpeechScores

# The next file waits while one is scored; owners take turns, so nobody is held up by more.
_AHEAD = 2
_POLL_S = 0.2
_TRIES = 2


@dataclass
class _Begun:
    """A file in work."""

    row: Row
    task: Task
    job: Job
    tries: int = 1


class EngineExecutor:
    """Executes the tasks of one batch; see `webui.batch.run.Execute`.

    Args:
        batch: that they are of.
        engine: that scores.
        settings: which folders may be opened.
    """

    def __init__(self, batch: Batch, engine: Engine, settings: Settings) -> None:
        self._batch = batch
        self._engine = engine
        self._settings = settings

    def __call__(self, tasks: Sequence[Task], order: Order) -> Generator[Done, None, None]:
        """Work on tasks as their files come in, until all are told of or it is stopped."""
        left = {task.number: task for task in sorted(tasks, key=lambda task: task.number)}
        begun: deque[_Begun] = deque()
        try:
            while (left or begun) and not self._batch.is_stopped:
                for number in self._ready(left, _AHEAD - len(begun)):
                    row, task = self._batch.rows[number], left[number]
                    error = row.error or self._begin(row, task, begun, order)
                    if error is not None:
                        del left[number]
                        yield self._failed(row, error)
                    elif row.job is not None:
                        del left[number]
                if not begun:
                    if not self._waits(left):
                        return
                    self._batch.wait(_POLL_S)
                elif begun[0].job.wait(_POLL_S):
                    done = self._finish(begun.popleft(), begun, order)
                    if done is not None:
                        yield done
        finally:
            for each in begun:
                each.job.cancel()

    def _ready(self, left: dict[int, Task], room: int) -> list[int]:
        """The first files that are here."""
        found: list[int] = []
        for number in left:
            if len(found) >= room:
                break
            if self._batch.rows[number].state == "waiting":
                found.append(number)
        return found

    def _waits(self, left: dict[int, Task]) -> bool:
        """Whether anything may still come."""
        states = {self._batch.rows[number].state for number in left}
        if "waiting" in states:
            return True
        return "unsent" in states and self._batch.waits_for_page

    def _begin(
        self, row: Row, task: Task, begun: deque[_Begun], order: Order
    ) -> StudioError | None:
        """Line a file up; what is wrong with it is returned, and a full line is waited for."""
        recording = row.recording
        assert recording is not None
        path = recording.path
        if recording.workspace is None and not self._settings.may_open(path):
            return AudioError(
                file=path.name,
                reason="it lies outside the folders that this page may open",
                reason_zh="不在本页面允许打开的文件夹内",
            )
        try:
            row.job = self._submit(recording.path, order)
        except EngineBusyError:
            self._batch.wait(_POLL_S)
            return None
        except MemoryShortError as error:
            return error
        row.state = "scoring"
        begun.append(_Begun(row, task, row.job))
        return None

    def _submit(self, path: Path, order: Order) -> Job:
        return self._engine.submit(
            path, channel=order.channel, engine=order.engine, owner=f"batch:{self._batch.id}"
        )

    def _finish(self, each: _Begun, begun: deque[_Begun], order: Order) -> Done | None:
        """What came of a file; None if it is tried once more.

        Raises:
            EngineError, ModelError: nothing can be scored any more.
        """
        row = each.row
        try:
            tracks = each.job.result()
        except (EngineCrashedError, EngineStalledError) as error:
            # Alone it may go well: another file may have taken the engine along.
            if each.tries >= _TRIES or self._batch.is_stopped:
                return self._failed(row, error)
            try:
                each.job = row.job = self._submit(each.job.path, order)
            except EngineBusyError as busy:
                return self._failed(row, busy)
            each.tries += 1
            begun.append(each)
            return None
        except JobCancelledError:
            self._batch.stop()
            return None
        except (AudioError, MemoryShortError, MemoryExceededError) as error:
            return self._failed(row, error)
        return self._written(row, each.task, tracks, order)

    def _written(
        self, row: Row, task: Task, tracks: tuple[SpeechScores, ...], order: Order
    ) -> Done:
        recording = row.recording
        assert recording is not None
        # What was sent has no path that says anything to anybody else.
        path = None if recording.workspace else str(recording.path)
        if recording.workspace:
            tracks = renamed(tracks, PurePosixPath(row.name).name)
        outcome = Outcome.of(tracks, order.options, path=path)
        done = finished(task, outcome, order.formats)
        if done.error is not None and not done.files:
            return self._failed(row, done.error)
        more_bytes = sum(len(content) for content in done.files.values())
        try:
            is_kept = self._batch.keep_scores(row, tracks, more_bytes)
        except OSError as error:
            return self._failed(row, _unwritten(row, str(error), system_reason_zh(error)))
        if not is_kept:
            return self._failed(
                row, _unwritten(row, "the workspace of the server is full", "服务器工作区已满")
            )
        row.figures = done.figures
        row.error = done.error
        self._settle(row, "failed" if done.error else "done")
        self._batch.pace.done(outcome.audio.duration_ms)
        return done

    def _failed(self, row: Row, error: StudioError) -> Done:
        row.error = error
        self._settle(row, "failed")
        self._batch.pace.done(0)
        return Done(row.number, {}, error=error)

    def _settle(self, row: Row, state: State) -> None:
        """The file is no longer in use; it stays, while there is room, for who wants to hear it."""
        row.state = state
        row.job = None
        if row.recording is not None:
            row.recording.keep()
            row.recording.done()


def _unwritten(row: Row, reason: str, reason_zh: str) -> AudioError:
    return AudioError(file=row.name, reason=reason, reason_zh=reason_zh)
