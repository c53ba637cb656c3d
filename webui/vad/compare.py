"""Two results of one recording side by side: where they differ, and how.

A difference is a stretch that is speech in one result and not in the other; put
together, these stretches are the symmetric difference of the two. Where a segment
ends and the next one starts at once, the speech of both may be the same and the
cut alone a difference; such a one has no length.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from webui.vad.segment import Segment

Side = Literal["a", "b"]
Kind = Literal["segment", "start", "end", "pause", "cut"]

_OTHER: dict[Side, Side] = {"a": "b", "b": "a"}


@dataclass(frozen=True, order=True)
class Difference:
    """A stretch that is speech in one result alone, or a cut that one alone has.

    Attributes:
        start_ms: start, in ms from the beginning of the audio.
        end_ms: end; of a cut, the same as its start.
        side: the result that has this speech, or the cut.
        kind: "segment" where it is all of a segment, and the other result has no
            speech within it; "start" where speech starts earlier in ``side`` than in
            the other; "end" where it ends later; "pause" where the other result has
            a pause between two segments; "cut" where ``side`` ends one segment and
            starts the next one at once, within a segment of the other.
    """

    start_ms: int
    end_ms: int
    side: Side
    kind: Kind

    @property
    def duration_ms(self) -> int:
        """Length in ms."""
        return self.end_ms - self.start_ms

    def swapped(self) -> Difference:
        """The same difference with A and B exchanged."""
        return replace(self, side=_OTHER[self.side])


@dataclass(frozen=True)
class Comparison:
    """Where two results differ.

    Attributes:
        differences: in order of time.
        only_a_ms: speech in A alone.
        only_b_ms: speech in B alone.
    """

    differences: tuple[Difference, ...]
    only_a_ms: int
    only_b_ms: int


def compare(a: Sequence[Segment], b: Sequence[Segment]) -> Comparison:
    """Find where two results of one recording differ.

    Args:
        a: segments in order of time, none of which overlap.
        b: the same of the other result.
    """
    speech: dict[Side, list[tuple[int, int]]] = {"a": joined(a), "b": joined(b)}
    found = [
        *_alone("a", speech["a"], speech["b"]),
        *_alone("b", speech["b"], speech["a"]),
        *_cuts("a", a, b, speech["b"]),
        *_cuts("b", b, a, speech["a"]),
    ]
    lengths = {side: sum(d.duration_ms for d in found if d.side == side) for side in _OTHER}
    return Comparison(tuple(sorted(found)), lengths["a"], lengths["b"])


def joined(segments: Iterable[Segment]) -> list[tuple[int, int]]:
    """Return the stretches of speech in ms; segments that touch are one stretch."""
    stretches: list[tuple[int, int]] = []
    for segment in segments:
        if segment.start_ms == segment.end_ms:
            continue
        if stretches and segment.start_ms <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], segment.end_ms))
        else:
            stretches.append((segment.start_ms, segment.end_ms))
    return stretches


def _alone(
    side: Side, own: list[tuple[int, int]], others: list[tuple[int, int]]
) -> Iterable[Difference]:
    """Cut the other result's speech out of this one's."""
    index = 0
    for start, end in own:
        while index < len(others) and others[index][1] <= start:
            index += 1
        at, following = start, index
        while following < len(others) and others[following][0] < end:
            other_start, other_end = others[following]
            if at < other_start:
                kind: Kind = "start" if at == start else "pause"
                yield Difference(at, other_start, side, kind)
            at = other_end
            following += 1
        if at < end:
            yield Difference(at, end, side, "segment" if at == start else "end")


def _cuts(
    side: Side, own: Sequence[Segment], others: Sequence[Segment], speech: list[tuple[int, int]]
) -> Iterable[Difference]:
    """Find where this result ends a segment and starts the next, and the other goes on."""
    edges = {edge for segment in others for edge in (segment.start_ms, segment.end_ms)}
    starts = [start for start, _ in speech]
    for before, after in pairwise(own):
        cut = after.start_ms
        if before.end_ms != cut or cut in edges:
            continue
        place = bisect_left(starts, cut) - 1
        if place >= 0 and cut < speech[place][1]:
            yield Difference(cut, cut, side, "cut")
