"""SubRip subtitles: a numbered cue for each segment; of two channels, the cue names its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from webui.formats.cues import blocks, cue, write_cues
from webui.formats.format import Format, Problem, has_length
from webui.formats.labels import Labels, gathered
from webui.formats.result import Outcome

_TITLE = "SRT"
# Two digits hold the hours; with three, players misread the whole file.
_LATEST_MS = 100 * 3_600_000


def write_srt(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write the cues of one recording."""
    for outcome in outcomes:
        write_cues(outcome, stream, ",", numbered=True)


def read_srt(stream: TextIO) -> tuple[Labels, ...]:
    """Read cues; their numbers do not matter and may be missing."""
    return gathered(cue(_TITLE, block) for block in blocks(stream))


def problem(outcome: Outcome) -> Problem | None:
    """Refuse what SubRip has no times for."""
    if any(segment.end_ms >= _LATEST_MS for _, segment in outcome.segments):
        return "times end at 99 h 59 min 59.999 s there", "该格式的时间最多到 99:59:59,999"
    return has_length(outcome)


SRT = Format(
    name="srt",
    title=_TITLE,
    suffix=".srt",
    media_type="application/x-subrip",
    writer=write_srt,
    reader=read_srt,
    problem=problem,
)
