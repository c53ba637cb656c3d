"""One batch of the page: its rows, what arrives, what is kept of it."""

from __future__ import annotations

import logging
import pickle
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from webui.batch.inputs import Source
from webui.batch.plan import make_plan
from webui.batch.run import run_batch
from webui.batch.store import Store
from webui.errors import EngineError, StudioError
from webui.ui.batches.execute import EngineExecutor
from webui.ui.batches.row import Row

if TYPE_CHECKING:
    from webui.batch.order import Order
    from webui.batch.plan import Item
    from webui.batch.run import Tally
    from webui.engine import Engine
    from webui.settings import Settings
    from webui.ui.workspace import Recording, Workspace
    from webui.vad.scores import SpeechScores

_log = logging.getLogger(__name__)

# A page that sends files asks at least once a minute how it stands, also when it is hidden.
PAGE_SILENCE_S = 180.0
# From so much silence on, nobody says any more that files are about to come.
_QUIET_S = 75.0
# A page that said that it goes may come back at once: by Back, as it was.
LEFT_S = 5.0
_END_S = 5.0

State = Literal["running", "stopping", "ended", "stopped", "failed"]


@dataclass
class Pace:
    """How fast a batch goes.

    Attributes:
        begun_s: time.monotonic() when it began.
        ended_s: when it ended, None while it runs.
        audio_ms: of the recordings that are done.
        worked_s: time.monotonic() when a recording was done last.
    """

    begun_s: float = field(default_factory=time.monotonic)
    ended_s: float | None = None
    audio_ms: int = 0
    worked_s: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        """Seconds since it began, until its end."""
        return (self.ended_s or time.monotonic()) - self.begun_s

    def go_on(self) -> None:
        """Note that it goes on; the time between does not count."""
        self.worked_s = time.monotonic()
        self.begun_s = self.worked_s - self.spent_s
        self.ended_s = None

    def done(self, audio_ms: int) -> None:
        """Note that a recording is done, of so much audio; 0 where it failed."""
        self.worked_s = time.monotonic()
        self.audio_ms += audio_ms

    @property
    def rate(self) -> float:
        """Seconds of audio that one second has worked on."""
        return self.audio_ms / 1000 / max(self.spent_s, 1e-3)


