"""The page's and the API's runs in the history; a history that cannot be written stops nothing."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from webui.errors import HistoryError
from webui.formats import Outcome
from webui.history import History, Run, Source

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.vad.options import VadOptions

_log = logging.getLogger(__name__)

# Results whose options nobody asked for yet: a page asks at once, or it was closed.
_MOST_EXPECTED = 64


class Runs:
    """Notes what this server detects, in a thread of its own: a disk is waited for there.

    Its methods may be called from any thread.

    Args:
        history: where runs are noted.

    Attributes:
        history: as given.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._expected: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._writer = ThreadPoolExecutor(1, "history")

    def expect(self, result_id: str) -> None:
        """Have a result noted as soon as it is known with which options it is shown."""
        with self._lock:
            self._expected[result_id] = None
            while len(self._expected) > _MOST_EXPECTED:
                self._expected.popitem(last=False)

    def shown(self, result_id: str, entry: Entry, options: VadOptions) -> None:
        """Note a result that is expected; any other was noted before."""
        with self._lock:
            is_expected = result_id in self._expected
            self._expected.pop(result_id, None)
        if is_expected:
            self.note(result_id, entry, options, "page")

    def note(self, result_id: str, entry: Entry, options: VadOptions, source: Source) -> None:
        """Note a result; returns at once.

        Args:
            result_id: under which the page keeps it.
            entry: the scored recording.
            options: in force.
            source: who asked for it.
        """
        recording = entry.recording
        # An upload goes with its results: it is opened by the result's id, or not at all.
        path = None if recording.workspace else recording.path
        outcome = Outcome.of(entry.tracks, options)
        self.add(Run.of(outcome, options, source, path=path, result_id=result_id))

    def add(self, run: Run) -> None:
        """Note a run; returns at once."""
        self._writer.submit(self._write, run)

    def settle(self) -> None:
        """Wait until all that was noted is written."""
        self._writer.submit(lambda: None).result()

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._writer.shutdown()

    def _write(self, run: Run) -> None:
        try:
            aside = self.history.add(run)
        except HistoryError as error:
            _log.warning("%s", error)
        else:
            if aside is not None:
                _log.warning("the history was damaged; it is kept as %s", aside)
