"""A stretch of speech."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class EndReason(str, Enum):
    """Why a segment ended where it did."""

    SILENCE = "silence"
    """max_end_silence_time of silence followed."""
    MAX_LENGTH = "max_length"
    """It reached max_single_segment_time and was cut."""
    END_OF_AUDIO = "end_of_audio"
    """The audio ended first."""
    BY_HAND = "by_hand"
    """A person put the end there."""


@dataclass(frozen=True, order=True)
class Segment:
    """A stretch of speech, ``start_ms`` (inclusive) to ``end_ms`` (exclusive).

    >>> segment = Segment(2620, 6200, 0.84, EndReason.SILENCE)
    >>> segment.duration_ms, segment.end_reason.value
    (3580, 'silence')

    Attributes:
        start_ms: start, in ms from the beginning of the audio.
        end_ms: end, in ms from the beginning of the audio.
        confidence: mean speech probability of its frames, 0 to 1.
        end_reason: why it ended there.
        edited: a person made it or moved one of its boundaries.
    """

    start_ms: int
    end_ms: int
    confidence: float
    end_reason: EndReason
    edited: bool = False

    @property
    def duration_ms(self) -> int:
        """Length in ms."""
        return self.end_ms - self.start_ms

    def as_dict(self) -> dict[str, int | float | str]:
        """Plain values, named as in every JSON of this project."""
        return {
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "confidence": self.confidence,
            "end_reason": self.end_reason.value,
        }


class Decision(NamedTuple):
    """A segment begins or ends.

    Attributes:
        start_ms: where it begins.
        segment: itself, at its end; None at its beginning.
        frame: whose score decided it. At the end of a stream that is the frame after its last.
    """

    start_ms: int
    segment: Segment | None
    frame: int
