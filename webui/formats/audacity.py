"""Audacity's label track: start, end and text, parted by tabs, times in seconds.

Of two channels, a label's text names its own. A label of no length marks a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from webui.formats.format import Format, malformed, ordered
from webui.formats.labels import Labels, Region, cue_of, cued, gathered
from webui.formats.result import Outcome
from webui.formats.times import milliseconds, seconds

_TITLE = "Audacity"
_DECIMALS = 6  # as Audacity writes them


def write_audacity(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write the labels of one recording."""
    for outcome in outcomes:
        for channel, segment in outcome.segments:
            start = seconds(segment.start_ms, _DECIMALS)
            end = seconds(segment.end_ms, _DECIMALS)
            stream.write(f"{start}\t{end}\t{cue_of(channel, segment)}\n")


def read_audacity(stream: TextIO) -> tuple[Labels, ...]:
    """Read labels; the lines with their ranges of frequencies are left out."""
    return gathered(_labels(stream))


def _labels(stream: TextIO) -> Iterator[tuple[str, str, Region]]:
    for line, text in enumerate(stream, 1):
        text = text.rstrip("\r\n")
        if not text or text.startswith("\\"):
            continue
        fields = text.split("\t", maxsplit=2)
        if len(fields) < 2:
            raise malformed(
                _TITLE, line, "start and end are not parted by a tab", "起点与终点之间没有制表符"
            )
        start_ms, end_ms = ordered(_TITLE, line, *map(milliseconds, fields[:2]))
        yield cued(start_ms, end_ms, "".join(fields[2:]))


AUDACITY = Format(
    name="audacity",
    title=_TITLE,
    # Not .txt alone: a transcript may lie beside the recording under that name.
    suffix=".labels.txt",
    media_type="text/plain",
    writer=write_audacity,
    reader=read_audacity,
)
