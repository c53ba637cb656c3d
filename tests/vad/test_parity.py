"""The same segments as FunASR's AutoModel.generate, for both engines."""

from __future__ import annotations

import json

import numpy as np
import pytest

from webui.vad import Detector, VadOptions

SETTINGS = [
    (max_end_silence_time, speech_noise_thres)
    for max_end_silence_time in (200, 800, 1500)
    for speech_noise_thres in (0.3, 0.6, 0.9)
]


@pytest.fixture(scope="module", params=["onnx", pytest.param("funasr", marks=pytest.mark.funasr)])
def detector(request, model_dir) -> Detector:
    return Detector(request.param, model_directory=model_dir)


@pytest.fixture(scope="module")
def demo_recordings(root):
    found = sorted(path for path in (root / "assets" / "audio").iterdir() if path.suffix != ".md")
    assert found
    return [path for path in found if path.suffix in (".flac", ".wav", ".mp3", ".ogg")]


def pairs(segments) -> list[list[int]]:
    return [[s.start_ms, s.end_ms] for s in segments]


def test_recorded_answers(detector, shared_data):
    cases = json.loads((shared_data / "funasr_segments.json").read_text())["cases"]
    assert len(cases) == 84
    scores = {file: detector.score(shared_data / file) for file in {c["file"] for c in cases}}
    for case in cases:
        options = VadOptions(
            max_end_silence_time=case["max_end_silence_time"],
            speech_noise_thres=case["speech_noise_thres"],
        )
        assert pairs(scores[case["file"]].segments(options)) == case["segments"], case["file"]


@pytest.fixture(scope="module")
def auto_model(model_dir):
    funasr = pytest.importorskip("funasr")
    return funasr.AutoModel(
        model=str(model_dir), disable_update=True, disable_pbar=True, log_level="ERROR"
    )


@pytest.mark.funasr
def test_live_auto_model_on_the_demo_recordings(detector, auto_model, demo_recordings):
    from webui.audio.reader import open_audio

    for path in demo_recordings:
        # FunASR's own resampler is another matter; it is handed what our reader decodes.
        with open_audio(path) as reader:
            samples = np.concatenate(list(reader))
        scores = detector.score(path)
        for max_end_silence_time, speech_noise_thres in SETTINGS:
            theirs = auto_model.generate(
                input=samples,
                max_end_silence_time=max_end_silence_time,
                speech_noise_thres=speech_noise_thres,
            )[0]["value"]
            options = VadOptions(
                max_end_silence_time=max_end_silence_time, speech_noise_thres=speech_noise_thres
            )
            assert pairs(scores.segments(options)) == theirs, (path.name, options)


@pytest.mark.funasr
def test_live_auto_model_with_dynamic_silence(detector, auto_model, shared_data):
    from tests.vad.funasr_oracle import funasr_schedule

    recording = shared_data / "vad_example.wav"
    scores = detector.score(recording)
    # What FunASR does when it is asked for nothing.
    theirs = auto_model.generate(input=str(recording))[0]["value"]
    assert pairs(scores.segments(VadOptions(dynamic_silence=True))) == theirs
    assert theirs[0] == [70, 59970]
    for step_ms in (15_000, 5000, 1000):
        options = VadOptions(
            dynamic_silence=True,
            silence_schedule="3000:1200,8000:700,15000:300,inf:150",
            silence_schedule_step_ms=step_ms,
        )
        theirs = auto_model.generate(input=str(recording), **funasr_schedule(options))[0]["value"]
        assert pairs(scores.segments(options)) == theirs, step_ms


def test_any_chunking_of_the_samples(detector, demo_recordings):
    from webui.audio.reader import open_audio

    with open_audio(demo_recordings[0]) as reader:
        samples = np.concatenate(list(reader))[: 10 * 16_000]
    whole = detector.probabilities([samples])
    for size in (37, 160, 1600, 25_000):
        blocks = [samples[i : i + size] for i in range(0, len(samples), size)]
        if size == 37:  # one call a block: a second of audio is enough
            blocks, expected = blocks[:432], detector.probabilities([samples[: 432 * 37]])
        else:
            expected = whole
        np.testing.assert_allclose(detector.probabilities(blocks), expected, atol=2e-5)


def test_streams_do_not_disturb_each_other(detector):
    random = np.random.default_rng(1)
    first, second = (random.standard_normal(32_000).astype(np.float32) * 0.1 for _ in range(2))
    scorer = detector._scorer
    expected = detector.probabilities([first])
    one, other = scorer.start(), scorer.start()
    parts = []
    for begin in range(0, 32_000, 8_000):
        before = one
        one, scores = scorer.feed(one, first[begin : begin + 8_000])
        # A state can be fed twice: what is passed in stays as it was.
        np.testing.assert_array_equal(scorer.feed(before, first[begin : begin + 8_000])[1], scores)
        other, _ = scorer.feed(other, second[begin : begin + 8_000])
        parts.append(scores)
    np.testing.assert_allclose(np.concatenate([*parts, scorer.finish(one)]), expected, atol=2e-5)


def test_nothing_to_score(detector):
    assert len(detector.probabilities([])) == 0
    assert len(detector.probabilities([np.zeros(399, np.float32)])) == 0
    assert len(detector.probabilities([np.zeros(400, np.float32)])) == 1
