"""One recording, decided with one set of options: what every format writes.

A `Result` is of one track; an `Outcome` holds the results of all tracks of a recording.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from webui.audio.report import AudioReport, Channel, ChannelChoice, channel_text
from webui.formats.names import as_word, stem
from webui.vad.edited import Edits
from webui.vad.options import VadOptions
from webui.vad.overlap import overlap
from webui.vad.scores import EngineReceipt, SpeechScores
from webui.vad.segment import Segment


@dataclass(frozen=True, eq=False)
class Result:
    """Scores, the options that were applied to them, and the segments that came out.

    Attributes:
        scores: of the track.
        options: in force.
        segments: in order of time.
        endpoint_s: seconds that the endpointer took; 0 where it was not measured.
        is_edited: the segments are those that a person made of the detected ones.
        detected_by: what scored the detected ones that they began from; None where nothing
            is edited.
    """

    scores: SpeechScores
    options: VadOptions
    segments: tuple[Segment, ...]
    endpoint_s: float = 0.0
    is_edited: bool = False
    detected_by: EngineReceipt | None = None

    @classmethod
    def of(cls, scores: SpeechScores, options: VadOptions) -> Result:
        """Apply options to scores and measure how long that takes."""
        begin = time.perf_counter()
        segments = scores.segments(options)
        return cls(scores, options, segments, time.perf_counter() - begin)

    @classmethod
    def by_hand(cls, scores: SpeechScores, edits: Edits) -> Result:
        """Take the regions that a person made; the options are those that they began from."""
        segments = edits.segments(scores)
        return cls(scores, edits.options, segments, is_edited=True, detected_by=edits.receipt)


@dataclass(frozen=True)
class Outcome:
    """What came out of one recording.

    Attributes:
        results: of its only track, or of each channel; at least one, all equally long.
        path: where the recording is, absolute; None where its name alone is to be told.
        directory: that its own file is written to, absolute, for the formats that say the way from
            there to the recording; None where that is not known.
        recording_id: what a wav.scp calls it, without the side that was taken; None elsewhere. It
            is a word already, which formats of words write as it stands.
        is_reproducible: what differs from run to run (timings, threads) is not told of it, so
            that doing it again gives the same bytes.
    """

    results: tuple[Result, ...]
    path: str | None = None
    directory: str | None = None
    recording_id: str | None = None
    is_reproducible: bool = False

    @classmethod
    def of(
        cls,
        tracks: Iterable[SpeechScores],
        options: VadOptions,
        edits: Mapping[str, Edits] = MappingProxyType({}),
        *,
        path: str | None = None,
    ) -> Outcome:
        """Apply options to the scores of each track.

        Args:
            tracks: one, or one for each channel.
            options: not for those that are edited.
            edits: regions made by hand in place of the detected ones, by channel.
            path: where the recording is, absolute, for the formats that name it.
        """
        return cls(
            tuple(
                Result.by_hand(scores, edits[scores.audio.channel])
                if scores.audio.channel in edits
                else Result.of(scores, options)
                for scores in tracks
            ),
            path,
        )

    def reproducible(self) -> Outcome:
        """The same without what differs from run to run."""
        return replace(self, is_reproducible=True)

    def renamed(self, file: str) -> Outcome:
        """The same under another name of the recording."""
        return replace(
            self,
            results=tuple(
                replace(
                    result,
                    scores=replace(result.scores, audio=replace(result.scores.audio, file=file)),
                )
                for result in self.results
            ),
        )

    @property
    def audio(self) -> AudioReport:
        """How the first track was read; of the recording itself, all tracks say the same."""
        return self.results[0].scores.audio

    @property
    def word(self) -> str:
        """What it is called where names have no white space (`webui.formats.names`)."""
        return self.recording_id or as_word(stem(self.audio.file))

    @property
    def receipt(self) -> EngineReceipt:
        """What scored it."""
        return self.results[0].scores.receipt

    @property
    def options(self) -> VadOptions | None:
        """Those of all tracks; None where they differ, as they may where one was edited."""
        first = self.results[0].options
        return first if all(result.options == first for result in self.results) else None

    @property
    def is_apart(self) -> bool:
        """Whether the channels were scored each for itself."""
        return len(self.results) > 1

    @property
    def is_edited(self) -> bool:
        """Whether a person edited the segments of any track."""
        return any(result.is_edited for result in self.results)

    @property
    def channel(self) -> ChannelChoice:
        """What was taken of the channels."""
        return "each" if self.is_apart else self.audio.channel

    @cached_property
    def segments(self) -> tuple[tuple[Channel, Segment], ...]:
        """The segments of all tracks in order of time, each with its channel."""
        found = [(r.scores.audio.channel, s) for r in self.results for s in r.segments]
        return tuple(sorted(found, key=lambda pair: (pair[1].start_ms, pair[1].end_ms)))

    @cached_property
    def overlap(self) -> tuple[tuple[int, int], ...]:
        """Where both channels speak: start and end in ms; nothing where there is one track."""
        if not self.is_apart:
            return ()
        first, second = self.results
        return overlap(first.segments, second.segments)

    def about(self, language: str = "en") -> str:
        """How it was read, in one line."""
        return self.audio.describe(language, is_apart=self.is_apart)

    def notices(self, language: str = "en") -> list[str]:
        """What is to know of how it was read; what holds for one channel alone names it."""
        tracks = [result.scores.audio for result in self.results]
        told = {notice: None for audio in tracks for notice in audio.notices}
        lines = []
        for notice in told:
            holds = [audio.channel for audio in tracks if notice in audio.notices]
            text = notice.message(language)
            alone = len(holds) < len(tracks)
            lines.append(f"{channel_text(holds[0], language)}: {text}" if alone else text)
        return lines

    @property
    def timings_s(self) -> Mapping[str, float]:
        """Seconds of "decode" and "score", which overlap, "endpoint", and the "total"."""
        # Of all tracks together already; the endpointer alone takes one after another.
        scored = self.results[0].scores.timings_s
        endpoint_s = sum(result.endpoint_s for result in self.results)
        return {
            "decode": scored["decode"],
            "score": scored["score"],
            "endpoint": endpoint_s,
            "total": scored["total"] + endpoint_s,
        }

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work for each second of audio; None for an empty recording."""
        if not self.audio.duration_ms:
            return None
        return self.timings_s["total"] * 1000 / self.audio.duration_ms
