"""Events as speech is spoken: those of the offline segments, whatever the cutting."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.vad.strategies import dynamic_options, probabilities, refining_options, vad_options
from tests.vad.test_endpoint import frames
from tests.vad.test_summary import scores_of
from webui.audio.report import duration_ms_of
from webui.vad.options import VadOptions
from webui.vad.stream import Decider, SpeechEvent
from webui.vad.timebase import samples_of_frames

any_options = refining_options(vad_options() | dynamic_options())
near_options = st.builds(
    lambda options, longest_ms, pause_ms, speech_ms: replace(
        options,
        max_end_silence_time=min(options.max_end_silence_time, 600),
        max_single_segment_time=longest_ms,
        min_pause_ms=pause_ms,
        min_speech_ms=speech_ms,
    ),
    any_options,
    st.integers(1000, 4000),
    st.integers(0, 2000),
    st.integers(0, 2000),
)
"""Those with which joining, dropping and splitting meet in a few seconds."""


def offline(scores, options: VadOptions, samples: int):
    whole = scores_of(scores)
    audio = replace(whole.audio, samples=samples, duration_ms=duration_ms_of(samples))
    return replace(whole, audio=audio).segments(options)


def live(decider: Decider, scores, sizes: list[int], samples: int) -> list[SpeechEvent]:
    events, first, turn = [], 0, 0
    while first < len(scores[:-2]):
        size = sizes[turn % len(sizes)]
        events += decider.feed(scores[:-2][first : first + size])
        first, turn = first + size, turn + 1
    # The last two frames are scored when there are none after them.
    return events + decider.flush(samples, scores[-2:])


def check_order(events: list[SpeechEvent]) -> None:
    """Each beginning once, before its end; ends and beginnings in turn; time goes on."""
    assert [e.kind for e in events] == ["speech_start", "speech_end"] * (len(events) // 2)
    for start, end in zip(events[::2], events[1::2], strict=True):
        assert start.segment is None and end.segment is not None
        assert start.start_ms == end.start_ms == end.segment.start_ms
    possible_ms = [e.possible_ms for e in events]
    assert possible_ms == sorted(possible_ms)


@given(
    scores=probabilities(max_frames=1500),
    options=any_options | near_options,
    beyond=st.integers(0, 159),
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=6),
)
@settings(max_examples=250, deadline=None)
@example(scores=frames("-30 s200 -100 s60 -90"), options=VadOptions(), beyond=0, sizes=[1])
def test_events_are_the_offline_segments(scores, options, beyond, sizes):
    samples = samples_of_frames(len(scores)) + beyond
    events = live(Decider(options), scores, sizes, samples)
    check_order(events)
    found = tuple(e.segment for e in events if e.segment is not None)
    assert found == offline(scores, options, samples)
    # What is told, and from when on it could be, does not depend on the cutting either.
    assert live(Decider(options), scores, [len(scores)], samples) == events


@given(scores=probabilities(max_frames=1000), options=any_options | near_options)
@settings(max_examples=150, deadline=None)
def test_an_event_comes_with_the_frame_that_makes_it_possible(scores, options):
    samples = samples_of_frames(len(scores))
    decider = Decider(options)
    begun = None
    for known in range(1, len(scores) - 1):
        for event in decider.feed(scores[known - 1 : known]):
            # The frame's own window and that of the two after it.
            assert event.possible_ms == (known + 1) * 10 + 25
        begun = decider.open_since_ms
    for event in decider.flush(samples, scores[-2:]):
        assert event.possible_ms == duration_ms_of(samples)
        assert event.kind == "speech_start" or begun in (None, event.start_ms)
        begun = None


@given(
    scores=probabilities(max_frames=1000),
    options=any_options | near_options,
    sizes=st.lists(st.integers(1, 100), min_size=1, max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_nothing_begins_in_audio_that_may_go(scores, options, sizes):
    decider = Decider(options)
    first = needed_ms = turn = 0
    while first < len(scores):
        size = sizes[turn % len(sizes)]
        events = decider.feed(scores[first : first + size])
        assert all(event.start_ms >= needed_ms for event in events)
        assert decider.needed_from_ms >= needed_ms
        first, turn, needed_ms = first + size, turn + 1, decider.needed_from_ms
    assert all(e.start_ms >= needed_ms for e in decider.flush(samples_of_frames(len(scores))))


@given(
    scores=probabilities(max_frames=1000),
    options=any_options | near_options,
    at=st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None)
def test_a_decider_goes_on_elsewhere(scores, options, at):
    samples = samples_of_frames(len(scores))
    decider = Decider(options)
    at = min(at, max(0, len(scores) - 2))
    events = decider.feed(scores[:at])
    sent, copied = pickle.loads(pickle.dumps(decider)), copy.deepcopy(decider)
    rest = live(decider, scores[at:], [50], samples)
    assert live(sent, scores[at:], [50], samples) == rest
    assert live(copied, scores[at:], [50], samples) == rest
    check_order(events + rest)


@given(
    scores=probabilities(max_frames=1000),
    options=refining_options(vad_options()),
    first=st.integers(0, 400),
)
@settings(max_examples=150, deadline=None)
def test_what_was_before_the_first_frame_does_not_exist(scores, options, first):
    samples = samples_of_frames(first + len(scores))
    late = live(Decider(options, first), scores, [70], samples)
    check_order(late)
    early = live(Decider(options), scores, [70], samples_of_frames(len(scores)))
    shift_ms = 10 * first
    assert [(e.kind, e.boundary_ms - shift_ms, e.possible_ms - shift_ms) for e in late] == [
        (e.kind, e.boundary_ms, e.possible_ms) for e in early
    ]
    assert all(e.start_ms >= shift_ms for e in late)


def test_the_delay_of_a_decision():
    start, end = live(Decider(), frames("-100 s200 -200"), [20], samples_of_frames(500))
    # Within the window, 150 ms are speech at 1150 ms, and no more than that again at 3050 ms;
    # 650 ms later it has ended, but for the 100 ms that are kept. Two frames are looked ahead.
    assert (start.start_ms, start.possible_after_ms) == (740, 445)
    assert (end.boundary_ms, end.possible_after_ms) == (3160, 575)
    assert start.as_dict() == {
        "event": "speech_start",
        "start_ms": 740,
        "possible_ms": 1185,
        "possible_after_ms": 445,
    }
    assert end.as_dict()["end_reason"] == "silence"


def test_an_end_waits_until_nothing_can_be_joined():
    scores = frames("-100 s100 -100 s100 -400")
    plain = live(Decider(), scores, [10], samples_of_frames(800))
    joined = live(Decider(VadOptions(min_pause_ms=1000)), scores, [10], samples_of_frames(800))
    assert (len(plain), len(joined)) == (4, 2)
    assert joined[0] == plain[0]
    assert joined[1].boundary_ms == plain[3].boundary_ms
    # A start is moved back by 400 ms, so that one within the pause shows so much later, and
    # the frame that rules it out is scored when the end of the second after it is there.
    assert joined[1].possible_after_ms == 1000 + 400 + 35


@pytest.mark.parametrize(
    "options",
    [
        VadOptions(),
        VadOptions(min_pause_ms=10_000, min_speech_ms=10_000, pad_end_ms=5000, pad_start_ms=5000),
        VadOptions(split_capped=True, max_single_segment_time=600_000),
        VadOptions(dynamic_silence=True, silence_schedule="inf:60000", split_capped=True),
    ],
)
def test_what_it_remembers_does_not_grow(options):
    # Ten minutes without a pause, then hours of short words.
    decider = Decider(options)
    decider.feed(np.full(60_000, 0.99, dtype=np.float32))
    decider.feed(np.full(60_000, 0.01, dtype=np.float32))
    words = np.tile(frames("s40 -60"), 6000)
    decider.feed(words)
    after_hours = len(pickle.dumps(decider))
    for _ in range(3):
        decider.feed(words)
    assert abs(len(pickle.dumps(decider)) - after_hours) < 64
    assert after_hours < 150_000
