"""Features against kaldi-native-fbank, and the same at every chunking."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import kaldi_native_fbank as knf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.vad import fbank as fbank_module
from webui.vad.fbank import MEL_BINS, fbank
from webui.vad.frontend import FEATURE_SIZE, Cmvn, Frontend, FrontendState
from webui.vad.timebase import frames_in

NEUTRAL = Cmvn(np.zeros(FEATURE_SIZE, np.float32), np.ones(FEATURE_SIZE, np.float32))


def noise(samples: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.standard_normal(samples) * 0.1).astype(np.float32)


def kaldi(samples: np.ndarray) -> np.ndarray:
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = "hamming"
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = MEL_BINS
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(16_000, (samples * 32768).tolist())
    computer.input_finished()
    frames = [computer.get_frame(i) for i in range(computer.num_frames_ready)]
    return np.array(frames).reshape(-1, MEL_BINS)


@pytest.fixture(params=["asrfront", "numpy"], autouse=True, scope="module")
def library(request):
    """Everything here holds whichever library computes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fbank_module, "_LIBRARY", request.param)
        yield request.param


@pytest.mark.parametrize("name", ["noise", "tone", "silence", "quiet", "clipped", "offset"])
def test_fbank_equals_kaldi(name):
    second = np.arange(16_000) / 16_000
    samples = {
        "noise": noise(40_000),
        "tone": np.sin(2 * np.pi * 440 * second).astype(np.float32),
        "silence": np.zeros(16_000, np.float32),
        "quiet": noise(16_000) * np.float32(1e-3),
        "clipped": np.sign(noise(16_000)),
        "offset": noise(16_000) * np.float32(0.1) + np.float32(0.5),
    }[name]
    ours, theirs = fbank(samples), kaldi(samples)
    assert ours.shape == theirs.shape
    # Both compute in single precision; the worst bins lie where nearly all energy cancels.
    difference = np.abs(ours - theirs)
    assert difference.mean() < 1e-4
    assert difference.max() < (2e-2 if name == "tone" else 2e-3)


@given(st.integers(0, 2000))
def test_as_many_frames_as_kaldi(samples):
    assert len(fbank(noise(samples))) == len(kaldi(noise(samples))) == frames_in(samples)


@given(
    samples=st.integers(0, 12_000),
    sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=6),
)
@settings(deadline=None, max_examples=400)
def test_any_chunking_gives_the_same_features(samples, sizes):
    frontend, audio = Frontend(), noise(samples)
    whole = features_of(frontend, [audio])
    parts, first, turn = [], 0, 0
    while first < samples:
        size = sizes[turn % len(sizes)]
        parts.append(audio[first : first + size])
        first, turn = first + size, turn + 1
    pieces = features_of(frontend, parts)
    assert pieces.shape == whole.shape == (frames_in(samples), FEATURE_SIZE)
    np.testing.assert_array_equal(pieces, whole)


def features_of(frontend: Frontend, blocks) -> np.ndarray:
    state, found = FrontendState(), []
    for block in blocks:
        state, stretch = frontend.feed(state, block)
        found.append(NEUTRAL.stack(stretch.frames()))
    last = frontend.feed(state, np.zeros(0, np.float32), is_last=True)[1]
    return np.concatenate([*found, NEUTRAL.stack(last.frames())])


def test_stacks_two_frames_on_each_side():
    audio = noise(16_000)
    features = features_of(Frontend(), [audio])
    frames = fbank(audio)
    padded = np.concatenate((frames[:1], frames[:1], frames, frames[-1:], frames[-1:]))
    for index in (0, 1, 50, len(frames) - 1):
        np.testing.assert_array_equal(features[index], padded[index : index + 5].ravel())


def test_blocks_and_parts_hold_the_same_frames():
    audio = noise(200_000)
    stretch = Frontend().feed(FrontendState(), audio)[1]
    whole = stretch.frames()
    assert len(whole) == stretch.scores + 4
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda first: stretch.frames(first, first + 300), range(0, 900, 300)))
    for number, part in enumerate(parts):
        np.testing.assert_array_equal(part, whole[300 * number : 300 * number + 304])
    first = 100
    for block in stretch.blocks(first, stretch.scores, 224):
        np.testing.assert_array_equal(block, whole[first : first + len(block)])
        first += len(block) - 4
    assert first == stretch.scores


def test_state_is_bounded_and_feeding_leaves_it_alone():
    frontend, state = Frontend(), FrontendState()
    for _ in range(20):
        before = state
        kept = before.samples.copy()
        state, _ = frontend.feed(before, noise(3333))
        np.testing.assert_array_equal(before.samples, kept)
        assert len(state.samples) < 400 + 5 * 160


def test_cmvn_is_read_from_the_model(model_dir):
    cmvn = Cmvn.read(model_dir / "am.mvn")
    assert cmvn.shift.shape == cmvn.scale.shape == (FEATURE_SIZE,)
    assert np.all(cmvn.scale > 0)


@pytest.mark.funasr
def test_features_equal_funasrs(model_dir):
    torch = pytest.importorskip("torch")
    frontends = pytest.importorskip("funasr.frontends.wav_frontend")
    theirs = frontends.WavFrontendOnline(
        cmvn_file=str(model_dir / "am.mvn"), dither=0.0, lfr_m=5, lfr_n=1
    )
    audio, cmvn = noise(48_000), Cmvn.read(model_dir / "am.mvn")
    waveform = torch.from_numpy(audio)[None]
    expected, _ = theirs(waveform, torch.tensor([len(audio)]), is_final=True, cache={})
    ours = cmvn.stack(Frontend().feed(FrontendState(), audio, is_last=True)[1].frames())
    np.testing.assert_allclose(ours, expected[0].numpy(), rtol=0, atol=2e-3)
