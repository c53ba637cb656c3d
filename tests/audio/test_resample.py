"""The resampler against analytic tones, and its independence of chunking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.recordings import Samples
from webui.audio.resample import Resampler

RATES_HZ = [8_000, 11_025, 22_050, 44_100, 48_000, 96_000]


def convert(samples: Samples, rate_hz: int, cuts: list[int] | None = None) -> Samples:
    resampler = Resampler(rate_hz)
    pieces = np.split(samples, sorted(cuts or []))
    return np.concatenate([*map(resampler.feed, pieces), resampler.flush()])


def tone(frequency_hz: float, seconds: float, rate_hz: int) -> Samples:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.sin(2 * np.pi * frequency_hz * time_s)
    return wave.astype(np.float32)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("frequency_hz", [100, 440, 1_000, 3_000])
def test_a_tone_keeps_frequency_amplitude_and_phase(rate_hz: int, frequency_hz: float) -> None:
    found = convert(tone(frequency_hz, 1, rate_hz), rate_hz)
    wanted = tone(frequency_hz, 1, 16_000)
    # The first and last samples lack neighbours for the filter to work on.
    np.testing.assert_allclose(found[200:15_800], wanted[200:15_800], atol=5e-4)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_what_16_khz_cannot_hold_is_removed(rate_hz: int) -> None:
    found = convert(tone(12_000, 1, rate_hz), rate_hz)
    assert np.abs(found[200:-200]).max() < 1e-3


@given(
    rate_hz=st.sampled_from([*RATES_HZ, 7_999, 16_000]),
    length=st.integers(0, 6_000),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_chunking_does_not_change_one_bit(rate_hz: int, length: int, data: st.DataObject) -> None:
    samples = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    cuts = data.draw(st.lists(st.integers(0, length), max_size=40))
    whole = convert(samples, rate_hz)
    np.testing.assert_array_equal(convert(samples, rate_hz, cuts), whole)
    assert len(whole) == math.ceil(length * 16_000 / rate_hz)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000])
def test_single_samples(rate_hz: int) -> None:
    samples = tone(440, 0.02, rate_hz)
    cuts = list(range(1, len(samples)))
    np.testing.assert_array_equal(convert(samples, rate_hz, cuts), convert(samples, rate_hz))


@pytest.mark.parametrize("length", [1, 2, 10, 40, 100])
def test_input_shorter_than_the_filter_is_not_lost(length: int) -> None:
    found = convert(np.full(length, 0.5, np.float32), 48_000)
    assert len(found) == -(-length // 3)
    assert 0.1 < found[0] < 0.7


def test_it_starts_afresh_after_flush() -> None:
    resampler = Resampler(44_100)
    samples = tone(440, 0.1, 44_100)
    first = np.concatenate([resampler.feed(samples), resampler.flush()])
    second = np.concatenate([resampler.feed(samples), resampler.flush()])
    np.testing.assert_array_equal(first, second)


def test_16_khz_passes_untouched() -> None:
    samples = tone(440, 0.1, 16_000)
    np.testing.assert_array_equal(convert(samples, 16_000, [7, 300]), samples)


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Resampler(0)
