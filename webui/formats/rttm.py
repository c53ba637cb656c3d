"""RTTM, the "rich transcription time marked" lines of NIST: who speaks when.

``SPEAKER file channel start duration <NA> <NA> speaker confidence <NA>``. The file is
its name without the ending, as everywhere in the field (`webui.formats.names` says how
white space in it is written). The speaker is "speech"; where channels were scored each
for itself, it is "left" or "right", in channel 1 or 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from webui.formats.format import Format, malformed, ordered
from webui.formats.labels import Labels, Region, confidence_of, gathered, track_name, track_of
from webui.formats.names import as_word, from_word, stem, words
from webui.formats.result import Outcome
from webui.formats.times import milliseconds, seconds

_TITLE = "RTTM"
# What else the format knows; none of it says where speech is.
_OTHERS = (
    *("SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER"),
    *("EDIT", "IP", "SU", "CB", "A/P", "SPKR-INFO"),
)
_CHANNELS = {"mix": 1, "left": 1, "right": 2}


def write_rttm(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write a line for each segment."""
    for outcome in outcomes:
        file = outcome.word
        for channel, segment in outcome.segments:
            stream.write(
                f"SPEAKER {file} {_CHANNELS[channel]} {seconds(segment.start_ms)} "
                f"{seconds(segment.duration_ms)} <NA> <NA> {track_name(channel)} "
                f"{segment.confidence} <NA>\n"
            )
        stream.flush()


def identify(file: str) -> str:
    """Return what a recording is called in RTTM."""
    return as_word(stem(file))


def read_rttm(stream: TextIO) -> tuple[Labels, ...]:
    """Read speakers' turns, each speaker as a track; comments and other lines are left out."""
    return gathered(_turns(stream))


def _turns(stream: TextIO) -> Iterator[tuple[str, str, Region]]:
    for line, text in enumerate(stream, 1):
        fields = words(text)
        if not fields or fields[0].startswith(";;") or fields[0] in _OTHERS:
            continue
        if fields[0] != "SPEAKER":
            raise malformed(
                _TITLE, line, f"{fields[0]} is no type of line", f"没有 {fields[0]} 这种行"
            )
        if not 8 <= len(fields) <= 10:
            raise malformed(
                _TITLE,
                line,
                f"there are {len(fields)} fields, not 10",
                f"有 {len(fields)} 个字段，应为 10 个",
            )
        start, duration, speaker = fields[3], fields[4], fields[7]
        start_ms, end_ms = ordered(_TITLE, line, milliseconds(start), milliseconds(start, duration))
        told = next((field for field in fields[8:9] if field != "<NA>"), None)
        try:
            confidence = confidence_of(told)
        except ValueError as error:
            raise malformed(
                _TITLE, line, f"{told} is no confidence", f"{told} 不是置信度"
            ) from error
        region = Region(start_ms, end_ms, speaker, confidence)
        yield from_word(fields[1]), track_of(speaker), region


RTTM = Format(
    name="rttm",
    title=_TITLE,
    suffix=".rttm",
    media_type="text/plain",
    writer=write_rttm,
    reader=read_rttm,
    holds_several=True,
    identify=identify,
)
