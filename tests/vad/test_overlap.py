"""Overlap of two channels, against a count of every single millisecond."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from webui.vad.overlap import overlap, overlap_ms
from webui.vad.segment import EndReason, Segment


@st.composite
def channels(draw: st.DrawFn) -> list[Segment]:
    """Segments in order; some touch, as those do that were cut at the longest length."""
    segments, at = [], 0
    for pause, length in draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)))):
        start = at + pause
        at = start + length
        segments.append(Segment(start, at, 0.9, EndReason.SILENCE))
    return segments


def spoken(segments: list[Segment]) -> set[int]:
    return {ms for segment in segments for ms in range(segment.start_ms, segment.end_ms)}


@given(channels(), channels())
def test_is_every_millisecond_in_which_both_speak(left, right) -> None:
    found = overlap(left, right)
    assert {ms for start, end in found for ms in range(start, end)} == spoken(left) & spoken(right)
    assert all(start < end for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert found == overlap(right, left)


@given(channels())
def test_with_itself_is_all_speech_and_with_silence_none(segments) -> None:
    assert sum(end - start for start, end in overlap(segments, segments)) == len(spoken(segments))
    assert overlap(segments, []) == ()


@given(channels(), channels())
def test_share_of_each_segment(left, right) -> None:
    found = overlap(left, right)
    for segment in left:
        assert overlap_ms(segment, found) == len(spoken([segment]) & spoken(right))


def test_a_word_thrown_in() -> None:
    talk = [
        Segment(0, 5000, 0.9, EndReason.MAX_LENGTH),
        Segment(5000, 8000, 0.9, EndReason.SILENCE),
    ]
    answer = [
        Segment(4800, 5300, 0.8, EndReason.SILENCE),
        Segment(8000, 9000, 0.8, EndReason.SILENCE),
    ]
    assert overlap(talk, answer) == ((4800, 5300),)
