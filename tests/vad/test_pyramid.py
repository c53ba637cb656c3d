"""Tiles of the view: byte for byte what the page's tests read, and nothing of the sound lost."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from webui.audio.peaks import Peaks
from webui.vad.pyramid import PLANES, TILE_COLUMNS, Pyramid, column_ms, level_sizes

GOLDEN = json.loads((ROOT / "tests" / "golden" / "pyramid.json").read_text(encoding="utf-8"))


def golden_pyramid():
    frames, columns = GOLDEN["frames"], GOLDEN["columns"]
    peaks = np.resize(np.array(GOLDEN["peaks"], np.int16), (columns, 2))
    probabilities = np.resize(np.array(GOLDEN["probabilities"], np.float32), frames)
    return Pyramid.of(Peaks(peaks), probabilities)


def decoded(steps):
    """Samples in [-1, 1] of bytes, as the page reads them."""
    root = (steps.astype(np.float64) - 128) / 127
    return root * np.abs(root)


def whole_level(pyramid, level, size):
    """All planes of a level, put together from its tiles."""
    tiles = []
    for index in range(-(-size // TILE_COLUMNS)):
        body = pyramid.tile(level, index)
        tiles.append(np.frombuffer(body, np.uint8).reshape(PLANES, -1))
    assert pyramid.tile(level, len(tiles)) is None
    assert all(tile.shape[1] == TILE_COLUMNS for tile in tiles[:-1])
    return np.hstack(tiles)


def test_every_tile_is_the_one_that_the_page_reads():
    pyramid = golden_pyramid()
    assert level_sizes(GOLDEN["columns"]) == GOLDEN["sizes"]
    for level, (size, wanted) in enumerate(zip(GOLDEN["sizes"], GOLDEN["levels"], strict=True)):
        columns = np.resize(np.array(wanted["pattern"], np.uint8), (size, PLANES))
        columns[size - len(wanted["end"]) :] = wanted["end"]
        assert whole_level(pyramid, level, size).T.tolist() == columns.tolist()
        assert column_ms(level) == GOLDEN["column_ms"][level]


@pytest.mark.parametrize(("columns", "sizes"), GOLDEN["level_sizes"])
def test_levels_are_as_long_as_the_page_takes_them_to_be(columns, sizes):
    assert level_sizes(columns) == sizes


@pytest.mark.parametrize(("byte", "value"), GOLDEN["samples"])
def test_bytes_are_written_for_the_values_that_the_page_reads(byte, value):
    sample = np.clip(round(value * 32_768), -32_768, 32_767)
    tile = Pyramid.of(Peaks(np.full((1, 2), sample, np.int16)), np.zeros(1, np.float32)).tile(0, 0)
    assert tile[:2] == bytes([byte, byte])


def test_there_is_no_tile_beside_the_levels():
    pyramid = golden_pyramid()
    for level, index in ((3, 0), (-1, 0), (0, -1), (0, 5), (2, 1)):
        assert pyramid.tile(level, index) is None


SAMPLES = st.integers(-32_768, 32_767)


@given(st.lists(st.tuples(SAMPLES, SAMPLES), min_size=1, max_size=40), st.data())
def test_any_sound_keeps_its_level_within_a_step(pairs, data):
    values = np.sort(np.array(pairs, np.int16), axis=1)
    frames = data.draw(st.integers(0, len(pairs)))
    speech = np.linspace(0, 1, frames, dtype=np.float32)
    planes = whole_level(Pyramid.of(Peaks(values), speech), 0, len(pairs))
    for plane, samples in zip(planes[:2], values.T, strict=True):
        # A step is 1/127 of the root of full scale.
        root = np.sqrt(np.abs(samples / 32_768))
        assert np.all(np.abs(np.sqrt(np.abs(decoded(plane))) - root) <= 0.5001 / 127)
        is_heard = root * 127 > 0.51
        assert np.array_equal(np.sign(decoded(plane))[is_heard], np.sign(samples)[is_heard])
    assert np.all(np.abs(planes[2:, :frames] / 255 - speech) <= 0.5001 / 255)


@given(st.integers(1, 20_000), st.integers(0, 2**32 - 1))
def test_no_peak_is_lost_on_the_way_up(columns, seed):
    random = np.random.default_rng(seed)
    values = np.sort(random.integers(-32_768, 32_768, (columns, 2)).astype(np.int16), axis=1)
    speech = random.random(columns, dtype=np.float32)
    pyramid = Pyramid.of(Peaks(values), speech)
    sizes = level_sizes(columns)
    ground, top = (whole_level(pyramid, at, sizes[at]) for at in (0, len(sizes) - 1))
    assert sizes[-1] <= TILE_COLUMNS
    assert top[0].min() == ground[0].min() and top[1].max() == ground[1].max()
    assert top[2].min() == ground[2].min() and top[3].max() == ground[3].max()
    assert np.all(top[2] <= top[4]) and np.all(top[4] <= top[3])
    kept = sum(level.nbytes for level in pyramid.levels)
    assert kept == Pyramid.bytes_for(columns)


def test_a_recording_without_a_single_hop_has_no_tiles():
    pyramid = Pyramid.of(Peaks(np.zeros((0, 2), np.int16)), np.zeros(0, np.float32))
    assert pyramid.tile(0, 0) is None
