"""Peaks are exact, however the samples arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.recordings import Samples
from webui.audio import FRAME_HOP_SAMPLES
from webui.audio.peaks import PeakBuilder, Peaks


def build(samples: Samples, cuts: list[int] | None = None) -> Peaks:
    builder = PeakBuilder()
    for piece in np.split(samples, sorted(cuts or [])):
        builder.feed(piece)
    return builder.finish()


def noise(length: int) -> Samples:
    return np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)


@given(length=st.integers(0, 5_000), data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_chunking_gives_the_extremes_of_each_hop(length: int, data: st.DataObject) -> None:
    samples = noise(length)
    peaks = build(samples, data.draw(st.lists(st.integers(0, length), max_size=30)))
    hops = [samples[at : at + FRAME_HOP_SAMPLES] for at in range(0, length, FRAME_HOP_SAMPLES)]
    assert len(peaks) == len(hops)
    for (low, high), hop in zip(peaks.values.tolist(), hops, strict=True):
        assert low == max(-32_768, round(float(hop.min()) * 32_768))
        assert high == min(32_767, round(float(hop.max()) * 32_768))


def test_loud_samples_are_clipped_to_int16() -> None:
    assert build(np.array([5, -5], np.float32)).values.tolist() == [[-32_768, 32_767]]


def test_finish_may_be_called_while_samples_still_come() -> None:
    builder = PeakBuilder()
    samples = noise(1_000)
    builder.feed(samples[:450])
    assert len(builder.finish()) == 3
    builder.feed(samples[450:])
    np.testing.assert_array_equal(builder.finish().values, build(samples).values)


def test_many_hops_outgrow_the_first_store() -> None:
    samples = noise(FRAME_HOP_SAMPLES * 5_000)
    by_hop = samples.reshape(-1, FRAME_HOP_SAMPLES)
    wanted = np.rint(by_hop.max(axis=1).astype(np.float64) * 32_768).clip(max=32_767)
    np.testing.assert_array_equal(build(samples, [1_000, 100_000]).values[:, 1], wanted)


@given(
    hops=st.integers(1, 300),
    columns=st.integers(1, 400),
    bounds=st.tuples(st.integers(0, 300), st.integers(0, 300)),
)
@settings(max_examples=80, deadline=None)
def test_reduce_loses_no_extreme(hops: int, columns: int, bounds: tuple[int, int]) -> None:
    peaks = build(noise(hops * FRAME_HOP_SAMPLES))
    start, stop = min(bounds), max(bounds)
    drawn = peaks.reduce(columns, start, stop)
    assert drawn.shape == (columns, 2)
    shown = peaks.values[start:stop]
    if not len(shown):
        assert not drawn.any()
        return
    assert drawn[:, 0].min() == np.float32(shown[:, 0].min() / 32_768)
    assert drawn[:, 1].max() == np.float32(shown[:, 1].max() / 32_768)


def test_reduce_keeps_order_and_place() -> None:
    values = np.array([[-1, 1], [-2, 2], [-3, 3], [-4, 4]], np.int16)
    peaks = Peaks(values)
    np.testing.assert_array_equal(peaks.reduce(2)[:, 1] * 32_768, [2, 4])
    np.testing.assert_array_equal(peaks.reduce(8)[:, 1] * 32_768, [1, 1, 2, 2, 3, 3, 4, 4])
    np.testing.assert_array_equal(peaks.reduce(1, 1, 3) * 32_768, [[-3, 3]])


def test_reduce_to_no_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        build(noise(500)).reduce(0)
