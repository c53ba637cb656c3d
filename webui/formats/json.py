"""JSON: the whole result with its receipt (engine, model hash, options, versions)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from webui import __version__
from webui.formats.format import Format, malformed, ordered
from webui.formats.labels import Labels, Region, confidence_of, gathered, reason_of
from webui.formats.result import Outcome

_TITLE = "JSON"


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """Plain values of one recording, in the order in which a person reads them.

    Where its channels were scored each for itself, every segment names its channel,
    and ``overlap`` says where both speak. Where one of them was edited that began from other
    options than the other's, ``options_by_channel`` takes the place of ``options``. What a
    reproducible outcome does not tell (`Outcome.reproducible`) is left out.
    """
    audio = outcome.audio
    receipt = outcome.receipt.as_dict()
    if outcome.is_reproducible:
        del receipt["threads"]
    return {
        "file": audio.file,
        "duration_ms": audio.duration_ms,
        **receipt,
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
        **({} if outcome.is_reproducible else _speed(outcome)),
        "version": __version__,
    }


def _speed(outcome: Outcome) -> dict[str, Any]:
    factor = outcome.real_time_factor
    return {
        "timings_s": {name: round(value, 6) for name, value in outcome.timings_s.items()},
        "real_time_factor": None if factor is None else round(factor, 6),
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


def read_json(stream: TextIO) -> tuple[Labels, ...]:
    """Read one recording after another, however their lines are broken."""
    found: list[tuple[str, str, Region]] = []
    tracks: list[tuple[str, str]] = []
    for line, value in _values(stream.read()):
        file, regions = _recording(line, value)
        channel = _channel(value)
        both = ("left", "right") if channel == "each" else (channel,)
        tracks += [(file, track) for track in both]
        found += [(file, track or channel, region) for track, region in regions]
    return gathered(found, tracks)


def _values(text: str) -> Iterator[tuple[int, Any]]:
    """Give each value with the line on which it begins."""
    decoder = json.JSONDecoder()
    position, line = 0, 1
    while True:
        begin = position
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        line += text.count("\n", begin, position)
        if position == len(text):
            return
        begin = position
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise malformed(
                _TITLE, error.lineno, error.msg, f"JSON 语法错误（{error.msg}）"
            ) from error
        except (RecursionError, ValueError) as error:
            raise malformed(
                _TITLE,
                line,
                "it is nested too deeply, or a number is too long",
                "嵌套过深或数字过长",
            ) from error
        yield line, value
        line += text.count("\n", begin, position)


def _recording(line: int, value: Any) -> tuple[str, Iterator[tuple[str, Region]]]:
    file = value.get("file") if isinstance(value, dict) else None
    segments = value.get("segments") if isinstance(value, dict) else None
    if not isinstance(file, str) or not isinstance(segments, list):
        raise malformed(
            _TITLE,
            line,
            'not an object with "file" and a list "segments"',
            "不是含 file 和 segments 列表的对象",
        )
    return file, (_region(line, segment) for segment in segments)


def _channel(value: dict[str, Any]) -> str:
    audio = value.get("audio")
    channel = audio.get("channel") if isinstance(audio, dict) else None
    return channel if isinstance(channel, str) else "mix"


def _region(line: int, segment: Any) -> tuple[str, Region]:
    given = segment if isinstance(segment, dict) else {}
    times = (given.get("start_ms"), given.get("end_ms"))
    # bool is an int to Python, but no time.
    start_ms, end_ms = ordered(
        _TITLE, line, *(ms if type(ms) is int and 0 <= ms < 10**15 else None for ms in times)
    )
    try:
        return str(given.get("channel", "")), Region(
            start_ms,
            end_ms,
            confidence=confidence_of(given.get("confidence")),
            end_reason=reason_of(given.get("end_reason")),
            edited=given.get("edited") is True,
        )
    except (TypeError, ValueError) as error:
        raise malformed(
            _TITLE,
            line,
            f"the confidence or end_reason of the segment at {start_ms} ms is none",
            f"位于 {start_ms} 毫秒的片段的 confidence 或 end_reason 无效",
        ) from error


JSON = Format(
    name="json",
    title=_TITLE,
    suffix=".json",
    media_type="application/json",
    writer=write_json,
    reader=read_json,
    holds_several=True,
)
