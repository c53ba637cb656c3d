"""Whatever people have is decoded to the right sound at the right time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.recordings import best_lag, codes, encode, read, sweep
from webui.audio.reader import open_audio

SECONDS = 2.0

# Suffix, codec, sample format, and how much longer or shorter than the source
# the result may be, in ms: lossy codecs work in frames, and only some
# containers tell how much of the last one counts.
LOSSLESS = [
    ("wav", "pcm_u8", None),
    ("wav", "pcm_s16le", None),
    ("wav", "pcm_s24le", None),
    ("wav", "pcm_s32le", None),
    ("wav", "pcm_f32le", None),
    ("wav", "pcm_f64le", None),
    ("wav", "pcm_alaw", None),
    ("wav", "pcm_mulaw", None),
    ("flac", "flac", "s16"),
    ("flac", "flac", "s32"),
    ("m4a", "alac", None),
    ("aiff", "pcm_s16be", None),
    ("caf", "pcm_s24le", None),
    ("mkv", "pcm_s16le", None),
]
LOSSY = [
    ("mp3", "libmp3lame", 48_000, 1),
    ("mp3", "libmp3lame", 22_050, 1),
    ("ogg", "vorbis", 44_100, 1),
    ("ogg", "libopus", 48_000, 1),
    ("opus", "libopus", 16_000, 1),
    ("webm", "libopus", 48_000, 1),
    ("m4a", "aac", 44_100, 25),
    ("m4a", "aac", 16_000, 65),
    ("mp4", "aac", 48_000, 25),
    ("aac", "aac", 48_000, 45),
    ("mkv", "aac", 48_000, 45),
]


def check_sweep(path: Path, channels: int, tolerance_ms: float, likeness: float) -> None:
    found, report = read(path)
    assert abs(report.duration_ms - SECONDS * 1000) <= tolerance_ms
    assert report.samples == len(found)
    assert report.channels == channels
    lag, correlation = best_lag(found, sweep(SECONDS))
    assert abs(lag) <= max(1, tolerance_ms * 16)
    assert correlation > likeness


@pytest.mark.parametrize(("suffix", "codec", "sample_format"), LOSSLESS)
def test_lossless_codecs(
    tmp_path: Path, suffix: str, codec: str, sample_format: str | None
) -> None:
    source = np.stack([sweep(SECONDS, 48_000)] * 2)
    path = encode(tmp_path / f"a.{suffix}", source, 48_000, codec, sample_format=sample_format)
    check_sweep(path, 2, tolerance_ms=0, likeness=0.999)


@pytest.mark.parametrize(("suffix", "codec", "rate_hz", "tolerance_ms"), LOSSY)
def test_lossy_codecs(
    tmp_path: Path, suffix: str, codec: str, rate_hz: int, tolerance_ms: float
) -> None:
    source = np.stack([sweep(SECONDS, rate_hz)] * 2)
    path = encode(tmp_path / f"a.{suffix}", source, rate_hz, codec)
    check_sweep(path, 2, tolerance_ms, likeness=0.97)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_rates_and_channel_counts(tmp_path: Path, rate_hz: int, channels: int) -> None:
    source = np.stack([sweep(SECONDS, rate_hz)] * channels)
    path = encode(tmp_path / "a.wav", source, rate_hz, "pcm_s16le")
    check_sweep(path, channels, tolerance_ms=0, likeness=0.999)
    report = read(path)[1]
    assert ("resampled" in codes(report)) == (rate_hz != 16_000)
    assert ("mixed" in codes(report)) == (channels > 1)


def test_eight_planar_channels(tmp_path: Path) -> None:
    # FFmpeg keeps up to eight plane pointers in the frame itself, without an end mark.
    path = encode(tmp_path / "a.m4a", np.stack([sweep(SECONDS, 48_000)] * 8), 48_000, "aac")
    check_sweep(path, 8, tolerance_ms=25, likeness=0.9)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_sound_of_a_video(tmp_path: Path, suffix: str) -> None:
    source = np.stack([sweep(SECONDS, 48_000)] * 2)
    path = encode(tmp_path / f"film.{suffix}", source, 48_000, "aac", with_video=True)
    check_sweep(path, 2, tolerance_ms=45, likeness=0.97)
    assert codes(read(path)[1]) == ["video", "resampled", "mixed"]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8", "PCM_32", "DOUBLE"])
def test_16_khz_is_bit_exact(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "a.wav"
    rng = np.random.default_rng(7)
    soundfile.write(path, rng.uniform(-1, 1, 50_000), 16_000, subtype=subtype)
    wanted, _ = soundfile.read(path, dtype="float32")
    found, report = read(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)
    assert report.notices == ()


def test_16_khz_stereo_is_the_exact_mean(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    rng = np.random.default_rng(8)
    soundfile.write(path, rng.uniform(-1, 1, (20_000, 2)), 16_000, subtype="PCM_16")
    wanted, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(read(path)[0], wanted.mean(axis=1, dtype=np.float32))


def test_beyond_full_scale_is_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([3.5, -7.25] * 800), 16_000, subtype="FLOAT")
    assert read(path)[0].min() == -7.25


def test_left_and_right(tmp_path: Path) -> None:
    left, right = sweep(1), np.linspace(-0.5, 0.5, 16_000, dtype=np.float32)
    path = tmp_path / "call.wav"
    soundfile.write(path, np.stack([left, right], axis=1), 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(read(path, "left")[0], left)
    found, report = read(path, "right")
    np.testing.assert_array_equal(found, right)
    assert report.channel == "right"
    assert report.notices == ()


def test_left_of_mono_is_the_channel(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", sweep(1)[np.newaxis], 16_000, "pcm_f32le")
    np.testing.assert_array_equal(read(path, "left")[0], sweep(1))


@pytest.mark.parametrize("block_s", [0.01, 0.37, 1.0, 10.0])
def test_blocks_have_the_size_asked_for(tmp_path: Path, block_s: float) -> None:
    path = encode(tmp_path / "a.wav", sweep(3.3, 44_100)[np.newaxis], 44_100, "pcm_s16le")
    with open_audio(path, block_s=block_s) as audio:
        blocks = list(audio)
        assert audio.position_s == pytest.approx(3.3, abs=1e-3)
        assert audio.expected_duration_s == pytest.approx(3.3, abs=1e-3)
    assert {len(block) for block in blocks[:-1]} <= {round(block_s * 16_000)}
    assert 0 < len(blocks[-1]) <= round(block_s * 16_000)
    assert all(block.flags.c_contiguous and block.dtype == np.float32 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), read(path)[0])


def test_the_format_may_change_in_the_file(tmp_path: Path) -> None:
    bare = {"write_xing": "0", "id3v2_version": "0"}
    stereo = np.stack([sweep(1, 44_100)] * 2)
    first = encode(tmp_path / "1.mp3", stereo, 44_100, "libmp3lame", options=bare)
    mono = sweep(1, 22_050)[np.newaxis]
    second = encode(tmp_path / "2.mp3", mono, 22_050, "libmp3lame", options=bare)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    found, report = read(joined)
    assert "format_changed" in codes(report)
    assert report.duration_ms == pytest.approx(2000, abs=200)
    later = found[len(found) // 2 :]
    assert best_lag(later, sweep(1))[1] > 0.9


@pytest.mark.parametrize("name", ["会议 录音.wav", "été 🎙️.wav", "a:b?.wav", "-.wav", "100%d.wav"])
def test_file_names(tmp_path: Path, name: str) -> None:
    path = encode(tmp_path / "plain.wav", sweep(0.5)[np.newaxis], 16_000, "pcm_s16le")
    found, report = read(path.rename(tmp_path / name))
    assert report.file == name
    assert len(found) == 8_000


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "a.wav", sweep(0.5)[np.newaxis], 16_000, "pcm_s16le")
    monkeypatch.chdir(tmp_path)
    assert read(Path("a.wav"))[1].samples == 8_000
