"""How far a batch is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tqdm import tqdm

from webui.cli.batch_texts import TEXTS
from webui.cli.terminal import say
from webui.errors import StudioError

if TYPE_CHECKING:
    from webui.batch.plan import Item
    from webui.batch.run import Tally

# Between lines where there is no terminal: often enough for a log, and not a flood.
_LINE_S = 30.0


class Progress:
    """Shows rate and remaining time; the remaining time is told by the bytes that are left.

    Args:
        items: of the batch.
        language: of the texts.

    Attributes:
        done_ms: of audio that this run has worked on.
    """

    def __init__(self, items: Sequence[Item], language: str) -> None:
        self._texts = TEXTS[language]
        self._language = language
        self._begin = self._told = time.monotonic()
        self._total_bytes = sum(item.task.size_bytes for item in items if item.is_left)
        self._done_bytes = 0
        self._skipped_ms = sum(int(i.done.figures["duration_ms"]) for i in items if i.done)
        self.done_ms = 0
        is_terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=max(1, self._total_bytes),
            file=sys.stderr,
            disable=not is_terminal or not self._total_bytes,
            leave=False,
            bar_format="{percentage:3.0f}% |{bar}| {desc}",
        )
        self._is_terminal = is_terminal

    @property
    def spent_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begin

    @property
    def rate(self) -> float:
        """Seconds of audio that one second has worked on."""
        return self.done_ms / 1000 / max(1e-9, self.spent_s)

    def on_item(self, item: Item, error: StudioError | None, tally: Tally) -> None:
        """Tell that a recording was worked on, and what went wrong."""
        self._done_bytes += item.task.size_bytes
        self.done_ms = tally.duration_ms - self._skipped_ms
        if error is not None:
            with tqdm.external_write_mode(file=sys.stderr):
                say(_on_one_line(f"{item.source.path}: {error.message(self._language)}"))
        text = self._line(tally)
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(item.task.size_bytes)
        if tally.is_complete:
            self._bar.refresh()
        if not self._is_terminal and time.monotonic() - self._told >= _LINE_S:
            self._told = time.monotonic()
            say(text)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def _line(self, tally: Tally) -> str:
        share = self._done_bytes / max(1, self._total_bytes)
        left_s = self.spent_s * (1 - share) / share if share else 0.0
        return self._texts["progress"].format(
            done=tally.done + tally.failed + tally.skipped,
            total=tally.total,
            rate=round(self.rate),
            left=duration_text(left_s),
        )


def _on_one_line(text: str) -> str:
    """Names may have line breaks, after each of which there would seem to be another message."""
    return " ".join(text.splitlines())


def duration_text(seconds: float) -> str:
    """Write a duration as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
