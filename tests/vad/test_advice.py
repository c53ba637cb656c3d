"""What is odd about a result, and what is suggested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tests.vad.strategies import probabilities, refining_options, vad_options
from tests.vad.test_summary import scores_of
from webui.audio.report import Notice
from webui.vad.advice import advise
from webui.vad.options import VadOptions
from webui.vad.scores import SpeechScores
from webui.vad.summary import summarise

PAUSES = np.tile([*[0.95] * 250, *[0.1] * 40], 6)  # pauses of 0.4 s
HUM = np.tile([*[0.95] * 150, *[0.83] * 150], 5)  # never below the default threshold
SHORT = np.tile([*[0.95] * 20, *[0.1] * 60], 12)
QUICK = VadOptions(
    max_end_silence_time=150,
    window_size_ms=50,
    sil_to_speech_time_thres=30,
    speech_to_sil_time_thres=20,
    lookback_time_start_point=0,
    lookahead_time_end_point=0,
)


@pytest.mark.parametrize(
    ("values", "options", "oddity", "name"),
    [
        (np.full(500, 0.7), VadOptions(), "empty", "speech_noise_thres"),
        (PAUSES, VadOptions(), "one_segment", "max_end_silence_time"),
        (HUM, VadOptions(), "one_segment", "speech_noise_thres"),
        (
            PAUSES,
            VadOptions(max_single_segment_time=4000),
            "capped",
            "max_end_silence_time",
        ),
        (
            np.tile([*[0.95] * 400, *[0.81] * 300, *[0.1] * 35], 6),
            VadOptions(max_end_silence_time=300),
            "mostly_speech",
            "speech_noise_thres",
        ),
        (
            PAUSES,
            VadOptions(max_single_segment_time=4000, max_end_silence_time=3000),
            "capped",
            "split_capped",
        ),
        (SHORT, QUICK, "brief", "min_pause_ms"),
        (np.concatenate([SHORT, PAUSES]), QUICK, "brief", "min_speech_ms"),
        (SHORT, replace(QUICK, min_speech_ms=2000), "empty", "min_speech_ms"),
    ],
)
def test_oddities_and_what_mends_them(values, options, oddity, name):
    scores = scores_of(values)
    advice = advise(scores, options)
    assert advice is not None
    assert advice.oddity == oddity
    assert name in {change.name for change in advice.changes}
    assert advice.message("en") != advice.message("zh")


def test_a_usual_result_is_not_odd():
    usual = scores_of(np.tile([*[0.1] * 200, *[0.95] * 250], 5))
    assert advise(usual, VadOptions()) is None


def test_a_short_recording_may_be_all_speech():
    assert advise(scores_of(np.full(500, 0.95)), VadOptions()) is None


def test_words():
    advice = advise(scores_of(PAUSES), VadOptions())
    assert advice is not None
    assert "One segment covers" in advice.message("en")
    (change, *_) = advice.changes
    assert change.message("en") == f"End silence {change.value} ms: 6 segment(s)"
    assert change.message("zh") == f"尾部静音阈值 {change.value} 毫秒：6 个片段"


@settings(max_examples=40)
@given(probabilities(), refining_options(vad_options()))
def test_every_change_gives_what_it_says(values, options):
    scores = scores_of(values)
    advice = advise(scores, options)
    if advice is None:
        assert summarise(scores.segments(options), scores.duration_ms).count
        return
    for change in advice.changes:
        tried = replace(options, **{change.name: change.value})
        assert len(scores.segments(tried)) == change.count > 0


@pytest.mark.parametrize(("values", "allowed"), [(PAUSES, 0), (PAUSES, 1), (HUM, 2)])
def test_what_nobody_waits_for_is_not_tried(values, allowed, monkeypatch):
    scores = scores_of(values)
    segments = scores.segments(VadOptions())
    left = [True] * allowed
    runs = []
    real = SpeechScores.segments

    def counted(self, options=None):
        runs.append(options)
        return real(self, options)

    monkeypatch.setattr(SpeechScores, "segments", counted)
    advice = advise(scores, VadOptions(), segments, go_on=lambda: bool(left and left.pop()))
    assert advice is not None and len(runs) == allowed


def test_no_threshold_is_suggested_for_digital_silence() -> None:
    advice = advise(scores_of(np.full(500, 0.05), (Notice("silent"),)), VadOptions())
    assert advice is not None
    assert (advice.oddity, advice.changes) == ("empty", ())
