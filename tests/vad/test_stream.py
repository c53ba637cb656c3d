"""Live streams with the real model: the events are the segments of the same recording."""

from __future__ import annotations

import pickle
import subprocess
import sys
import wave
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vad.strategies import dynamic_options, refining_options, vad_options
from tests.vad.test_decider import check_order
from webui.audio import resample
from webui.audio.pcm import PcmFormat
from webui.audio.reader import open_audio
from webui.vad import Detector, SpeechScores, VadOptions
from webui.vad.stream import SpeechStreamState, StreamScorer

FORMATS = [
    PcmFormat(8000, 2, "s16le"),
    PcmFormat(16_000, 1, "s16le"),
    PcmFormat(44_100, 1, "s16le"),
    PcmFormat(48_000, 2, "s24le"),
]
WIDTHS = {"s16le": 2, "s24le": 3}


@pytest.fixture(scope="module")
def detector(model_dir):
    return Detector("onnx", model_directory=model_dir, threads=1)


@pytest.fixture(scope="module")
def recordings(root, detector, tmp_path_factory):
    """Talk with pauses, 14 s and part of a hop: raw samples of each format, scores of a WAV."""
    with open_audio(root / "assets" / "audio" / "two-voices-with-pauses.flac") as blocks:
        talk = np.concatenate(list(blocks))[: 14 * 16_000 + 77]

    @lru_cache
    def recording(format: PcmFormat) -> tuple[bytes, SpeechScores]:
        times_s = np.arange(len(talk) * format.rate_hz // 16_000) / format.rate_hz
        mono = np.interp(times_s, np.arange(len(talk)) / 16_000, talk)
        sides = np.stack([mono, 0.5 * mono][: format.channels], axis=1)
        width = WIDTHS[format.sample_format]
        wide = np.rint(sides * 2 ** (8 * width - 1)).astype("<i4")
        raw = np.ascontiguousarray(wide.reshape(-1, 1).view(np.uint8)[:, :width]).tobytes()
        path = tmp_path_factory.mktemp("talk") / "talk.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((format.channels, width, format.rate_hz, 0, "NONE", ""))
            file.writeframes(raw)
        return raw, detector.score(path)

    return recording


def cut(raw: bytes, sizes: list[int]):
    first = turn = 0
    while first < len(raw):
        size = sizes[turn % len(sizes)]
        yield raw[first : first + size]
        first, turn = first + size, turn + 1


def segments_of(events):
    check_order(events)
    return tuple(event.segment for event in events if event.segment is not None)


@given(
    format=st.sampled_from(FORMATS),
    options=refining_options(vad_options() | dynamic_options()) | st.just(VadOptions()),
    few=st.lists(st.integers(1, 50), max_size=20),
    sizes=st.lists(st.integers(800, 40_000) | st.integers(40_000, 3_000_000), min_size=1),
    move_at=st.integers(0, 20),
)
@settings(max_examples=60, deadline=None)
def test_any_cutting_gives_the_segments_of_the_recording(
    detector, recordings, format, options, few, sizes, move_at
):
    raw, scores = recordings(format)
    stream, events = detector.stream(options, format=format), []
    for number, piece in enumerate(cut(raw, few + sizes)):
        if number == move_at:
            # Another process goes on: it has nothing but the state.
            state = pickle.loads(pickle.dumps(stream.state))
            resample._KEPT._resamplers.clear()
            stream = detector.stream(state=state)
        events += stream.feed(piece)
    assert stream.samples == scores.audio.samples
    assert segments_of(events + stream.finish()) == scores.segments(options)


@pytest.mark.parametrize("format", [FORMATS[0], FORMATS[1]])
def test_one_byte_at_a_time(detector, recordings, format):
    raw, scores = recordings(format)
    stream = detector.stream(format=format)
    events = [event for at in range(20_000) for event in stream.feed(raw[at : at + 1])]
    events += stream.feed(raw[20_000:])
    assert segments_of(events + stream.finish()) == scores.segments()


@pytest.mark.parametrize("engine", ["onnx-int8", pytest.param("funasr", marks=pytest.mark.funasr)])
def test_every_engine(model_dir, recordings, tmp_path, engine):
    format = FORMATS[1]
    raw, _ = recordings(format)
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(raw)
    detector = Detector(engine, model_directory=model_dir, threads=1)
    stream, events = detector.stream(format=format), []
    for piece in cut(raw, [6400]):
        events += stream.feed(piece)
        stream = detector.stream(state=pickle.loads(pickle.dumps(stream.state)))
    assert segments_of(events + stream.finish()) == detector.score(path).segments()


@pytest.mark.funasr
def test_funasrs_state_needs_no_torch_where_it_is_kept(model_dir, recordings, tmp_path):
    detector = Detector("funasr", model_directory=model_dir, threads=1)
    stream = detector.stream()
    stream.feed(recordings(FORMATS[1])[0][:64_000])
    (tmp_path / "state").write_bytes(pickle.dumps(stream.state))
    kept = (
        "import pickle, sys; state = pickle.load(open(sys.argv[1], 'rb'));"
        "print(len(pickle.dumps(state)) < 65536, 'torch' in sys.modules, 'av' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", kept, str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["True", "False", "False"]


def test_steps_are_pure_and_give_peaks(detector, recordings):
    format = FORMATS[2]
    raw, scores = recordings(format)
    scorer = StreamScorer(detector._scorer)
    state, steps = scorer.start(format), []
    for piece in cut(raw, [8821]):
        following, scored = scorer.feed(state, piece)
        # A step whose answer was lost is done again.
        again, repeated = scorer.feed(state, piece)
        np.testing.assert_array_equal(repeated.probabilities, scored.probabilities)
        np.testing.assert_array_equal(repeated.peaks, scored.peaks)
        assert again.received_bytes == following.received_bytes
        state = following
        steps.append(scored)
        assert state.frames == sum(len(step.probabilities) for step in steps)
    assert state.received_bytes == len(raw)
    steps.append(scorer.finish(state))
    assert all(step.work_s > 0 for step in steps)
    np.testing.assert_array_equal(np.concatenate([s.peaks for s in steps]), scores.peaks.values)
    found = np.concatenate([s.probabilities for s in steps])
    np.testing.assert_allclose(found, scores.probabilities, atol=1e-5)


@pytest.mark.parametrize(
    ("format", "options", "most_bytes"),
    [
        (PcmFormat(16_000), VadOptions(), 65_536),
        (PcmFormat(48_000, 2), VadOptions(), 65_536),
        (PcmFormat(44_100, 1), VadOptions(), 65_536),
        (
            PcmFormat(9999, 32, "s32le"),
            VadOptions(
                split_capped=True,
                max_single_segment_time=600_000,
                lookback_time_start_point=2000,
                dynamic_silence=True,
                silence_schedule="inf:60000",
            ),
            262_144,
        ),
    ],
)
def test_a_state_is_bounded(detector, format, options, most_bytes):
    stream = detector.stream(options, format=format)
    random = np.random.default_rng(0)
    sizes = []
    for _ in range(80):
        noise = random.integers(-3000, 3000, format.rate_hz * 5 * format.channels)
        width = format.frame_bytes // format.channels
        stream.feed(noise.astype(f"<i{width}").tobytes())
        sizes.append(stream.state.size_bytes)
    assert isinstance(stream.state, SpeechStreamState)
    assert max(sizes) <= most_bytes


def test_what_a_state_brings_is_not_given_again(detector):
    with pytest.raises(ValueError, match="its own"):
        detector.stream(VadOptions(), state=detector.stream().state)


def test_an_empty_stream_has_no_speech(detector):
    stream = detector.stream()
    assert stream.feed(b"") == [] and stream.feed(b"\0") == [] and stream.finish() == []


def test_wrong_use_is_told(model_dir):
    detector = Detector("onnx", model_directory=model_dir)
    stream = detector.stream()
    with pytest.raises(TypeError, match="bytes or a float32 array, not str"):
        stream.feed("abc")
    stream.finish()
    with pytest.raises(ValueError, match="is finished"):
        stream.feed(b"")
    with pytest.raises(ValueError, match="is finished"):
        stream.finish()
    with pytest.raises(TypeError, match="SpeechStream, not str"):
        detector.stream(state="x")
