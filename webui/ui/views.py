"""What the page's components show, as the JSON strings that are their values."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from webui.engine import JobProgress
from webui.errors import StudioError
from webui.ui import tiles, words
from webui.ui.comparison import kept_value
from webui.ui.i18n import Texts
from webui.vad.options import VadOptions
from webui.vad.overlap import overlap
from webui.vad.scorers import SCORERS, STAGES
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment
from webui.vad.summary import explain_empty, summarise, summarise_tracks

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.vad.edited import Edits

RESULT_KEY = "r"
# By "about", and by the explanation of an empty result.
_SAID_ELSEWHERE = ("resampled", "mixed", "silent", "too_short")
_DOWNLOADS = {
    **dict.fromkeys(("json", "csv"), "segments"),
    **dict.fromkeys(("svg", "png", "pdf"), "figure"),
}


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class ResultView:
    """A result as the page in one language shows it.

    Attributes:
        texts: the language.
        root: relative address of the server's root.
    """

    texts: Texts
    root: str

    def show(
        self,
        result_id: str,
        entry: Entry,
        options: VadOptions,
        number: int | None = None,
        kept: VadOptions | None = None,
    ) -> str:
        """Return the value of the component "result".

        Args:
            result_id: of the entry in the cache.
            entry: the scored recording.
            options: in force.
            number: from `ticket`, taken when this was asked for; None takes one now.
            kept: options of A, to be compared with these.
        """
        texts = self.texts
        scores = entry.scores
        segments = [entry.segments(track, options) for track in entry.tracks]
        is_empty = not any(segments)
        has_audio = entry.recording.path.is_file()
        return _dump(
            {
                "id": result_id,
                "number": ticket() if number is None else number,
                "file": scores.audio.file,
                "about": scores.audio.describe(texts.language, is_apart=len(entry.tracks) > 1),
                "notices": [
                    notice.message(texts.language)
                    for notice in scores.audio.notices
                    if notice.code not in _SAID_ELSEWHERE
                ],
                "tiles": self._tiles(entry.tracks, segments),
                "empty": explain_empty(scores, options).message(texts.language) if is_empty else "",
                "duration_ms": scores.duration_ms,
                "columns": len(scores.peaks),
                "options": options.as_dict(),
                "level": options.speech_probability,
                "threshold": words.level(options.speech_probability),
                "tiles_url": f"{self.root}results/{result_id}/",
                "version": tiles.version(entry),
                "edited": bool(entry.edits),
                "audio": f"{self.root}results/{result_id}/audio" if has_audio else "",
                "tracks": [
                    self._track(track, found, entry.edits.get(track.audio.channel))
                    for track, found in zip(entry.tracks, segments, strict=True)
                ],
                "overlap": overlap(*segments[:2]) if len(segments) > 1 else (),
                "kept": kept and kept_value(scores, options, segments[0], kept, texts.language),
                "query": _address(result_id, options),
                "files": self._files(result_id, options),
            }
        )

    def _track(
        self, scores: SpeechScores, segments: tuple[Segment, ...], edits: Edits | None
    ) -> dict[str, Any]:
        channel = scores.audio.channel
        track = {
            "channel": channel,
            "name": self.texts(f"detect.channel_{channel}"),
            "edited": edits is not None,
            "rows": [_row(segment) for segment in segments],
        }
        if edits is not None:
            track["base"] = edits.options.as_dict()
        return track

    def _tiles(
        self, tracks: Sequence[SpeechScores], segments: Sequence[tuple[Segment, ...]]
    ) -> list[dict[str, str]]:
        texts = self.texts
        scores = tracks[0]
        duration_s = scores.duration_ms / 1000
        summary = summarise_tracks(segments, scores.duration_ms)
        work_s = scores.timings_s["total"]
        factor = work_s / duration_s if duration_s else 0.0
        capped = texts("result.capped", count=summary.capped) if summary.capped else ""
        receipt = scores.receipt
        label = SCORERS[receipt.engine].label[texts.language]
        return [
            _tile(
                texts("result.segments"),
                str(summary.count),
                self._each(tracks, [str(len(found)) for found in segments]) or capped,
            ),
            _tile(
                texts("result.share"),
                f"{summary.speech_share:.1%}",
                self._each(tracks, [_share(found, scores.duration_ms) for found in segments])
                or texts(
                    "result.share_note",
                    speech=words.position(summary.speech_ms / 1000),
                    duration=words.position(duration_s),
                ),
            ),
            _tile(texts("result.longest"), words.span(texts, summary.longest_ms / 1000)),
            _tile(texts("result.pause"), words.span(texts, summary.longest_pause_ms / 1000)),
            _tile(
                texts("result.factor"),
                f"{factor:.4f}",
                texts("result.factor_note", work=words.span(texts, work_s)),
            ),
            _tile(texts("result.engine"), label, receipt.device.upper()),
        ]

    def _each(self, tracks: Sequence[SpeechScores], values: Sequence[str]) -> str:
        """A value for each channel; "" where there is one track alone."""
        if len(tracks) == 1:
            return ""
        names = [self.texts(f"detect.channel_{track.audio.channel}") for track in tracks]
        return " · ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))

    def _files(self, result_id: str, options: VadOptions) -> dict[str, str]:
        query = urlencode({**options.as_dict(), "language": self.texts.language})
        return {
            kind: f"{self.root}results/{result_id}/{name}.{kind}?{query}"
            for kind, name in _DOWNLOADS.items()
        }


def _row(segment: Segment) -> list[Any]:
    times = [segment.start_ms, segment.end_ms]
    row = [*times, round(segment.confidence, 4), segment.end_reason.value]
    return [*row, True] if segment.edited else row


def _share(segments: Sequence[Segment], duration_ms: int) -> str:
    return f"{summarise(segments, duration_ms).speech_share:.1%}"


class _Tickets:
    """Ever larger numbers, also across a restart of the server."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000_000)
            return self._last


