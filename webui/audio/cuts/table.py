"""The table beside cut files: which samples of which recording each one holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
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
    """Gathers a row of each piece, in the order of the spans."""

    def __init__(self) -> None:
        self._rows: list[tuple[object, ...]] = []

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
        return text.getvalue().encode("utf-8", "replace")
