"""Two results side by side. Times in the drawings: one character is 100 ms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.vad.compare import Difference, compare, joined
from webui.vad.segment import EndReason, Segment


def segments(drawing: str) -> list[Segment]:
    """Read "..==|==.": = is speech, | cuts a segment in two and takes no time."""
    found, start, at = [], None, 0
    for mark in [*drawing, "."]:
        if mark != "=" and start is not None:
            found.append(Segment(100 * start, 100 * at, 0.9, EndReason.SILENCE))
            start = None
        if mark == "|":
            continue
        if mark == "=" and start is None:
            start = at
        at += 1
    return found


@st.composite
def results(draw: st.DrawFn) -> list[Segment]:
    """Segments in order of time, some of which touch."""
    found, at = [], 0
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 8)), max_size=12)):
        at += 10 * gap
        found.append(Segment(at, at + 10 * length, 0.9, EndReason.SILENCE))
        at += 10 * length
    return found


def timeline(found: list[Segment]) -> np.ndarray:
    frames = np.zeros(200, dtype=bool)
    for segment in found:
        frames[segment.start_ms // 10 : segment.end_ms // 10] = True
    return frames


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("..===..", "..===..", []),
        ("..===..", ".......", [(200, 500, "a", "segment")]),
        ("..===..", "...==..", [(200, 300, "a", "start")]),
        ("..===..", "..====.", [(500, 600, "b", "end")]),
        ("..=====", "..==.==", [(400, 500, "a", "pause")]),
        ("..====.", "...==..", [(200, 300, "a", "start"), (500, 600, "a", "end")]),
        ("===....", "..====.", [(0, 200, "a", "start"), (300, 600, "b", "end")]),
        ("==...==", "==.=.==", [(300, 400, "b", "segment")]),
        # The same speech, cut in two by one of them.
        ("==|===", "=====", [(200, 200, "a", "cut")]),
        ("==|===", "==|===", []),
        ("==|===", "==....", [(200, 500, "a", "end")]),
    ],
)
def test_what_a_difference_is(a, b, expected):
    found = compare(segments(a), segments(b))
    assert found.differences == tuple(Difference(*each) for each in expected)


@given(results(), results())
def test_together_they_are_the_symmetric_difference(a, b):
    comparison = compare(a, b)
    frames = {"a": np.zeros(200, dtype=bool), "b": np.zeros(200, dtype=bool)}
    for each in comparison.differences:
        part = frames[each.side][each.start_ms // 10 : each.end_ms // 10]
        assert not part.any(), "no stretch is told twice"
        part[:] = True
    in_a, in_b = timeline(a), timeline(b)
    assert (frames["a"] == (in_a & ~in_b)).all()
    assert (frames["b"] == (in_b & ~in_a)).all()
    assert comparison.only_a_ms == 10 * int((in_a & ~in_b).sum())
    assert comparison.only_b_ms == 10 * int((in_b & ~in_a).sum())


@given(results(), results())
def test_the_other_way_round_only_the_sides_change(a, b):
    there, back = compare(a, b), compare(b, a)
    assert sorted(each.swapped() for each in back.differences) == list(there.differences)
    assert (back.only_a_ms, back.only_b_ms) == (there.only_b_ms, there.only_a_ms)


@given(results())
def test_a_result_does_not_differ_from_itself(a):
    assert compare(a, a).differences == ()


@given(results(), results())
def test_each_difference_keeps_its_word(a, b):
    speech = {"a": dict(joined(a)), "b": dict(joined(b))}
    comparison = compare(a, b)
    assert list(comparison.differences) == sorted(comparison.differences)
    for each in comparison.differences:
        own, other = speech[each.side], speech["b" if each.side == "a" else "a"]
        starts, ends = set(own), set(own.values())
        other_starts, other_ends = set(other), set(other.values())
        if each.kind == "segment":
            assert own.get(each.start_ms) == each.end_ms
        elif each.kind == "start":
            assert each.start_ms in starts and each.end_ms in other_starts
        elif each.kind == "end":
            assert each.start_ms in other_ends and each.end_ms in ends
        elif each.kind == "pause":
            assert each.start_ms in other_ends and each.end_ms in other_starts
        else:
            assert each.duration_ms == 0
            assert any(start < each.start_ms < end for start, end in other.items())
