"""JSON: the whole result with its receipt (engine, model hash, options, versions)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from webui import __version__
from webui.formats.result import Result


def as_dict(result: Result) -> dict[str, Any]:
    """Plain values of one result, in the order in which a person reads them."""
    factor = result.real_time_factor
    return {
        "file": result.scores.audio.file,
        "duration_ms": result.scores.duration_ms,
        **result.scores.receipt.as_dict(),
        "audio": {
            "container": result.scores.audio.container,
            "codec": result.scores.audio.codec,
            "sample_rate_hz": result.scores.audio.sample_rate_hz,
            "channels": result.scores.audio.channels,
            "channel": result.scores.audio.channel,
            "notices": [notice.message() for notice in result.scores.audio.notices],
        },
        "options": result.options.as_dict(),
        **_by_hand(result),
        "timings_s": {name: round(value, 6) for name, value in result.timings_s.items()},
        "real_time_factor": None if factor is None else round(factor, 6),
        "version": __version__,
    }


def _by_hand(result: Result) -> dict[str, Any]:
    """The segments; of a result that a person edited, with a mark on each and a summary first."""
    if not result.is_edited:
        return {"segments": [segment.as_dict() for segment in result.segments]}
    by_hand = sum(segment.edited for segment in result.segments)
    return {
        "edited": {"by": "hand", "by_hand": by_hand, "detected": len(result.segments) - by_hand},
        "segments": [{**s.as_dict(), "edited": s.edited} for s in result.segments],
    }


def write_json(results: Iterable[Result], stream: TextIO) -> None:
    """Write each result as one line, as soon as it is there."""
    for result in results:
        json.dump(as_dict(result), stream, ensure_ascii=False)
        stream.write("\n")
        stream.flush()
