"""Regions that a person made in place of the detected ones.

Kept are times alone, and the detected regions that they began from. What a region is
called follows from the two: one with the times of a detected one is that one; an end
that was detected keeps its reason; everything else is by hand. So nobody's word has to
be taken for it, and it stays so when the recording is scored anew by another engine.
``webui/ui/static/view/edits.js`` makes the same of each operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webui.errors import EditsError
from webui.vad.options import VadOptions
from webui.vad.scores import EngineReceipt, SpeechScores
from webui.vad.segment import EndReason, Segment
from webui.vad.timebase import FRAME_HOP_MS

SHORTEST_MS = FRAME_HOP_MS
MAX_REGIONS = 50_000  # more than twelve hours have at the shortest end silence
# Of a segment with its numbers and its place in a tuple, as CPython stores them.
_SEGMENT_BYTES = 256


@dataclass(frozen=True, eq=False)
class Edits:
    """Regions made by hand on one recording.

    Attributes:
        spans: start and end of each in ms, int64, shape (regions, 2); in order, never
            overlapping, within the recording.
        options: whose detected regions they began from.
        detected: those regions, as they were then.
        receipt: of the scores that they were detected in.
    """

    spans: npt.NDArray[np.int64]
    options: VadOptions
    detected: tuple[Segment, ...]
    receipt: EngineReceipt

    @classmethod
    def of(
        cls,
        spans: object,
        options: VadOptions,
        scores: SpeechScores,
        earlier: Edits | None = None,
    ) -> Edits:
        """Check regions that come from outside.

        Args:
            spans: list of [start_ms, end_ms], whole numbers.
            options: whose detected regions they began from.
            scores: of the recording.
            earlier: regions in whose place these come; if they began from the same options,
                these began from the same detected regions, whatever the scores are by now.

        Raises:
            EditsError: they are malformed, too many, out of order, overlap, are shorter
                than a frame, or leave the recording.
        """
        values = _as_array(spans)
        if earlier is not None and earlier.options == options:
            detected, receipt = earlier.detected, earlier.receipt
        else:
            detected, receipt = scores.segments(options), scores.receipt
        # What is detected may reach beyond the end by a frame.
        _check(values, max(scores.duration_ms, *(s.end_ms for s in detected[-1:]), 0))
        return cls(values, options, detected, receipt)

    @property
    def size_bytes(self) -> int:
        """Memory that the regions take, by hand and detected."""
        return self.spans.nbytes + _SEGMENT_BYTES * len(self.detected)

    def segments(self, scores: SpeechScores) -> tuple[Segment, ...]:
        """Return the regions with marks of what is by hand, whose confidence these scores give."""
        return mark(self.spans.tolist(), self.detected, scores.probabilities)


def mark(
    spans: Iterable[Sequence[int]],
    detected: Sequence[Segment],
    probabilities: npt.NDArray[np.float32],
) -> tuple[Segment, ...]:
    """Tell detected regions from those by hand.

    Args:
        spans: start and end of each region in ms.
        detected: what they began from.
        probabilities: P(speech) per 10 ms frame, shape (frames,).

    Returns:
        A detected region as it was; for every other one, the mean probability of the
        frames that it touches, 0 where there are none, and the reason of its end if that
        is where a detected one ended.
    """
    known = {(segment.start_ms, segment.end_ms): segment for segment in detected}
    reasons = {segment.end_ms: segment.end_reason for segment in detected}
    sums = np.concatenate(([0.0], np.cumsum(probabilities, dtype=np.float64)))

    def by_hand(start_ms: int, end_ms: int) -> Segment:
        first = min(start_ms // FRAME_HOP_MS, len(probabilities))
        end = min(-(-end_ms // FRAME_HOP_MS), len(probabilities))
        mean = float(sums[end] - sums[first]) / (end - first) if end > first else 0.0
        reason = reasons.get(end_ms, EndReason.BY_HAND)
        return Segment(start_ms, end_ms, round(min(max(mean, 0.0), 1.0), 4), reason, edited=True)

    return tuple(known.get((start, end)) or by_hand(start, end) for start, end in spans)


def _as_array(spans: object) -> npt.NDArray[np.int64]:
    # bool is an int to Python, but no time; a time beyond the largest array entry is none either.
    if not isinstance(spans, list) or not all(
        isinstance(span, list)
        and len(span) == 2
        and all(type(ms) is int and abs(ms) < 2**53 for ms in span)
        for span in spans
    ):
        raise EditsError(
            reason="each must be [start_ms, end_ms] in whole milliseconds",
            reason_zh="每个片段应为 [start_ms, end_ms]，单位为整数毫秒",
        )
    if len(spans) > MAX_REGIONS:
        raise EditsError(
            reason=f"there are {len(spans)}, at most {MAX_REGIONS} can be kept",
            reason_zh=f"共有 {len(spans)} 个，最多可保存 {MAX_REGIONS} 个",
        )
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def _check(spans: npt.NDArray[np.int64], duration_ms: int) -> None:
    starts, ends = spans[:, 0], spans[:, 1]
    before = np.concatenate(([0], ends[:-1])) if len(spans) else ends
    problems = (
        (ends - starts < SHORTEST_MS, "is shorter than 10 ms", "短于 10 毫秒"),
        ((starts < 0) | (ends > duration_ms), "leaves the recording", "超出录音范围"),
        (starts < before, "overlaps the one before it", "与前一个片段重叠"),
    )
    for wrong, reason, reason_zh in problems:
        if wrong.any():
            index = int(np.argmax(wrong))
            start, end = spans[index].tolist()
            raise EditsError(
                reason=f"region {index + 1} ({start} to {end} ms) {reason}",
                reason_zh=f"第 {index + 1} 个片段（{start} 至 {end} 毫秒）{reason_zh}",
            )
