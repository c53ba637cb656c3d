"""CSV: a header and one row a segment, times in ms.

Where channels were scored each for itself, ``overlap_ms`` says for how much of a
segment the other channel speaks, too; it is empty elsewhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TextIO

from webui.formats.format import Format, malformed, ordered
from webui.formats.labels import Labels, Region, confidence_of, gathered, reason_of
from webui.formats.result import Outcome
from webui.vad.overlap import overlap_ms

_TITLE = "CSV"
COLUMNS = (
    "file",
    "start_ms",
    "end_ms",
    "duration_ms",
    "confidence",
    "end_reason",
    "edited",
    "channel",
    "overlap_ms",
)


def write_csv(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write a header and the rows of all outcomes, as RFC 4180 asks (lines end with CR LF)."""
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for outcome in outcomes:
        for channel, segment in outcome.segments:
            writer.writerow(
                (
                    outcome.audio.file,
                    segment.start_ms,
                    segment.end_ms,
                    segment.duration_ms,
                    segment.confidence,
                    segment.end_reason.value,
                    "true" if segment.edited else "false",
                    channel,
                    overlap_ms(segment, outcome.overlap) if outcome.is_apart else "",
                )
            )


def read_csv(stream: TextIO) -> tuple[Labels, ...]:
    """Read rows that have at least file, start and end; columns may stand in any order.

    A recording without segments has no row, so it is not told.
    """
    # A spreadsheet's byte order mark belongs to no name.
    reader = csv.DictReader(stream, strict=True)
    try:
        known = [name.lstrip("\ufeff") for name in reader.fieldnames or ()]
        missing = [name for name in COLUMNS[:3] if name not in known]
        if missing:
            names = ", ".join(missing)
            raise malformed(_TITLE, 1, f"there is no column {names}", f"缺少列 {names}")
        reader.fieldnames = known
        return gathered(_rows(reader))
    except csv.Error as error:
        raise malformed(
            _TITLE, max(1, reader.reader.line_num), f"{error}", f"CSV 语法错误（{error}）"
        ) from error


def _rows(reader: csv.DictReader[str]) -> Iterator[tuple[str, str, Region]]:
    for row in reader:
        line = reader.line_num
        if None in row or None in row.values():
            raise malformed(_TITLE, line, "the number of fields is wrong", "字段数量不对")
        start_ms, end_ms = ordered(_TITLE, line, *map(_whole, (row["start_ms"], row["end_ms"])))
        try:
            region = Region(
                start_ms,
                end_ms,
                confidence=confidence_of(row.get("confidence")),
                end_reason=reason_of(row.get("end_reason")),
                edited=row.get("edited") == "true",
            )
        except ValueError as error:
            raise malformed(
                _TITLE,
                line,
                "the confidence is no number or the end_reason unknown",
                "confidence 不是数字，或 end_reason 未知",
            ) from error
        yield row["file"], row.get("channel") or "mix", region


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


CSV = Format(
    name="csv",
    title=_TITLE,
    suffix=".csv",
    media_type="text/csv",
    writer=write_csv,
    reader=read_csv,
    holds_several=True,
)
