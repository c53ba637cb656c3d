"""CSV: a header and one row a segment, times in ms.

Where channels were scored each for itself, ``overlap_ms`` says for how much of a
segment the other channel speaks, too; it is empty elsewhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from webui.formats.result import Outcome
from webui.vad.overlap import overlap_ms

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
