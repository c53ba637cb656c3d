"""The endpointer against FunASR's, at any options, any scores and any chunking."""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.vad.strategies import dynamic_options, probabilities, refining_options, vad_options
from tests.vad.test_summary import scores_of
from webui.vad.endpoint import Endpointer
from webui.vad.level import speech_level
from webui.vad.options import VadOptions
from webui.vad.segment import EndReason, Segment
from webui.vad.timebase import frames_in, samples_of_frames

OWN_MODULES = ("endpoint.py", "patience.py", "pauses.py")


def detect(scores, options: VadOptions | None = None, samples: int | None = None) -> list[Segment]:
    endpointer = Endpointer(options)
    return [*endpointer.feed(np.asarray(scores, dtype=np.float32)), *endpointer.flush(samples)]


def frames(text: str) -> np.ndarray:
    """Draw scores as runs: "s20 -30" is 20 frames of speech, then 30 of silence."""
    return np.concatenate(
        [np.full(int(run[1:]), 0.99 if run[0] == "s" else 0.01) for run in text.split()]
    ).astype(np.float32)


@pytest.fixture(scope="module")
def funasr_endpointer():
    pytest.importorskip("funasr")
    from tests.vad.funasr_oracle import FunasrEndpointer

    return FunasrEndpointer()


@pytest.mark.funasr
@given(scores=probabilities(), options=vad_options())
@settings(max_examples=300, deadline=None)
@example(scores=np.full(300, 0.75, dtype=np.float32), options=VadOptions(speech_noise_thres=0.5))
@example(scores=np.full(40, 0.99, dtype=np.float32), options=VadOptions())
@example(scores=np.full(1, 0.99, dtype=np.float32), options=VadOptions())
def test_equals_funasr(funasr_endpointer, scores, options):
    ours = [[s.start_ms, s.end_ms] for s in detect(scores, options)]
    assert ours == funasr_endpointer.segments(scores, options)


@pytest.mark.funasr
@pytest.mark.parametrize("scores", [frames("-60 s70 -40 s60 -70 s400"), frames("s30 -25 s900")])
def test_equals_funasr_wherever_the_cut_falls(funasr_endpointer, scores):
    # Every frame in turn: the cut meets each transition, and the end by silence, exactly once.
    for max_single_segment_time in range(1000, 4000, 10):
        options = VadOptions(
            max_single_segment_time=max_single_segment_time, max_end_silence_time=700
        )
        ours = [[s.start_ms, s.end_ms] for s in detect(scores, options)]
        assert ours == funasr_endpointer.segments(scores, options), options


@pytest.mark.funasr
@given(scores=probabilities(), options=dynamic_options(), beyond=st.integers(0, 159))
@settings(max_examples=300, deadline=None)
@example(
    scores=frames("-30 s200 -100 s60 -90"), options=VadOptions(dynamic_silence=True), beyond=159
)
def test_equals_funasr_with_dynamic_silence(funasr_endpointer, scores, options, beyond):
    found = detect(scores, options, samples_of_frames(len(scores)) + beyond)
    ours = [[s.start_ms, s.end_ms] for s in found]
    assert ours == funasr_endpointer.segments(scores, options, beyond)


@pytest.mark.funasr
def test_equals_funasr_wherever_a_step_begins(funasr_endpointer):
    # Each transition, and the end of the stream, comes just before, at and after a step.
    scores = frames("-60 s70 -40 s60 -70 s90 -9 s50 -30")
    lengths = (len(scores), 96, 97, 98, 99, 196, 198)
    for length, beyond in itertools.product(lengths, (0, 159)):
        for step_ms in range(100, 3000, 100):
            options = VadOptions(
                dynamic_silence=True,
                silence_schedule="100:900,500:600,1500:300,inf:150",
                silence_schedule_step_ms=step_ms,
            )
            found = detect(scores[:length], options, samples_of_frames(length) + beyond)
            ours = [[s.start_ms, s.end_ms] for s in found]
            told = funasr_endpointer.segments(scores[:length], options, beyond)
            assert ours == told, (length, beyond, options)


@pytest.mark.funasr
@pytest.mark.parametrize("samples", [15_919, 15_920, 15_999, 16_000, 16_079, 16_080, 16_240])
def test_equals_funasr_where_the_stream_ends_with_a_step(funasr_endpointer, samples):
    # With the step at 16000 samples the patience runs out, if the recording reaches it.
    length = frames_in(samples)
    beyond = samples - samples_of_frames(length)
    options = VadOptions(
        dynamic_silence=True,
        silence_schedule="500:900,inf:150",
        silence_schedule_step_ms=1000,
    )
    for speech in range(20, 76):
        values = frames(f"s{speech} -{length - speech}")
        scores = scores_of(values)
        scores = replace(scores, audio=replace(scores.audio, samples=samples))
        ours = [[s.start_ms, s.end_ms] for s in scores.segments(options)]
        assert ours == funasr_endpointer.segments(values, options, beyond), speech
        endpointer = Endpointer(options)
        found = [s for value in values for s in endpointer.feed(np.array([value]))]
        found += endpointer.flush(samples)
        assert [[s.start_ms, s.end_ms] for s in found] == ours, speech


