"""What is done to segments after detection, and what may never come of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vad.strategies import dynamic_options, probabilities, refining_options, vad_options
from tests.vad.test_endpoint import detect, frames
from tests.vad.test_summary import scores_of
from webui.vad.options import VadOptions
from webui.vad.postprocess import refine
from webui.vad.segment import EndReason, Segment


def segments_at(*spans: tuple[int, int], reason: EndReason = EndReason.SILENCE) -> list[Segment]:
    return [Segment(start, end, 0.9, reason) for start, end in spans]


def spans(segments) -> list[tuple[int, int]]:
    return [(s.start_ms, s.end_ms) for s in segments]


def duration_ms(scores) -> int:
    return 10 * len(scores) + 15


@given(scores=probabilities(), options=refining_options(vad_options() | dynamic_options()))
@settings(max_examples=300, deadline=None)
def test_ordered_apart_and_within_the_recording(scores, options):
    refined = refine(detect(scores, options), options, duration_ms(scores))
    last_ms = 0
    for segment in refined:
        assert last_ms <= segment.start_ms < segment.end_ms
        assert 0 <= segment.confidence <= 1
        last_ms = segment.end_ms
    reach_ms = 0 if options.clamp_to_audio else options.pad_end_ms
    assert last_ms <= duration_ms(scores) + reach_ms


@given(scores=probabilities(), options=vad_options())
@settings(deadline=None)
def test_nothing_asked_for_nothing_done(scores, options):
    detected = detect(scores, options)
    assert refine(detected, options, duration_ms(scores)) == tuple(detected)
    clamped = replace(options, clamp_to_audio=True)
    assert refine(detected, clamped, duration_ms(scores)) == tuple(detected)


@given(scores=probabilities(), options=refining_options(vad_options()))
@settings(deadline=None)
def test_what_was_detected_and_kept_is_covered(scores, options):
    kept = replace(options, min_speech_ms=0)
    detected = detect(scores, kept)
    refined = refine(detected, kept, duration_ms(scores))
    for segment in detected:
        assert any(
            each.start_ms <= segment.start_ms and segment.end_ms <= each.end_ms for each in refined
        )


@given(
    scores=probabilities(max_frames=2000),
    options=refining_options(vad_options()),
    longest_ms=st.integers(1000, 5000),
)
@settings(max_examples=200, deadline=None)
def test_no_split_piece_is_longer_than_the_longest_segment(scores, options, longest_ms):
    options = replace(
        options, split_capped=True, max_single_segment_time=longest_ms, pad_start_ms=0, pad_end_ms=0
    )
    refined = refine(detect(scores, options), options, duration_ms(scores))
    assert all(segment.duration_ms <= longest_ms for segment in refined)


@given(scores=probabilities(), options=vad_options() | dynamic_options())
@settings(deadline=None)
def test_splitting_leaves_alone_what_is_not_too_long(scores, options):
    detected = detect(scores, options)
    if all(s.duration_ms <= options.max_single_segment_time // 10 * 10 for s in detected):
        assert detect(scores, replace(options, split_capped=True)) == detected


def test_long_speech_is_cut_in_the_middle_of_its_deepest_pause():
    # 10 s of speech with pauses of 0.3 s that are too short to end it; the second is deeper.
    scores = frames("-50 s350 -30 s120 -30 s470 -100")
    scores[400:430], scores[550:580] = 0.2, 0.05
    options = VadOptions(max_single_segment_time=6000)
    assert detect(scores, options)[0].end_ms > 6000
    first, second = detect(scores, replace(options, split_capped=True))
    assert first.end_reason is EndReason.MAX_LENGTH
    assert first.end_ms == 5650
    # The next begins where speech does, less what starts are moved back by, after the cut.
    assert second.start_ms == first.end_ms
    assert second.end_reason is EndReason.SILENCE


def test_without_any_pause_pieces_go_on_where_the_last_ended():
    pieces = detect(frames("s2000"), VadOptions(max_single_segment_time=5000, split_capped=True))
    assert [a.end_ms for a in pieces[:-1]] == [b.start_ms for b in pieces[1:]]
    assert pieces[-1].end_ms == 20_000
    assert all(2500 <= s.duration_ms <= 5000 for s in pieces[:-1])


def test_join():
    def joined(segments, min_pause_ms, longest_ms=60_000):
        options = VadOptions(min_pause_ms=min_pause_ms, max_single_segment_time=longest_ms)
        return spans(refine(segments, options, 10_000))

    near = segments_at((0, 1000), (1200, 2200), (2500, 3000))
    assert joined(near, 300) == [(0, 2200), (2500, 3000)]
    assert joined(near, 301) == [(0, 3000)]
    assert joined(near, 301, 2500) == [(0, 2200), (2500, 3000)]
    capped = segments_at((0, 1000), reason=EndReason.MAX_LENGTH) + segments_at((1000, 1500))
    assert joined(capped, 5000) == spans(capped)


def test_joined_confidence_is_that_of_the_parts():
    one = Segment(0, 3000, 0.9, EndReason.SILENCE)
    other = Segment(3100, 4100, 0.5, EndReason.END_OF_AUDIO)
    (joined,) = refine([one, other], VadOptions(min_pause_ms=200), 10_000)
    assert joined == Segment(0, 4100, 0.8, EndReason.END_OF_AUDIO)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        (100, 50, [(400, 1050), (1900, 3050)]),
        (500, 500, [(0, 1500), (1500, 3500)]),
        (600, 600, [(0, 1500), (1500, 3600)]),
        (3000, 1000, [(0, 1250), (1250, 4000)]),
        (0, 2000, [(500, 2000), (2000, 5000)]),
        (2000, 0, [(0, 1000), (1000, 3000)]),
    ],
)
def test_padding_meets_within_a_pause(start_ms, end_ms, expected):
    options = VadOptions(pad_start_ms=start_ms, pad_end_ms=end_ms)
    assert spans(refine(segments_at((500, 1000), (2000, 3000)), options, 10_000)) == expected


def test_clamp():
    def clamped(duration_ms):
        pieces = segments_at((500, 1000), (2000, 3000))
        return spans(refine(pieces, VadOptions(clamp_to_audio=True), duration_ms))

    assert clamped(2400) == [(500, 1000), (2000, 2400)]
    assert clamped(2000) == [(500, 1000)]


def test_pauses_are_closed_before_short_speech_is_dropped():
    pieces = segments_at((0, 300), (400, 700), (5000, 5300))
    options = VadOptions(min_pause_ms=200, min_speech_ms=500, pad_start_ms=100)
    assert spans(refine(pieces, options, 10_000)) == [(0, 700)]


def test_options_reach_what_scores_give():
    scores = scores_of(frames("-100 s100 -100"))
    padded = scores.segments(VadOptions(pad_end_ms=5000, pad_start_ms=100, clamp_to_audio=True))
    (plain,) = scores.segments()
    assert spans(padded) == [(plain.start_ms - 100, scores.duration_ms)]
    assert np.isclose(padded[0].confidence, plain.confidence)
    assert scores.segments(VadOptions(min_speech_ms=5000)) == ()