ticket = _Tickets()
"""Gives a number when a result is asked for: a page shows none after one that was asked later."""


def _tile(label: str, value: str, note: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def _address(result_id: str, options: VadOptions) -> str:
    """Query of a page's address that opens the result again, with what differs from the default."""
    usual = VadOptions().as_dict()
    changed = {name: value for name, value in options.as_dict().items() if value != usual[name]}
    return urlencode({RESULT_KEY: result_id, **changed})


def idle() -> str:
    """Return the status of a page on which nothing runs and nothing is wrong."""
    return _dump({"kind": "idle"})


def notice(message: str) -> str:
    """Return a status that tells something."""
    return _dump({"kind": "notice", "title": message})


def problem(error: StudioError, texts: Texts) -> str:
    """Return a status that says what went wrong and what to do."""
    return _dump({"kind": "error", "title": error.message(texts.language)})


def progress(now: JobProgress, file: str, texts: Texts) -> str:
    """Return the status of a page whose job on ``file`` is as far as ``now``."""
    if now.phase == "queued":
        title = texts("status.queued") if now.ahead else texts("status.starting")
        detail = texts("status.ahead", count=now.ahead) if now.ahead else ""
        return _dump({"kind": "progress", "title": title, "detail": detail})
    if now.phase == "loading":
        stage = STAGES.get(now.stage, {}).get(texts.language, "")
        return _dump({"kind": "progress", "title": texts("status.loading"), "detail": stage})
    parts = []
    if now.fraction is not None and now.duration_s:
        place = texts(
            "status.place",
            position=words.position(now.position_s),
            duration=words.position(now.duration_s),
        )
        parts = [f"{now.fraction:.0%}", place]
    elif now.position_s:
        parts = [words.position(now.position_s)]
    if now.eta_s is not None and now.eta_s >= 1:
        parts.append(texts("status.left", time=words.span(texts, now.eta_s, whole=True)))
    return _dump(
        {
            "kind": "progress",
            "title": texts("status.scoring", file=file),
            "detail": " · ".join(parts),
            "fraction": now.fraction,
        }
    )
