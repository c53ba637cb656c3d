"""Spectrograms: the right band at the right time, alike however it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.audio.peaks import Peaks
from webui.vad.fbank import MEL_BINS, fbank
from webui.vad.spectrogram import LONGEST_MS, MOST_COLUMNS, Part, Scale, draw, samples_of

RATE_HZ = 16_000
SCALE = Scale(5.0, 25.0)
NOISE = np.random.default_rng(5).uniform(-0.3, 0.3, 20 * RATE_HZ).astype(np.float32)
NOISE *= np.repeat(np.linspace(0.01, 1, 200), len(NOISE) // 200).astype(np.float32)


def picture(samples: np.ndarray, part: Part, scale: Scale = SCALE) -> np.ndarray:
    first, count = samples_of(part, len(samples))
    bytes_ = draw(part, len(samples), samples[first : first + count], scale)
    return np.frombuffer(bytes_, np.uint8).reshape(MEL_BINS, part.columns)


def band_of(hz: float) -> int:
    """The band whose middle is nearest, by Kaldi's mel scale."""

    def mel(value: float) -> float:
        return float(1127 * np.log(1 + value / 700))

    middles = np.linspace(mel(20), mel(8000), MEL_BINS + 2)[1:-1]
    return int(np.argmin(np.abs(middles - mel(hz))))


@pytest.mark.parametrize("hz", [150, 440, 1000, 2500, 5000, 7500])
def test_a_tone_is_brightest_in_its_band(hz: float) -> None:
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
    drawn = picture(tone, Part(0, 2000, 50), Scale(10, 30))
    # Low bands are narrower than the 31 Hz that a window tells apart: a neighbour may win.
    assert set(drawn.argmax(axis=0)) <= {band_of(hz) - 1, band_of(hz), band_of(hz) + 1}


def test_sound_stands_where_it_is_in_the_waveform() -> None:
    samples = np.zeros(4 * RATE_HZ, np.float32)
    samples[2 * RATE_HZ : 3 * RATE_HZ] = NOISE[-RATE_HZ:]
    bright = picture(samples, Part(0, 4000, 400)).mean(axis=0) > 100
    found = np.flatnonzero(bright) * 10
    # A window is 25 ms long: its middle is at most 12.5 ms outside of the sound.
    assert abs(found[0] - 2000) <= 20 and abs(found[-1] + 10 - 3000) <= 20
    assert bright[found[0] // 10 : found[-1] // 10].all()


@given(st.integers(0, 400), st.integers(1, 400), st.sampled_from([1, 2, 4, 8]))
def test_a_part_is_that_of_the_whole(start: int, length: int, hops: int) -> None:
    width_ms = 10 * hops
    whole = picture(NOISE, Part(0, 32_000, 32_000 // width_ms))
    part = Part(start * width_ms, (start + length) * width_ms, length)
    found = picture(NOISE, part)
    wanted = np.zeros_like(found)
    same = whole[:, start : start + length]
    wanted[:, : same.shape[1]] = same
    np.testing.assert_array_equal(found, wanted)


def test_columns_of_one_hop_are_the_frames() -> None:
    energies = fbank(NOISE)
    wanted = np.clip(np.rint((energies - 5) / 20 * 255), 0, 255).T
    found = picture(NOISE, Part(0, 5000, 500))
    # The middle of frame 0 is at 12.5 ms, in column 1; before it there is none.
    np.testing.assert_array_equal(found[:, 1:], wanted[:, :499])
    np.testing.assert_array_equal(found[:, 0], wanted[:, 0])


def test_narrow_columns_repeat_the_nearest_frame() -> None:
    found = picture(NOISE, Part(1000, 1100, 1000))
    changes = np.flatnonzero((found[:, 1:] != found[:, :-1]).any(axis=0))
    assert 9 <= len(changes) <= 11 and set(np.diff(changes)) == {100}


def test_wide_columns_are_no_brighter() -> None:
    assert picture(NOISE, Part(0, 20_000, 2000))[:, 1:].mean() == pytest.approx(
        picture(NOISE, Part(0, 20_000, 100)).mean(), abs=1
    )


def test_nothing_is_drawn_beyond_the_end() -> None:
    found = picture(NOISE, Part(15_000, 25_000, 100))
    assert found[:, :50].min() > 0 and not found[:, 50:].any()
    assert not picture(NOISE, Part(30_000, 31_000, 10)).any()
    for samples in (0, 399):
        assert not picture(NOISE[:samples], Part(0, 1000, 10)).any()


@pytest.mark.parametrize(
    "wrong",
    [
        *((0, 0, 10), (10, 5, 10), (-10, 100, 10), (0, LONGEST_MS + 1, 10)),
        *((0, 100, 0), (0, 100, MOST_COLUMNS + 1)),
    ],
)
def test_bounds(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        Part(*wrong)


def test_the_scale_follows_the_loudness_of_the_recording_and_not_a_click() -> None:
    loud = np.tile(np.array([[-8000, 8000]], np.int16), (5000, 1))
    quiet = loud // 8
    assert Scale.of(Peaks(loud)).ceiling - Scale.of(Peaks(quiet)).ceiling == pytest.approx(
        2 * np.log(8), abs=0.01
    )
    clicked = quiet.copy()
    clicked[1234] = (-32_768, 32_767)
    assert Scale.of(Peaks(clicked)) == Scale.of(Peaks(quiet))
    assert Scale.of(Peaks(np.full((9, 2), -32_768, np.int16))).ceiling > 20
    silence = Scale.of(Peaks(np.zeros((100, 2), np.int16)))
    assert silence == Scale.of(Peaks(np.zeros((0, 2), np.int16)))
    assert not picture(np.zeros(RATE_HZ, np.float32), Part(0, 1000, 10), silence).any()


def test_speech_uses_the_whole_scale(root) -> None:
    from tests.audio.recordings import read
    from webui.audio.peaks import PeakBuilder

    samples, _ = read(root / "assets" / "audio" / "english-clean.flac")
    builder = PeakBuilder()
    builder.feed(samples)
    found = picture(samples, Part(0, 10_000, 1000), Scale.of(builder.finish()))
    assert np.quantile(found, 0.999) > 235 and np.mean(found == 255) < 0.005
    assert 40 < found.mean() < 160
