"""NeMo's manifest: a line of JSON for each segment, with the recording's path.

``audio_filepath``, ``offset`` and ``duration`` in seconds, ``label`` and ``text`` are
what NeMo reads; it leaves the rest alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, TextIO

from webui.formats.format import Format, malformed, ordered
from webui.formats.labels import SPEECH, Labels, Region, confidence_of, gathered
from webui.formats.result import Outcome
from webui.formats.times import milliseconds

_TITLE = "NeMo"


def write_nemo(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write a line for each segment."""
    for outcome in outcomes:
        for channel, segment in outcome.segments:
            entry = {
                "audio_filepath": outcome.path or outcome.audio.file,
                "offset": segment.start_ms / 1000,
                "duration": segment.duration_ms / 1000,
                "label": SPEECH,
                "text": "-",
                "channel": channel,
                "confidence": segment.confidence,
                "edited": segment.edited,
            }
            json.dump(entry, stream, ensure_ascii=False)
            stream.write("\n")
        stream.flush()


def read_nemo(stream: TextIO) -> tuple[Labels, ...]:
    """Read segments; an entry without offset begins with its recording."""
    return gathered(_entries(stream))


def _entries(stream: TextIO) -> Iterator[tuple[str, str, Region]]:
    for line, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            # As they stand, so that the third decimal is not lost to a float.
            entry = json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise malformed(_TITLE, line, "it is no line of JSON", "不是一行 JSON") from error
        path = entry.get("audio_filepath") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not path:
            raise malformed(_TITLE, line, "audio_filepath is missing", "缺少 audio_filepath")
        yield path.rpartition("/")[2], str(entry.get("channel", "mix")), _region(line, entry)


def _region(line: int, entry: dict[str, Any]) -> Region:
    offset, duration = str(entry.get("offset", 0)), str(entry.get("duration"))
    start_ms, end_ms = ordered(_TITLE, line, milliseconds(offset), milliseconds(offset, duration))
    given = entry.get("confidence")
    try:
        confidence = confidence_of(None if given is None else str(given))
    except ValueError as error:
        raise malformed(_TITLE, line, "the confidence is no number", "置信度不是数字") from error
    label = str(entry.get("label", ""))
    return Region(start_ms, end_ms, label, confidence, edited=entry.get("edited") is True)


NEMO = Format(
    name="nemo",
    title=_TITLE,
    suffix=".manifest.json",
    media_type="application/json",
    writer=write_nemo,
    reader=read_nemo,
    holds_several=True,
)
