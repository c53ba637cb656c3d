"""What is read back from a file of segments, ours or another program's.

The names of tracks and the texts of segments that all formats share stand here, too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from webui.audio.report import Channel
from webui.vad.segment import EndReason, Segment

SPEECH = "speech"
"""Text of a segment, and name of the only track."""

OVERLAP = "overlap"
"""Name of the track that says where both channels speak."""

_EDITED = f"{SPEECH}, edited"
_TEXT = re.compile(r"(?:(?P<track>left|right): )?(?P<text>.*)", re.DOTALL)


@dataclass(frozen=True, order=True)
class Region:
    """A stretch of time that a file marks.

    Attributes:
        start_ms: start, in ms from the beginning of the audio.
        end_ms: end; not before the start, and the same where the file marks a moment.
        label: what the file says of it: a word, a speaker, "speech".
        confidence: 0 to 1; None where the file does not say.
        end_reason: why it ends there; None where the file does not say.
        edited: a person made it or moved one of its boundaries, as far as the file says.
    """

    start_ms: int
    end_ms: int
    label: str = SPEECH
    confidence: float | None = None
    end_reason: EndReason | None = None
    edited: bool = False


@dataclass(frozen=True)
class Labels:
    """One track of one recording.

    Attributes:
        file: the recording as the file calls it: with or without its ending, by format;
            empty where the format has no place for it.
        track: "mix", "left" or "right" in files of ours; else the name of a tier, a
            speaker or a channel.
        regions: in order of time.
    """

    file: str
    track: str
    regions: tuple[Region, ...]


def gathered(
    found: Iterable[tuple[str, str, Region]], tracks: Iterable[tuple[str, str]] = ()
) -> tuple[Labels, ...]:
    """Sort regions by recording and track.

    Args:
        found: file, track and region of each.
        tracks: file and track of those that are there even if nothing is on them.
    """
    sorted_out: dict[tuple[str, str], list[Region]] = {track: [] for track in tracks}
    for file, track, region in found:
        sorted_out.setdefault((file, track), []).append(region)
    return tuple(
        Labels(file, track, tuple(sorted(regions, key=lambda r: (r.start_ms, r.end_ms))))
        for (file, track), regions in sorted_out.items()
    )


def confidence_of(given: str | float | None) -> float | None:
    """Read a confidence; None, and an empty text, say nothing.

    Raises:
        ValueError: it is no number.
    """
    if given is None or given == "":
        return None
    value = float(given)
    if not math.isfinite(value):
        raise ValueError(given)
    return value


def reason_of(given: str | None) -> EndReason | None:
    """Read the reason of an end; None, and an empty text, say nothing.

    Raises:
        ValueError: there is no such reason.
    """
    return EndReason(given) if given else None


def track_name(channel: Channel) -> str:
    """Name a track where people see it."""
    return SPEECH if channel == "mix" else channel


def track_of(name: str) -> str:
    """Return the track that a name stands for: the inverse of `track_name`."""
    return "mix" if name == SPEECH else name


def text_of(segment: Segment) -> str:
    """Return what a label says of a segment where its track is known."""
    return _EDITED if segment.edited else SPEECH


def cue_of(channel: Channel, segment: Segment) -> str:
    """Return what a label says of a segment where nothing else names its track."""
    text = text_of(segment)
    return text if channel == "mix" else f"{channel}: {text}"


def region_of(start_ms: int, end_ms: int, text: str) -> Region:
    """Make a region of what `text_of` wrote, or anybody else."""
    if text == _EDITED:
        return Region(start_ms, end_ms, edited=True)
    return Region(start_ms, end_ms, text)


def cued(start_ms: int, end_ms: int, text: str) -> tuple[str, str, Region]:
    """Make file, track and region of what `cue_of` wrote, or anybody else."""
    match = _TEXT.fullmatch(text)
    assert match is not None  # the expression takes every text
    return "", match["track"] or "mix", region_of(start_ms, end_ms, match["text"])
