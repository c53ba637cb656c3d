"""Silences found at once, against a machine that visits every frame."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from webui.vad.pauses import Pauses

# What each frame says, again and again: nothing, up (1), down (2), or both.
CODES = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3]), st.integers(1, 9)), max_size=30).map(
    lambda runs: [code for code, length in runs for _ in range(length)]
)


def visited(codes: list[int]) -> list[bool]:
    """State after each frame; speech before the first."""
    state = True
    after = []
    for code in codes:
        state = not code & 2 if state else bool(code & 1)
        after.append(state)
    return after


def spans(codes: list[int], first: int) -> list[tuple[int, int]]:
    """First frame of each silence, and the one after its last."""
    found: list[tuple[int, int]] = []
    before = True
    for frame, state in enumerate(visited(codes), first):
        if not state:
            begin = frame if before else found.pop()[0]
            found.append((begin, frame + 1))
        before = state
    return found


def pauses(codes: list[int], first: int) -> Pauses:
    code = np.asarray(codes, np.int8)
    return Pauses(code & 1 != 0, code & 2 != 0, first)


@given(CODES, st.integers(0, 100), st.integers(1, 12), st.integers(0, 200))
def test_first_long_is_what_visiting_finds(codes, first, silence, ahead):
    frame = first + ahead
    wanted = (a for a, b in spans(codes, first) if a >= frame and b - a > silence)
    assert pauses(codes, first).first_long(frame, silence) == next(wanted, None)


@given(CODES, st.integers(0, 100))
def test_before_is_the_silence_that_lasts(codes, first):
    found = pauses(codes, first)
    for frame in range(first, first + len(codes) + 1):
        wanted = (a for a, b in spans(codes, first) if a < frame <= b)
        assert found.before(frame) == next(wanted, None)
