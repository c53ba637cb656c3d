"""WebVTT, the subtitles of the web: a cue for each segment; of two channels, it names its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from webui.formats.cues import ARROW, blocks, cue, write_cues
from webui.formats.format import Format, has_length, malformed
from webui.formats.labels import Labels, Region, gathered
from webui.formats.result import Outcome

_TITLE = "WebVTT"
_HEAD = "WEBVTT"
_OTHERS = {"NOTE", "STYLE", "REGION"}


def write_vtt(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write the cues of one recording."""
    stream.write(f"{_HEAD}\n\n")
    for outcome in outcomes:
        write_cues(outcome, stream, ".", numbered=False)


def read_vtt(stream: TextIO) -> tuple[Labels, ...]:
    """Read cues; comments, styles and regions of the screen are left out."""
    return gathered(_cues(stream))


def _cues(stream: TextIO) -> Iterator[tuple[str, str, Region]]:
    found = blocks(stream)
    line, head = next(found, (1, [""]))
    if line != 1 or head[0].lstrip("\ufeff").split(maxsplit=1)[:1] != [_HEAD]:
        raise malformed(_TITLE, 1, f"it does not begin with {_HEAD}", f"没有以 {_HEAD} 开头")
    for block in found:
        first = block[1][0]
        if set(first.split(maxsplit=1)[:1]) & _OTHERS and ARROW not in first:
            continue
        yield cue(_TITLE, block)


VTT = Format(
    name="vtt",
    title=_TITLE,
    suffix=".vtt",
    media_type="text/vtt",
    writer=write_vtt,
    reader=read_vtt,
    problem=has_length,
)
