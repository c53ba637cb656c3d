"""Raw samples in pieces of any size, against the same samples read from a file."""

from __future__ import annotations

import itertools
import pickle
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.audio import pcm, resample
from webui.audio.pcm import SAMPLE_FORMATS, PcmFormat, PcmState
from webui.audio.reader import open_audio
from webui.errors import PcmFormatError

formats = st.builds(
    PcmFormat,
    st.sampled_from([1000, 8000, 9999, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 384_000]),
    st.sampled_from([1, 2, 3, 12]),
    st.sampled_from(SAMPLE_FORMATS),
)


def noise(format: PcmFormat, frames: int, seed: int = 0) -> bytes:
    random = np.random.default_rng(seed)
    if format.sample_format == "f32le":
        return random.uniform(-1.5, 1.5, frames * format.channels).astype("<f4").tobytes()
    return random.bytes(frames * format.frame_bytes)


def convert(format: PcmFormat, pieces: list[bytes], *, elsewhere: bool = False) -> np.ndarray:
    """All that comes of the pieces; elsewhere: each by a process that has seen none before."""
    state, parts = PcmState.start(format), []
    for piece in pieces:
        if elsewhere:
            state = pickle.loads(pickle.dumps(state))
            resample._KEPT._resamplers.clear()
        state, ready = pcm.feed(format, state, piece)
        parts.append(ready)
    return np.concatenate([*parts, pcm.finish(state)])


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(format=formats, frames=st.integers(0, 5000), data=st.data(), elsewhere=st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_cutting_and_no_move_changes_one_bit(format, frames, data, elsewhere):
    raw = noise(format, frames, seed=frames)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=12))
    whole = convert(format, [raw])
    np.testing.assert_array_equal(convert(format, cut(raw, cuts), elsewhere=elsewhere), whole)
    assert len(whole) == -(-frames * 16_000 // format.rate_hz)


@pytest.mark.parametrize("rate_hz", [8000, 44_100])
def test_byte_by_byte(rate_hz):
    format = PcmFormat(rate_hz, 2, "s24le")
    raw = noise(format, 300)
    bytewise = [raw[at : at + 1] for at in range(len(raw))]
    np.testing.assert_array_equal(convert(format, bytewise), convert(format, [raw]))


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_it_is_what_a_file_gives(tmp_path: Path, rate_hz, channels, width):
    name = {1: "u8", 2: "s16le", 3: "s24le", 4: "s32le"}[width]
    format = PcmFormat(rate_hz, channels, name)
    raw = noise(format, rate_hz * 3 // 2)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((channels, width, rate_hz, 0, "NONE", ""))
        file.writeframes(raw)
    with open_audio(tmp_path / "a.wav") as blocks:
        expected = np.concatenate(list(blocks))
    pieces = [raw[at : at + 7001] for at in range(0, len(raw), 7001)]
    np.testing.assert_array_equal(convert(format, pieces), expected)


def test_one_state_may_be_gone_on_from_twice():
    format = PcmFormat(44_100)
    one, other = noise(format, 3000, 1), noise(format, 3000, 2)
    state, first = pcm.feed(format, PcmState.start(format), one)
    for _ in range(2):
        for rest in (one, other):
            again, second = pcm.feed(format, state, rest)
            found = np.concatenate((first, second, pcm.finish(again)))
            np.testing.assert_array_equal(found, convert(format, [one + rest]))


def test_samples_are_taken_too():
    format = PcmFormat(48_000, 2, "f32le")
    samples = np.random.default_rng(0).uniform(-1, 1, (4800, 2)).astype(np.float32)
    state, ready = pcm.feed(format, PcmState.start(format), samples)
    expected = convert(format, [samples.tobytes()])
    np.testing.assert_array_equal(np.concatenate((ready, pcm.finish(state))), expected)
    with pytest.raises(ValueError, match="channel"):
        pcm.feed(format, state, samples[:, 0])
    with pytest.raises(ValueError, match="float32"):
        pcm.feed(format, state, samples.astype(np.int16))
    begun, _ = pcm.feed(format, state, b"abc")
    with pytest.raises(ValueError, match="within a sample"):
        pcm.feed(format, begun, samples)


def test_what_is_no_number_becomes_silence_and_is_counted():
    format = PcmFormat(16_000, 1, "f32le")
    values = np.array([0.5, np.nan, np.inf, 1e30, -0.5], dtype="<f4")
    state, samples = pcm.feed(format, PcmState.start(format), values.tobytes())
    assert (samples.tolist(), state.unusable_samples) == ([0.5, 0, 0, 0, -0.5], 3)


def test_filters_that_are_kept_are_bounded():
    format = PcmFormat(48_000)
    for _ in range(100):
        pcm.feed(format, PcmState.start(format), bytes(960))
    assert len(resample._KEPT._resamplers) <= 128


def test_filters_are_kept_of_all_streams_that_run_and_of_none_that_pause(monkeypatch):
    kept = resample._Kept()
    monkeypatch.setattr(resample, "_KEPT", kept)
    resample.keep_filters(150)
    format = PcmFormat(48_000)
    states = [pcm.feed(format, PcmState.start(format), bytes(960))[0] for _ in range(150)]
    assert len(kept._resamplers) == 150
    monkeypatch.setattr(resample.Resampler, "resume", None)  # nobody begins anew
    states = [pcm.feed(format, state, bytes(960))[0] for state in states]
    later_s = time.monotonic() + 60
    monkeypatch.setattr(resample.time, "monotonic", lambda: later_s)
    pcm.feed(format, states[0], bytes(960))
    assert len(kept._resamplers) == 1


@pytest.mark.parametrize(
    ("alias", "name"),
    [("s16", "s16le"), ("int16", "s16le"), ("S16_LE", "s16le"), ("float32", "f32le"), ("u8", "u8")],
)
def test_names_that_people_type(alias, name):
    assert PcmFormat(8000, sample_format=alias) == PcmFormat(8000, 1, name)


@pytest.mark.parametrize(
    ("given", "said", "said_zh"),
    [
        ((999,), "from 1000 to 384000", "1000 到 384000"),
        ((384_001,), "from 1000 to 384000", "1000 到 384000"),
        ((16_000.0,), "whole number", "整数"),
        ((47_999,), "too odd a rate", "过于特殊"),
        ((8000, 0), "from 1 to 32", "1 到 32"),
        ((8000, 33), "from 1 to 32", "1 到 32"),
        ((8000, True), "whole number", "整数"),
        ((8000, 1, "mp3"), "known are u8, s16le, s24le, s32le, f32le", "u8、s16le"),
    ],
)
def test_what_cannot_be_is_refused(given, said, said_zh):
    with pytest.raises(PcmFormatError) as caught:
        PcmFormat(*given)
    assert said in caught.value.message("en") and said_zh in caught.value.message("zh")
