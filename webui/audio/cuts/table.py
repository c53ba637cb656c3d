"""The table beside cut files: which samples of which recording each one holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webui.audio.cuts.spans import Span

if TYPE_CHECKING:
    from webui.audio.cuts.cut import Piece

TABLE = "cuts.csv"
COLUMNS = (
    "name",
    "file",
    "channel",
    "start_ms",
    "end_ms",
    "first_sample",
    "samples",
    "sample_rate_hz",
    "confidence",
)


@dataclass(frozen=True)
class Cutting:
    """One recording that is cut.

    Attributes:
        path: of the recording.
        file: what it is called.
        spans: what is cut of it.
        names: of the files, one for each span.
        confidences: of the segments, one for each span.
        labels: name and content of the files beside them.
    """

    path: str
    file: str
    spans: Sequence[Span]
    names: Sequence[str]
    confidences: Sequence[float | None]
    labels: Sequence[tuple[str, bytes]] = ()


class CutTable:
    """Gathers a row of each piece, in the order of the spans.

    Args:
        former: a table that it goes on with, as of `encoded`.

    Raises:
        ValueError: that is no such table.
    """

    def __init__(self, former: bytes | None = None) -> None:
        self._rows: list[tuple[object, ...]] = [] if former is None else _decoded(former)

    def names_of(self, file: str) -> set[str]:
        """The names of the pieces of what is called ``file``."""
        written = _written(file)
        return {str(row[0]) for row in self._rows if _written(str(row[1])) == written}

    def forget(self, names: Collection[str]) -> None:
        """Take pieces out."""
        self._rows = [row for row in self._rows if row[0] not in names]

    def add(self, cutting: Cutting, pieces: Sequence[Piece]) -> None:
        """Take the pieces of one recording, in any order."""
        for piece in sorted(pieces, key=lambda piece: piece.index):
            span = cutting.spans[piece.index]
            self._rows.append(
                (
                    cutting.names[piece.index],
                    cutting.file,
                    span.channel,
                    span.start_ms,
                    span.end_ms,
                    piece.first_sample,
                    piece.samples,
                    piece.format.rate_hz,
                    cutting.confidences[piece.index],
                )
            )

    def encoded(self) -> bytes:
        """The table as CSV."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows([COLUMNS, *self._rows])
        return _bytes(text.getvalue())


def _decoded(content: bytes) -> list[tuple[object, ...]]:
    # A spreadsheet may have put a byte order mark before it.
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    try:
        rows = [tuple(row) for row in csv.reader(text, strict=True) if row]
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if rows[:1] != [COLUMNS] or any(len(row) != len(COLUMNS) for row in rows):
        raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
    return [*rows[1:]]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _written(file: str) -> str:
    """A name as the table has it, which says less than one that is not UTF-8."""
    return _bytes(file).decode("utf-8")
