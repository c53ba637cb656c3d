"""Which stretches of a recording are cut, in time and in samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from webui.audio.report import Channel

CutRate = Literal["source", "16k"]
"""The rate, channels and width of the recording itself, or what the model gets."""

CutFormat = Literal["wav", "flac"]

CUT_RATES: tuple[CutRate, ...] = ("source", "16k")
CUT_FORMATS: tuple[CutFormat, ...] = ("wav", "flac")


@dataclass(frozen=True)
class Span:
    """A stretch of a recording.

    Attributes:
        start_ms: inclusive.
        end_ms: exclusive.
        channel: that it was found in; of the mean, all of the recording's are cut.
        beyond_ms: how far it was to reach beyond the recording's end, where nothing is.
    """

    start_ms: int
    end_ms: int
    channel: Channel = "mix"
    beyond_ms: int = 0

    @classmethod
    def within(cls, duration_ms: int, start_ms: int, end_ms: int, channel: Channel) -> Span:
        """Make a span of a segment, which may reach beyond the end of its recording.

        Args:
            duration_ms: of the recording.
            start_ms: of the segment.
            end_ms: of the segment.
            channel: that it was found in.
        """
        last_ms = max(start_ms, min(end_ms, duration_ms))
        return cls(start_ms, last_ms, channel, end_ms - last_ms)

    @property
    def stop_ms(self) -> int:
        """Up to where it is cut: so that no sample is lost to the rounding of the duration."""
        return self.end_ms + self.beyond_ms


def sample_at(time_ms: int, rate_hz: int) -> int:
    """The sample that is nearest to a time; ends and starts at the same time share it."""
    return (time_ms * rate_hz + 500) // 1000


def kept_spans(spans: Iterable[Span], max_pause_ms: int) -> list[tuple[int, int]]:
    """What is kept of a recording whose pauses are shortened: start and end in ms, in order.

    Of a pause its beginning and its end stay, equally long; of the one before the first speech
    its end, and of the one after the last its beginning.
    """
    kept: list[tuple[int, int]] = []
    for start_ms, end_ms in sorted((span.start_ms, span.stop_ms) for span in spans):
        if end_ms <= start_ms:
            continue
        last_ms = kept[-1][1] if kept else 0
        if kept and start_ms - last_ms <= max_pause_ms:
            kept[-1] = (kept[-1][0], max(last_ms, end_ms))
            continue
        before_ms = max_pause_ms // 2 if kept else max_pause_ms
        if kept:
            kept[-1] = (kept[-1][0], last_ms + max_pause_ms - before_ms)
        kept.append((max(0, start_ms - before_ms), end_ms))
    last_ms = kept[-1][1] if kept else 0
    if max_pause_ms:
        kept[-1:] = [(kept[-1][0] if kept else 0, last_ms + max_pause_ms)]
    return kept
