"""What SRT and WebVTT share: blocks of lines, each a time span and a text below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from webui.formats.format import malformed, ordered
from webui.formats.labels import Region, cue_of, cued
from webui.formats.result import Outcome
from webui.formats.times import clock, milliseconds

ARROW = "-->"
# Hours may be missing in WebVTT; both marks of the fraction are in use in SRT.
_CLOCK = re.compile(r"(?:(\d{1,9}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})", re.ASCII)

Block = tuple[int, list[str]]
"""Number of its first line, and its lines without their ends."""


def write_cues(outcome: Outcome, stream: TextIO, mark: str, *, numbered: bool) -> None:
    """Write a block for each segment; ``mark`` stands before the milliseconds."""
    for number, (channel, segment) in enumerate(outcome.segments, 1):
        if numbered:
            stream.write(f"{number}\n")
        start, end = clock(segment.start_ms, mark), clock(segment.end_ms, mark)
        stream.write(f"{start} {ARROW} {end}\n{cue_of(channel, segment)}\n\n")


def blocks(lines: Iterable[str]) -> Iterator[Block]:
    """Divide lines at those that are empty."""
    block: list[str] = []
    line = 0
    for line, text in enumerate(lines, 1):
        if text := text.rstrip("\r\n"):
            block.append(text)
        elif block:
            yield line - len(block), block
            block = []
    if block:
        yield line - len(block) + 1, block


def cue(title: str, block: Block) -> tuple[str, str, Region]:
    """Read a cue: perhaps a line that names it, its times, its text.

    Raises:
        MalformedLabelsError: there are no times.
    """
    line, lines = block
    place = next((i for i, text in enumerate(lines[:2]) if ARROW in text), None)
    if place is None:
        raise malformed(title, line, "a line with times (-->) is missing", "缺少时间行（-->）")
    line += place
    start, _, rest = lines[place].partition(ARROW)
    # Settings of a cue's place on the screen may follow.
    end = rest.split(maxsplit=1)[:1]
    start_ms, end_ms = ordered(title, line, _time(start.strip()), _time("".join(end)))
    return cued(start_ms, end_ms, "\n".join(lines[place + 1 :]))


def _time(text: str) -> int | None:
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups(default="0")
    of_seconds = milliseconds(f"{seconds}.{fraction}")
    return None if of_seconds is None else (int(hours) * 60 + int(minutes)) * 60_000 + of_seconds
