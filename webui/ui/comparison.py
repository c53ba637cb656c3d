"""Settings kept as A beside those that are tuned. Knows nothing of Gradio."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from webui.errors import OptionsError
from webui.vad.compare import compare
from webui.vad.options import VadOptions, option_info
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment

NAME = "A"
BUTTONS = ("kept", "restored", "swapped", "dropped")
# The page lists so many differences; the sums are of all of them.
MOST_LISTED = 1000
_SWITCH = {"en": ("off", "on"), "zh": ("关", "开")}


def turned(
    event: str, kept: Mapping[str, Any] | None, present: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
    """Return what is kept as A and what are the present options after a button was pressed.

    Args:
        event: one of `BUTTONS`: "kept" keeps the present options as A, "restored" brings
            A back and keeps it, "swapped" exchanges the two, "dropped" forgets A.
        kept: options of A by name, None if nothing is kept.
        present: those of B.
    """
    if event == "kept":
        return present, present
    if kept is None or event == "dropped":
        return None, present
    return (present, kept) if event == "swapped" else (kept, kept)


def parse(kept: Mapping[str, Any] | None) -> VadOptions | None:
    """Return the options of A; None where nothing is kept, or it no longer holds."""
    try:
        return None if kept is None else VadOptions.from_mapping(kept)
    except OptionsError:
        return None


def read(written: str) -> VadOptions:
    """Read the options of A from an address.

    Args:
        written: JSON, the options that differ from the defaults by name.

    Raises:
        OptionsError: it is no such JSON, or an option is unknown or wrong.
    """
    try:
        given = json.loads(written)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise OptionsError(
            name=NAME,
            value=written[:60],
            reason='must be JSON such as {"max_end_silence_time":500}',
            reason_zh='必须是 JSON，例如 {"max_end_silence_time":500}',
        )
    return VadOptions.from_mapping(given)


def kept_value(
    tracks: Sequence[SpeechScores],
    options: VadOptions,
    segments: Sequence[Sequence[Segment]],
    kept: VadOptions,
    language: str,
) -> dict[str, Any]:
    """Return what the page shows of A beside the present result B.

    Args:
        tracks: of the recording.
        options: of B.
        segments: of B, on each track.
        kept: options of A.
        language: "en" or "zh".
    """
    own = [track.segments(kept) for track in tracks]
    compared = [compare(a, b) for a, b in zip(own, segments, strict=True)]
    differences = sorted(
        ((d, track) for track, found in enumerate(compared) for d in found.differences),
    )
    return {
        "name": NAME,
        "tracks": [[row(segment) for segment in found] for found in own],
        "options": _changed(kept, options, language),
        "counts": [sum(map(len, each)) for each in (own, segments)],
        "speech_ms": [
            sum(s.duration_ms for found in each for s in found) for each in (own, segments)
        ],
        "only_ms": [
            sum(found.only_a_ms for found in compared),
            sum(found.only_b_ms for found in compared),
        ],
        "count": len(differences),
        "differences": [
            [d.start_ms, d.end_ms, d.side, d.kind, track] for d, track in differences[:MOST_LISTED]
        ],
    }


def row(segment: Segment) -> list[Any]:
    """Return a segment as the page's scripts take it: start, end, confidence, reason, by hand."""
    times = [segment.start_ms, segment.end_ms]
    values = [*times, round(segment.confidence, 4), segment.end_reason.value]
    return [*values, True] if segment.edited else values


def _changed(a: VadOptions, b: VadOptions, language: str) -> list[list[str]]:
    """Label and values of the options that differ, as people read them."""
    others = b.as_dict()
    return [
        [
            option_info(name).label[language],
            _written(name, value, language),
            _written(name, others[name], language),
        ]
        for name, value in a.as_dict().items()
        if value != others[name]
    ]


def _written(name: str, value: Any, language: str) -> str:
    info = option_info(name)
    if info.kind == "switch":
        return _SWITCH[language][bool(value)]
    return info.written(value, language) if info.kind == "number" else str(value)
