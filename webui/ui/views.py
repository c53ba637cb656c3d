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
from webui.formats import FORMATS
from webui.ui import headline, tiles, words
from webui.ui.comparison import kept_value, row
from webui.ui.i18n import Texts
from webui.ui.recipe import changed
from webui.vad.options import VadOptions
from webui.vad.overlap import overlap
from webui.vad.scorers import STAGES
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment
from webui.vad.summary import explain_empty

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.vad.edited import Edits

# What an address says beside the options: the result, its channel, the options of A and
# whether regions by hand take the place of detected ones.
RESULT_KEY, CHANNEL_KEY, KEPT_KEY, EDITED_KEY = "r", "channel", "a", "edited"
# By "about", and by the explanation of an empty result.
_SAID_ELSEWHERE = ("resampled", "mixed", "silent", "too_short")
_DOWNLOADS = {
    **dict.fromkeys(FORMATS, "segments"),
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
        both = overlap(*segments) if entry.is_apart else ()
        has_audio = entry.recording.path.is_file()
        return _dump(
            {
                "id": result_id,
                "number": ticket() if number is None else number,
                "file": scores.audio.file,
                "about": scores.audio.describe(texts.language, is_apart=entry.is_apart),
                "notices": self._notices(entry),
                "tiles": headline.figures(entry.tracks, segments, both, texts),
                "empty": self._empty(entry, segments, options),
                "duration_ms": scores.duration_ms,
                "columns": len(scores.peaks),
                "options": options.as_dict(),
                "level": options.speech_probability,
                "threshold": words.level(options.speech_probability),
                "tiles_url": f"{self.root}results/{result_id}/",
                "version": tiles.version(entry),
                "edited": entry.is_edited,
                "audio": f"{self.root}results/{result_id}/audio" if has_audio else "",
                "tracks": [
                    self._track(track, found, entry.edits.get(track.audio.channel))
                    for track, found in zip(entry.tracks, segments, strict=True)
                ],
                "overlap": both,
                "kept": kept and kept_value(entry.tracks, options, segments, kept, texts.language),
                "query": address(result_id, entry, options, kept),
                "files": self._files(result_id, entry, options, kept),
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
            "rows": [row(segment) for segment in segments],
        }
        if edits is not None:
            track["base"] = edits.options.as_dict()
            # By them the page tells a start by hand from one that was found.
            track["starts"] = [segment.start_ms for segment in scores.segments(edits.options)]
        return track

    def _notices(self, entry: Entry) -> list[str]:
        """What is to know of how it was read."""
        told = {notice: None for track in entry.tracks for notice in track.audio.notices}
        language = self.texts.language
        return [each.message(language) for each in told if each.code not in _SAID_ELSEWHERE]

    def _empty(
        self, entry: Entry, segments: Sequence[Sequence[Segment]], options: VadOptions
    ) -> str:
        """Why there is no speech, in the recording or in one of its channels."""
        told = []
        for track, found in zip(entry.tracks, segments, strict=True):
            # Who took all segments away by hand knows why.
            if found or track.audio.channel in entry.edits:
                continue
            why = explain_empty(track, options).message(self.texts.language)
            name = self.texts(f"detect.channel_{track.audio.channel}")
            told.append(f"{name} · {why}" if entry.is_apart else why)
        return "\n".join(told)

    def _files(
        self, result_id: str, entry: Entry, options: VadOptions, kept: VadOptions | None
    ) -> dict[str, str]:
        given = {**options.as_dict(), "language": self.texts.language}
        if entry.is_edited:
            given[EDITED_KEY] = 1
        if kept is not None:
            given[KEPT_KEY] = _dump(changed(kept))
        query = urlencode(given)
        files = {
            kind: f"{self.root}results/{result_id}/{name}.{kind}?{query}"
            for kind, name in _DOWNLOADS.items()
        }
        # Their own choices are added by the page.
        sound = {"cuts": "cuts.zip", "speech": "speech"}
        return files | {
            kind: f"{self.root}results/{result_id}/{name}?{query}" for kind, name in sound.items()
        }


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


def address(result_id: str, entry: Entry, options: VadOptions, kept: VadOptions | None) -> str:
    """Query of a page's address that opens the result again, with what differs from the default."""
    given: dict[str, Any] = {RESULT_KEY: result_id}
    if entry.channel != "mix":
        given[CHANNEL_KEY] = entry.channel
    if kept is not None:
        given[KEPT_KEY] = _dump(changed(kept))
    return urlencode({**given, **changed(options)})


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
