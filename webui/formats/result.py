"""One recording, decided with one set of options: what every format writes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from webui.vad.edited import Edits
from webui.vad.options import VadOptions
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment


@dataclass(frozen=True, eq=False)
class Result:
    """Scores, the options that were applied to them, and the segments that came out.

    Attributes:
        scores: of the recording.
        options: in force.
        segments: in order of time.
        endpoint_s: seconds that the endpointer took; 0 where it was not measured.
        is_edited: the segments are those that a person made of the detected ones.
    """

    scores: SpeechScores
    options: VadOptions
    segments: tuple[Segment, ...]
    endpoint_s: float = 0.0
    is_edited: bool = False

    @classmethod
    def of(cls, scores: SpeechScores, options: VadOptions) -> Result:
        """Apply options to scores and measure how long that takes."""
        begin = time.perf_counter()
        segments = scores.segments(options)
        return cls(scores, options, segments, time.perf_counter() - begin)

    @classmethod
    def by_hand(cls, scores: SpeechScores, edits: Edits) -> Result:
        """Take the regions that a person made; the options are those that they began from."""
        return cls(scores, edits.options, edits.segments(scores), is_edited=True)

    @property
    def timings_s(self) -> Mapping[str, float]:
        """Seconds of "decode" and "score", which overlap, "endpoint", and the "total"."""
        scored = self.scores.timings_s
        return {
            "decode": scored["decode"],
            "score": scored["score"],
            "endpoint": self.endpoint_s,
            "total": scored["total"] + self.endpoint_s,
        }

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work for each second of audio; None for an empty recording."""
        if not self.scores.duration_ms:
            return None
        return self.timings_s["total"] * 1000 / self.scores.duration_ms
