"""Praat's TextGrid in its long text form: an interval tier for each track.

The tier is "speech", or "left" and "right" and, where both speak, "overlap". Praat's
tiers cover the whole recording: what is not speech is an interval without text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from webui.errors import MalformedLabelsError
from webui.formats.format import Format, Problem, lies_apart, malformed, ordered
from webui.formats.labels import (
    OVERLAP,
    Labels,
    Region,
    gathered,
    region_of,
    text_of,
    track_name,
    track_of,
)
from webui.formats.result import Outcome
from webui.formats.times import milliseconds, seconds

_TITLE = "Praat TextGrid"
_INTERVALS, _POINTS = "IntervalTier", "TextTier"
# Praat reads texts in quotation marks, flags in angle brackets, and numbers that stand free.
# All else is there for people; what follows "!" is a comment. A text that never ends is "open".
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"'
    r"|<(?P<flag>exists|absent)>"
    r"|(?P<comment>![^\r\n]*)"
    r"|(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?=\s|\Z)"
    r'|(?P<open>")'
    r'|(?P<word>[^\s"]+)',
    re.ASCII,
)

Interval = tuple[int, int, str]


def write_textgrid(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write the tiers of one recording."""
    for outcome in outcomes:
        end_ms = _end_ms(outcome)
        tiers = list(_tiers(outcome))
        stream.write('File type = "ooTextFile"\nObject class = "TextGrid"\n\n')
        stream.write(f"xmin = 0\nxmax = {seconds(end_ms)}\n")
        stream.write(f"tiers? <exists>\nsize = {len(tiers)}\nitem []:\n")
        for number, (name, marked) in enumerate(tiers, 1):
            intervals = list(_without_gaps(marked, end_ms))
            stream.write(
                f'    item [{number}]:\n        class = "{_INTERVALS}"\n        name = "{name}"\n'
                f"        xmin = 0\n        xmax = {seconds(end_ms)}\n"
                f"        intervals: size = {len(intervals)}\n"
            )
            for place, (start, end, text) in enumerate(intervals, 1):
                stream.write(
                    f"        intervals [{place}]:\n            xmin = {seconds(start)}\n"
                    f'            xmax = {seconds(end)}\n            text = "{text}"\n'
                )


def _end_ms(outcome: Outcome) -> int:
    """Where the grid ends: with the recording, or a segment that reaches past it."""
    return max([outcome.audio.duration_ms, *(s.end_ms for _, s in outcome.segments)])


def _tiers(outcome: Outcome) -> Iterator[tuple[str, Sequence[Interval]]]:
    for result in outcome.results:
        name = track_name(result.scores.audio.channel)
        yield name, [(s.start_ms, s.end_ms, text_of(s)) for s in result.segments]
    if outcome.is_apart:
        yield OVERLAP, [(start, end, OVERLAP) for start, end in outcome.overlap]


def _without_gaps(marked: Iterable[Interval], end_ms: int) -> Iterator[Interval]:
    last_ms = 0
    for start, end, text in marked:
        if start > last_ms:
            yield last_ms, start, ""
        yield start, end, text
        last_ms = end
    if last_ms < end_ms:
        yield last_ms, end_ms, ""


def problem(outcome: Outcome) -> Problem | None:
    """Refuse what no tier can hold."""
    if not _end_ms(outcome):
        return "the recording has no length", "录音长度为零"
    return lies_apart(outcome)


def read_textgrid(stream: TextIO) -> tuple[Labels, ...]:
    """Read interval tiers, in the long form or the short one.

    An interval without text is silence. Tiers of points are left out, and the tier of
    overlaps that stands beside those of both channels.
    """
    tokens = _Tokens(stream.read())
    tokens.text("ooTextFile")
    tokens.text("TextGrid")
    tokens.time(), tokens.time()
    tiers: dict[str, list[Region]] = {}
    for _ in range(tokens.count() if tokens.flag() else 0):
        kind = tokens.text(_INTERVALS, _POINTS)
        name = tokens.text()
        tokens.time(), tokens.time()
        regions = [tokens.region(kind) for _ in range(tokens.count())]
        if kind == _INTERVALS:
            tiers.setdefault(name, []).extend(region for region in regions if region.label)
    if {"left", "right"} <= tiers.keys():
        tiers.pop(OVERLAP, None)
    tracks = [("", track_of(name)) for name in tiers]
    found = (("", track_of(name), region) for name in tiers for region in tiers[name])
    return gathered(found, tracks)


class _Tokens:
    """What Praat reads of a file, one after another."""

    def __init__(self, content: str) -> None:
        self._content = content
        self._found = _TOKEN.finditer(content)
        self._line, self._position = 1, 0

    def text(self, *wanted: str) -> str:
        """Read a text, one of those that are wanted if any are."""
        match = self._next("text")
        text = "" if match is None else match["text"].replace('""', '"')
        if match is None or (wanted and text not in wanted):
            names = " / ".join(wanted)
            raise self._malformed(
                f"a text in quotation marks is missing here: {names}".removesuffix(": "),
                f"此处缺少带引号的文本：{names}".removesuffix("："),
            )
        return text

    def flag(self) -> bool:
        """Read whether something exists."""
        match = self._next("flag")
        if match is None:
            raise self._malformed("<exists> is missing here", "此处缺少 <exists>")
        return match["flag"] == "exists"

    def count(self) -> int:
        """Read a whole number."""
        match = self._next("number")
        if match is None or not re.fullmatch(r"\d{1,9}", match["number"]):
            raise self._malformed("a whole number is missing here", "此处缺少整数")
        return int(match["number"])

    def time(self) -> int | None:
        """Read a time in ms; None if it lies before the recording."""
        match = self._next("number")
        if match is None:
            raise self._malformed("a number is missing here", "此处缺少数字")
        return milliseconds(match["number"])

    def region(self, kind: str) -> Region:
        """Read an interval or a point with its text."""
        start_ms = self.time()
        end_ms = self.time() if kind == _INTERVALS else start_ms
        line = self._line
        text = self.text()
        if not text.strip():
            return Region(0, 0, "")
        return region_of(*ordered(_TITLE, line, start_ms, end_ms), text)

    def _next(self, kind: str) -> re.Match[str] | None:
        """Return what comes next; None if it is not of this kind."""
        for match in self._found:
            self._line += self._content.count("\n", self._position, match.start())
            self._position = match.start()
            if match.lastgroup in ("text", "flag", "number", "open"):
                return match if match.lastgroup == kind else None
        self._line += self._content.count("\n", self._position)
        self._position = len(self._content)
        return None

    def _malformed(self, reason: str, reason_zh: str) -> MalformedLabelsError:
        return malformed(_TITLE, self._line, reason, reason_zh)


TEXTGRID = Format(
    name="textgrid",
    title=_TITLE,
    suffix=".TextGrid",
    media_type="text/plain",
    writer=write_textgrid,
    reader=read_textgrid,
    problem=problem,
)