class Batch:
    """One batch; its methods may be called from any thread.

    Its directory is a part of the workspace: counted there, and deleted there when it has
    ended and others need the room. So are the files that were sent.

    Args:
        batch_id: id of its directory in the workspace, in use until it ends.
        directory: for results and scores.
        order: what is done with each file.
        sources: the files; those that are sent have no recording yet.
        rows: of the sources, in the same order.
        workspace: that its directory is in.

    Attributes:
        id: as given.
        order: as given.
        rows: as given.
        output: where results are.
        pace: how fast it goes.
        heard_s: time.monotonic() when a page that sends files was heard last.
        error: what ended it before all was done.
        stems: names of the results of each row, from the output on, once it has begun.
        page_silence_s: after so long without a page that sends files, no more are waited for.
    """

    def __init__(
        self,
        batch_id: str,
        directory: Path,
        order: Order,
        sources: Sequence[Source],
        rows: Sequence[Row],
        workspace: Workspace,
    ) -> None:
        self.id = batch_id
        self.order = order
        self.rows = rows
        self.output = directory / "results"
        self.pace = Pace()
        self.heard_s = time.monotonic()
        self.error: StudioError | None = None
        self.stems: list[str] = []
        self.page_silence_s = PAGE_SILENCE_S
        self._directory = directory
        self._sources = sources
        self._workspace = workspace
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._is_over = False
        self._is_left = False
        self._thread: threading.Thread | None = None
        self._work: Callable[[], None] = lambda: None

    # What a page does.

    @property
    def state(self) -> State:
        """How it stands."""
        if not self._is_over:
            return "stopping" if self._stopped.is_set() else "running"
        if self.error is not None:
            return "failed"
        return "stopped" if self._stopped.is_set() else "ended"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self._is_over

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self._stopped.is_set()

    @property
    def is_kept(self) -> bool:
        """Whether its results are still there."""
        return self._directory.is_dir()

    @property
    def can_go_on(self) -> bool:
        """Whether it ended before all files had their turn, and is still there."""
        return self._is_over and bool(self.counts()["skipped"]) and self.is_kept

    @property
    def lacks_files(self) -> bool:
        """Whether there are files that were not sent, and no page that sends them."""
        if self._is_over:
            return any(row.state == "skipped" and row.recording is None for row in self.rows)
        return self.is_unattended and bool(self.counts()["unsent"])

    @property
    def is_unattended(self) -> bool:
        """Whether no page was heard lately that sends files."""
        return self._is_left or time.monotonic() - self.heard_s > _QUIET_S

    @property
    def waits_for_page(self) -> bool:
        """Whether a page may still send files."""
        most_s = LEFT_S if self._is_left else self.page_silence_s
        return time.monotonic() - self.heard_s < most_s

    def counts(self) -> Counter[str]:
        """How many rows stand how."""
        return Counter(row.state for row in self.rows)

    def give(self, row: Row, recording: Recording) -> bool:
        """Hand a file in; False if it is not wanted any more, and then nobody keeps it."""
        with self._changed:
            is_wanted = row.state == "unsent" and not self._stopped.is_set()
            if is_wanted:
                row.recording = recording
                row.state = "waiting"
                self._changed.notify_all()
        if not is_wanted:
            recording.done()
        return is_wanted

    def refuse(self, row: Row, error: StudioError) -> None:
        """Note that a file cannot be sent."""
        with self._changed:
            if row.state == "unsent":
                row.error = error
                row.state = "waiting"  # to be told of like any other
                self._changed.notify_all()

    def heard(self) -> None:
        """Note that a page goes on sending files."""
        self._is_left = False
        self.heard_s = time.monotonic()

    def left(self) -> None:
        """Note that the page that sends files is gone, as far as it knows itself."""
        self._is_left = True
        self.heard_s = time.monotonic()

    def stop(self) -> None:
        """Stop: what is done stays, what is in work is discarded."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def go_on(self) -> bool:
        """Do what was not reached; what is done stays, and what failed is tried again.

        Files that were sent and had no turn are "unsent" again: they were not kept.

        Returns:
            False if there is nothing to go on with.
        """
        if not self._is_over:
            return False
        self.join(_END_S)  # it is all but over
        with self._changed:
            if not self.can_go_on or not self._workspace.use(self.id):
                return False
            self._workspace.discard(self.id)  # its end notes that it is kept, once more
            self._stopped.clear()
            self._is_over = False
            self.error = None
            for row in self.rows:
                if row.state == "skipped":
                    row.state = "unsent" if row.recording is None else "waiting"
                elif row.state == "failed":
                    _try_again(row)
            self.heard()
            self.pace.go_on()
        self._launch()
        return True

    def scores_path(self, row: Row) -> Path:
        """Where the scores of a row that is done are kept."""
        return self._directory / "scores" / str(row.number)

    def scores(self, row: Row) -> tuple[SpeechScores, ...] | None:
        """Return what was scored; None if it is no longer kept."""
        try:
            content = self.scores_path(row).read_bytes()
        except OSError:
            return None
        # Written by this process, into a directory of its own.
        tracks: tuple[SpeechScores, ...] = pickle.loads(content)
        return tracks

    # What runs it.

    def start(
        self,
        engine: Engine,
        settings: Settings,
        language: str,
        ended: Callable[[Tally], None],
    ) -> None:
        """Begin, in a thread of its own.

        Args:
            engine: that scores.
            settings: which folders may be opened.
            language: of the errors in the summary.
            ended: told how it ended, unless by an error.
        """
        self._work = partial(self._run, EngineExecutor(self, engine, settings), language, ended)
        self._launch()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def wait(self, timeout_s: float) -> None:
        """Wait until something arrives or is stopped, so long at most."""
        with self._changed:
            if not self._stopped.is_set():
                self._changed.wait(timeout_s)

    def keep_scores(self, row: Row, tracks: tuple[SpeechScores, ...], more_bytes: int) -> bool:
        """Keep what was scored, to be opened; False if there is no room for it and the results.

        Args:
            row: that it is of.
            tracks: the scores.
            more_bytes: of results that are written beside.

        Raises:
            OSError: it cannot be written.
        """
        content = pickle.dumps(tracks, protocol=5)
        if not self._workspace.grow(self.id, len(content) + more_bytes):
            return False
        path = self.scores_path(row)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return True

    def discard(self) -> None:
        """Forget it: its files go."""
        self.stop()
        for row in self.rows:
            if row.recording is not None and row.state in ("done", "failed"):
                row.recording.discard()
        self._workspace.discard(self.id)

    def _launch(self) -> None:
        self._thread = threading.Thread(target=self._work, name="batch", daemon=True)
        self._thread.start()

    def _run(self, execute: EngineExecutor, language: str, ended: Callable[[Tally], None]) -> None:
        try:
            with Store(self.output) as store:
                items = self._planned(store)
                tally = run_batch(
                    items, self.order, store, execute, on_item=self._told, language=language
                )
            # What nobody did while files were waited for in vain was no work.
            self.pace.ended_s = self.pace.worked_s if self.lacks_files else time.monotonic()
            ended(tally)
        except StudioError as error:
            self.error = error
        except Exception as error:
            _log.exception("batch failed")
            self.error = EngineError(reason=f"{type(error).__name__}: {error}")
        finally:
            with self._changed:
                self._skip_rest()
                if self.pace.ended_s is None:
                    self.pace.ended_s = time.monotonic()
                self._is_over = True
            # From now on others may have its room.
            self._workspace.keep(self.id)
            self._workspace.done(self.id)

    def _planned(self, store: Store) -> list[Item]:
        """Say what is to be done: all that is not done yet, as it stands in the rows."""
        items = make_plan(self._sources, self.order, store)
        self.stems = [item.stem for item in items]
        planned = []
        for row, item in zip(self.rows, items, strict=True):
            record = store.find(item.stem) if row.state == "done" else None
            if row.state == "done" and record is None:  # the disk took its results no more
                _try_again(row)
            # Only its place is called so; the summary names the file that was sent.
            source = replace(item.source, name=PurePosixPath(row.name))
            planned.append(replace(item, source=source, done=record))
        return planned

    def _told(self, item: Item, error: StudioError | None, tally: Tally) -> None:
        row = self.rows[item.task.number]
        if error is not None:  # it may be that of its results alone
            row.error = error
            row.state = "failed"

    def _skip_rest(self) -> None:
        for row in self.rows:
            if row.state not in ("done", "failed"):
                row.state = "skipped"
                row.job = None
                if row.recording is not None:
                    row.recording.done()
                    if row.recording.workspace is not None:
                        row.recording = None


def _try_again(row: Row) -> None:
    """Have a row worked on once more; one whose file is gone is told of as it was."""
    if row.recording is not None and row.recording.use():
        row.recording.discard()  # its end notes that it is kept, once more
        row.error = None
    row.figures = None
    row.state = "waiting"
