"""Figures of a result, and why one is empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.audio.peaks import Peaks
from webui.audio.report import AudioReport, Notice
from webui.vad import EndReason, EngineReceipt, Segment, SpeechScores, VadOptions
from webui.vad.summary import explain_empty, summarise, summarise_tracks
from webui.vad.timebase import most_samples


def scores_of(probabilities, notices=(), channel="mix") -> SpeechScores:
    values = np.asarray(probabilities, dtype=np.float32)
    duration_ms = 10 * len(values)
    return SpeechScores(
        probabilities=values,
        peaks=Peaks(np.full((len(values), 2), 1000, dtype=np.int16)),
        audio=AudioReport(
            *("a.wav", "wav", "pcm_s16le", 16_000, 1, channel, "s16", duration_ms),
            *(most_samples(len(values)), notices),
        ),
        receipt=EngineReceipt("onnx", "m", "0", "cpu", 1, {}),
        timings_s={"decode": 0.0, "score": 0.0, "total": 0.0},
    )


def test_figures():
    segments = [
        Segment(1000, 3000, 0.9, EndReason.SILENCE),
        Segment(3500, 9500, 0.9, EndReason.MAX_LENGTH),
    ]
    summary = summarise(segments, 20_000)
    assert (summary.count, summary.capped) == (2, 1)
    assert (summary.speech_ms, summary.speech_share) == (8000, 0.4)
    assert (summary.longest_ms, summary.longest_pause_ms) == (6000, 10_500)


def test_figures_of_nothing():
    assert summarise([], 0).speech_share == 0
    assert summarise([], 5000).longest_pause_ms == 5000


def test_figures_of_two_channels():
    left = [
        Segment(1000, 3000, 0.9, EndReason.SILENCE),
        Segment(9000, 9500, 0.9, EndReason.SILENCE),
    ]
    right = [Segment(2000, 6000, 0.9, EndReason.MAX_LENGTH)]
    summary = summarise_tracks([left, right], 10_000)
    assert (summary.count, summary.capped, summary.longest_ms) == (3, 1, 4000)
    assert (summary.speech_ms, summary.speech_share) == (6500, 0.325)
    assert summary.longest_pause_ms == 3000  # from 6000 on, when neither speaks
    assert summarise_tracks([[], []], 5000).longest_pause_ms == 5000


@given(tracks=st.lists(st.lists(st.integers(1, 500), max_size=20), min_size=1, max_size=3))
def test_figures_of_one_channel_are_those_of_it_alone(tracks):
    made = []
    for lengths in tracks:
        times = np.cumsum(lengths).tolist()
        pairs = zip(times[::2], times[1::2], strict=False)
        made.append([Segment(start, end, 0.9, EndReason.SILENCE) for start, end in pairs])
    duration_ms = 10_000
    assert summarise_tracks(made[:1], duration_ms) == summarise(made[0], duration_ms)
    is_quiet = np.ones(duration_ms, bool)
    for segment in (segment for track in made for segment in track):
        is_quiet[segment.start_ms : segment.end_ms] = False
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_quiet, [0]))))
    longest = summarise_tracks(made, duration_ms).longest_pause_ms
    assert longest == (edges[1::2] - edges[::2]).max()


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (scores_of([]), "too_short"),
        (scores_of(np.full(300, 0.05), (Notice("silent"),)), "silent"),
        (scores_of(np.full(300, 0.7)), "below_threshold"),
        (scores_of([*[0.1] * 100, *[0.95] * 10, *[0.1] * 100]), "too_brief"),
    ],
)
def test_reasons(scores, reason):
    explanation = explain_empty(scores, VadOptions())
    assert explanation.reason == reason
    assert explanation.message("en") != explanation.message("zh")


def test_says_which_threshold_would_find_how_much():
    # 0.7 is reached up to a threshold of 0.4; 0.5 more up to 0.
    scores = scores_of([*[0.1] * 200, *[0.7] * 100, *[0.1] * 200, *[0.5] * 100, *[0.1] * 200])
    explanation = explain_empty(scores, VadOptions())
    assert explanation.alternatives[:2] == ((0.3, 1), (0.0, 2))
    for threshold, count in explanation.alternatives:
        assert len(scores.segments(VadOptions(speech_noise_thres=threshold))) == count
    assert "70%" in explanation.message("en")
    assert "0.3" in explanation.message("zh")


def test_says_that_the_shortest_speech_dropped_it():
    scores = scores_of([*[0.1] * 100, *[0.95] * 100, *[0.1] * 100])
    (found,) = scores.segments()
    explanation = explain_empty(scores, VadOptions(min_speech_ms=5000, pad_end_ms=500))
    assert (explanation.reason, explanation.longest_ms) == ("dropped", found.duration_ms)
    for language in ("en", "zh"):
        assert "5000" in explanation.message(language)
        assert str(found.duration_ms) in explanation.message(language)


def test_dynamic_silence_leaves_no_other_threshold():
    explanation = explain_empty(scores_of(np.full(300, 0.7)), VadOptions(dynamic_silence=True))
    assert explanation.alternatives == ()
    assert "75%" in explanation.message("en") and "turn it off" in explanation.message("en")
    assert "动态静音" in explanation.message("zh")