@given(
    scores=probabilities(),
    options=refining_options(vad_options() | dynamic_options()),
    beyond=st.integers(0, 159),
    sizes=st.lists(st.integers(0, 200), min_size=1, max_size=8),
)
@settings(max_examples=300, deadline=None)
@example(scores=frames("-30 s200 -100 s60 -90"), options=VadOptions(), beyond=0, sizes=[1])
def test_any_chunking_gives_the_same(scores, options, beyond, sizes):
    samples = samples_of_frames(len(scores)) + beyond
    endpointer = Endpointer(options)
    found, first, turn = [], 0, 0
    while first < len(scores):
        size = sizes[turn % len(sizes)] if any(sizes) else 1
        found += endpointer.feed(scores[first : first + size])
        first, turn = first + size, turn + 1
    assert [*found, *endpointer.flush(samples)] == detect(scores, options, samples)


@given(scores=probabilities(), options=vad_options())
@settings(deadline=None)
def test_segments_are_ordered_within_the_audio_and_no_longer_than_allowed(scores, options):
    segments = detect(scores, options)
    ends = [0] + [s.end_ms for s in segments]
    for before, segment in zip(ends, segments, strict=False):
        assert before <= segment.start_ms < segment.end_ms <= 10 * len(scores)
    # A start is moved back before the length is watched, so the least possible is that.
    moved_back = options.window_size_ms + options.lookback_time_start_point + 20
    longest = max(options.max_single_segment_time + 10, moved_back)
    assert all(s.duration_ms <= longest for s in segments)


@given(scores=probabilities(), options=vad_options())
@settings(deadline=None)
def test_confidence_is_the_mean_of_its_frames(scores, options):
    for segment in detect(scores, options):
        mean = scores[segment.start_ms // 10 : segment.end_ms // 10].mean(dtype=np.float64)
        assert segment.confidence == pytest.approx(mean, abs=1e-4)


#   -100 frames of silence, then speech; window full at 15; start moved back by 20 + 20 frames.
#   The end: silence from the 5th silent frame on (15 left), 65 more decide, 11 of them stay.
def test_one_segment_as_drawn():
    segments = detect(frames("-100 s100 -100"))
    assert segments == [Segment(740, 2160, 0.7001, EndReason.SILENCE)]


def test_end_reasons():
    reasons = [
        s.end_reason
        for s in detect(frames("s800 -100 s50"), VadOptions(max_single_segment_time=5000))
    ]
    assert reasons == [EndReason.MAX_LENGTH, EndReason.SILENCE, EndReason.END_OF_AUDIO]


def test_a_cut_segment_is_followed_at_once():
    first, second, *_ = detect(frames("s1200"), VadOptions(max_single_segment_time=5000))
    assert first.end_ms == second.start_ms


def test_short_speech_does_not_start_a_segment():
    assert detect(frames("-100 s14 -100")) == []
    assert len(detect(frames("-100 s15 -100"))) == 1


def test_no_frames_no_segments():
    assert detect([]) == []


def test_open_segment_is_known_while_it_lasts():
    endpointer = Endpointer()
    endpointer.feed(frames("-100 s30"))
    assert endpointer.open_since_ms == 740
    endpointer.feed(frames("-100"))
    assert endpointer.open_since_ms is None


def test_state_does_not_grow():
    endpointer = Endpointer()
    sizes = set()
    for _ in range(50):
        endpointer.feed(frames("s300 -200"))
        held = [v for v in vars(endpointer).values() if isinstance(v, np.ndarray)]
        sizes.add(sum(v.nbytes for v in held))
    assert max(sizes) == min(sizes) < 64_000


@given(st.floats(-1, 1))
def test_speech_level_is_the_midpoint(speech_noise_thres):
    level = speech_level(speech_noise_thres)
    if speech_noise_thres == 1:
        assert level == math.inf
    else:
        assert level == pytest.approx((1 + speech_noise_thres) / 2, abs=2e-7)


@pytest.mark.parametrize(
    "minute",
    ["-200 s400", "-200 " + "s23 -17 " * 10],
    ids=["plain", "with pauses that are too short to end it"],
)
def test_python_visits_ends_not_frames(minute):
    hour = np.tile(frames(minute), 600)
    lines = 0

    def counting(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        return counting

    def called(frame, event, argument):
        return counting if frame.f_code.co_filename.endswith(OWN_MODULES) else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        segments = detect(hour)
    finally:
        sys.settrace(before)
    assert len(hour) == 360_000
    assert len(segments) == 600
    assert lines < 100 * len(segments)
