"""JSON: the whole result with its receipt (engine, model hash, options, versions)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from webui import __version__
from webui.formats.result import Outcome


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """Plain values of one recording, in the order in which a person reads them.

    Where its channels were scored each for itself, every segment names its channel,
    and ``overlap`` says where both speak. Where one of them was edited that began from other
    options than the other's, ``options_by_channel`` takes the place of ``options``.
    """
    factor = outcome.real_time_factor
    audio = outcome.audio
    return {
        "file": audio.file,
        "duration_ms": audio.duration_ms,
        **outcome.receipt.as_dict(),
        "audio": {
            "container": audio.container,
            "codec": audio.codec,
            "sample_rate_hz": audio.sample_rate_hz,
            "channels": audio.channels,
            "channel": outcome.channel,
            "notices": outcome.notices(),
        },
        **_options(outcome),
        **_speech(outcome),
        "timings_s": {name: round(value, 6) for name, value in outcome.timings_s.items()},
        "real_time_factor": None if factor is None else round(factor, 6),
        "version": __version__,
    }


def _options(outcome: Outcome) -> dict[str, Any]:
    if outcome.options is not None:
        return {"options": outcome.options.as_dict()}
    of_each = {r.scores.audio.channel: r.options.as_dict() for r in outcome.results}
    return {"options_by_channel": of_each}


def _speech(outcome: Outcome) -> dict[str, Any]:
    """The segments; of a result that a person edited, with a mark on each and a summary first."""
    segments = []
    for channel, segment in outcome.segments:
        of_track = {"channel": channel} if outcome.is_apart else {}
        mark = {"edited": segment.edited} if outcome.is_edited else {}
        segments.append({**of_track, **segment.as_dict(), **mark})
    found: dict[str, Any] = {"segments": segments}
    if outcome.is_apart:
        found["overlap"] = [{"start_ms": start, "end_ms": end} for start, end in outcome.overlap]
    if outcome.is_edited:
        by_hand = sum(segment.edited for _, segment in outcome.segments)
        edited = {"by": "hand", "by_hand": by_hand, "detected": len(segments) - by_hand}
        return {"edited": {**edited, **_detected_before(outcome)}, **found}
    return found


def _detected_before(outcome: Outcome) -> dict[str, Any]:
    """What scored the regions that edits began from, by channel, where it is not the receipt's."""
    others = {
        result.scores.audio.channel: result.detected_by.as_dict()
        for result in outcome.results
        if result.detected_by is not None and result.detected_by != outcome.receipt
    }
    return {"detected_by": others} if others else {}


def write_json(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write each recording as one line, as soon as it is there."""
    for outcome in outcomes:
        json.dump(as_dict(outcome), stream, ensure_ascii=False)
        stream.write("\n")
        stream.flush()
