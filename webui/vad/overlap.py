"""Where two channels of one recording speak at once, as people on a telephone do."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from webui.vad.compare import joined
from webui.vad.segment import Segment


def overlap(first: Iterable[Segment], second: Iterable[Segment]) -> tuple[tuple[int, int], ...]:
    """Find the stretches that are speech in both channels.

    Args:
        first: segments of one channel in order of time.
        second: those of the other.

    Returns:
        Start and end of each stretch in ms, in order; none is empty and no two touch.
    """
    ours, theirs = joined(first), joined(second)
    found = []
    mine = other = 0
    while mine < len(ours) and other < len(theirs):
        start = max(ours[mine][0], theirs[other][0])
        end = min(ours[mine][1], theirs[other][1])
        if start < end:
            found.append((start, end))
        if ours[mine][1] < theirs[other][1]:
            mine += 1
        else:
            other += 1
    return tuple(found)


def overlap_ms(segment: Segment, stretches: Sequence[tuple[int, int]]) -> int:
    """Say how much of a segment lies within stretches.

    Args:
        segment: any.
        stretches: start and end of each in ms, in order, apart from each other.
    """
    first = bisect_right(stretches, segment.start_ms, key=lambda stretch: stretch[1])
    behind = bisect_left(stretches, segment.end_ms, key=lambda stretch: stretch[0])
    return sum(
        min(end, segment.end_ms) - max(start, segment.start_ms)
        for start, end in stretches[first:behind]
    )
