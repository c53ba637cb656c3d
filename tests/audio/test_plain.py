"""WAV files read without a decoder give exactly what FFmpeg gives."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.audio import track as track_module
from webui.audio.reader import open_audio
from webui.audio.regroup import regrouped
from webui.audio.track import Track

SUBTYPES = {"s16": ("<i2", 1), "s32": ("<i4", 1), "f32": ("<f4", 3), "f64": ("<f8", 3)}


def wav(path: Path, subtype: str, channels: int, frames: int, rate_hz: int = 16_000) -> Path:
    dtype, tag = SUBTYPES[subtype]
    values = np.random.default_rng(3).uniform(-1.2, 1.2, (frames, channels))
    if tag == 1:
        largest = np.iinfo(dtype).max
        values = np.clip(values, -1, 1) * largest
    data = values.astype(dtype).tobytes()
    width = np.dtype(dtype).itemsize
    form = struct.pack(
        "<HHIIHH", tag, channels, rate_hz, rate_hz * channels * width, channels * width, width * 8
    )
    # A chunk of odd length before the samples, as recorders write them.
    chunks = (
        b"fmt " + struct.pack("<I", len(form)) + form + b"note" + struct.pack("<I", 3) + b"abc\0"
    )
    chunks += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    return path


def samples(path: Path, channel: str = "mix") -> np.ndarray:
    with open_audio(path, channel, 1.0) as reader:
        return np.concatenate(list(reader))


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_equals_ffmpeg(tmp_path, monkeypatch, subtype, channels, rate_hz):
    path = wav(tmp_path / "a.wav", subtype, channels, 100_001, rate_hz)
    assert Track(path).plain_rows() is not None
    for channel in ("mix", "left") if channels == 1 else ("mix", "left", "right"):
        ours = samples(path, channel)
        with monkeypatch.context() as patch:
            patch.setattr(track_module, "is_plain", lambda *given: False)
            theirs = samples(path, channel)
        np.testing.assert_array_equal(ours, theirs)


def test_what_is_not_beyond_doubt_is_left_to_ffmpeg(tmp_path):
    whole = wav(tmp_path / "whole.wav", "s16", 1, 16_000).read_bytes()
    size_at = whole.index(b"data") + 4
    cases = {
        "cut": whole[:-10],
        "unknown": whole[:size_at] + struct.pack("<I", 0xFFFF_FFFF) + whole[size_at + 4 :],
        "empty": whole[:size_at] + struct.pack("<I", 0) + whole[size_at + 4 :],
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}.wav"
        path.write_bytes(content)
        assert Track(path).plain_rows() is None, name
        assert len(samples(path)) >= 15_990


def test_a_file_that_becomes_shorter_while_it_is_read_ends(tmp_path):
    path = wav(tmp_path / "a.wav", "s16", 1, 160_000)
    with open_audio(path, "mix", 1.0) as reader:
        first = next(reader)
        with path.open("r+b") as file:
            file.truncate(80_001)
        rest = list(reader)
        assert len(first) == 16_000
        assert len(first) + sum(map(len, rest)) < 41_000
        assert "truncated" in {notice.code for notice in reader.report().notices}


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 40))
def test_regrouped_blocks_are_of_one_size_and_lose_nothing(sizes, block_samples):
    values = np.arange(sum(sizes), dtype=np.float32)
    parts = np.split(values, np.cumsum(sizes)[:-1]) if sizes else []
    blocks = list(regrouped(parts, block_samples))
    assert all(len(block) == block_samples for block in blocks[:-1])
    assert all(0 < len(block) <= block_samples for block in blocks[-1:])
    # Collected before they are compared: a block must not be written to again.
    np.testing.assert_array_equal(np.concatenate([values[:0], *blocks]), values)
