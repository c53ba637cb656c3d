"""The command's own runs in the history; a history that cannot be written stops nothing."""

from __future__ import annotations

from pathlib import Path

from webui.cli.terminal import TEXTS, say
from webui.errors import HistoryError
from webui.formats import Outcome
from webui.history import History, Run, Source
from webui.settings import Settings
from webui.vad.options import VadOptions


class Notes:
    """Notes what a command detects.

    Args:
        settings: name the history.
        language: of messages.
        source: what the runs are noted as.
    """

    def __init__(self, settings: Settings, language: str, source: Source) -> None:
        self._history = History.of(settings)
        self._language = language
        self._source = source
        self._is_refused = False

    def add(self, outcome: Outcome, options: VadOptions, path: Path) -> None:
        """Note one result."""
        self.note(Run.of(outcome, options, self._source, path=path))

    def note(self, run: Run) -> None:
        """Note a run; what hinders that is said once, and not tried again."""
        if self._is_refused:
            return
        try:
            aside = self._history.add(run)
        except HistoryError as error:
            self._is_refused = True
            say(error.message(self._language))
            return
        if aside is not None:
            say(TEXTS[self._language]["history_aside"].format(file=aside))
