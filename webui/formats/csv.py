"""CSV: a header and one row a segment, times in ms."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from webui.formats.result import Result

COLUMNS = ("file", "start_ms", "end_ms", "duration_ms", "confidence", "end_reason", "edited")


def write_csv(results: Iterable[Result], stream: TextIO) -> None:
    """Write a header and the rows of all results, as RFC 4180 asks (lines end with CR LF)."""
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for result in results:
        for segment in result.segments:
            writer.writerow(
                (
                    result.scores.audio.file,
                    segment.start_ms,
                    segment.end_ms,
                    segment.duration_ms,
                    segment.confidence,
                    segment.end_reason.value,
                    "true" if segment.edited else "false",
                )
            )
