"""A part of a recording, read alone, is the same part of the whole decoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.audio.recordings import RATE_HZ, Samples, best_lag, encode, read, sweep
from webui.audio import FRAME_HOP_SAMPLES, excerpt
from webui.audio.excerpt import read_excerpt
from webui.audio.report import Channel
from webui.errors import FileMissingError

SECONDS = 20.0
# In the middle, in the middle of a packet, and over the end.
PARTS = [(9 * RATE_HZ, 3 * RATE_HZ), (round(13.037 * RATE_HZ), 37_211), (18 * RATE_HZ, 99_999)]

# Suffix, codec, rate, and how far the stamps of the file let a part be off, in samples:
# Matroska counts milliseconds.
SOUGHT = [
    ("wav", "pcm_s16le", 16_000, 0),
    ("wav", "pcm_s16le", 44_100, 0),
    ("wav", "pcm_f32le", 11_025, 0),
    ("wav", "pcm_s24le", 48_000, 0),
    ("wav", "pcm_mulaw", 8_000, 0),
    ("flac", "flac", 16_000, 0),
    ("flac", "flac", 44_100, 0),
    ("mp3", "libmp3lame", 44_100, 0),
    ("mp3", "libmp3lame", 16_000, 0),
    ("m4a", "aac", 44_100, 0),
    ("mp4", "aac", 48_000, 0),
    ("aac", "aac", 48_000, 0),
    ("opus", "libopus", 48_000, 0),
    ("ogg", "vorbis", 44_100, 0),
    ("webm", "libopus", 48_000, 16),
    ("mkv", "aac", 48_000, 16),
    ("mkv", "aac", 44_100, 16),
]


def stereo(seconds: float, rate_hz: int) -> Samples:
    tone = sweep(seconds, rate_hz)
    return np.stack([tone, 0.3 * tone[::-1]])


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Recordings that were decoded from their start."""
    noted: list[Path] = []
    original = excerpt._from_the_start

    def from_the_start(path: Path, *rest: object) -> Samples:
        noted.append(path)
        return original(path, *rest)

    monkeypatch.setattr(excerpt, "_from_the_start", from_the_start)
    return noted


def check_parts(path: Path, channel: Channel, most_off: int) -> None:
    whole, report = read(path, channel)
    for first, count in PARTS:
        wanted = whole[first : first + count]
        found = read_excerpt(path, report, first, count)
        assert len(wanted) - most_off <= len(found) <= len(wanted)
        lag, likeness = best_lag(found, wanted[: len(found)])
        assert abs(lag) <= most_off < FRAME_HOP_SAMPLES
        if most_off:
            assert likeness > 0.85  # a tone of 3 kHz, as much as 16 samples off
        else:
            # A codec hides a little noise in its sound, and not the same each time.
            assert np.abs(found - wanted).max() < 0.005


@pytest.mark.parametrize(("suffix", "codec", "rate_hz", "most_off"), SOUGHT)
@pytest.mark.parametrize("channel", ["mix", "right"])
def test_a_part_is_that_of_the_whole(
    tmp_path: Path,
    starts: list[Path],
    suffix: str,
    codec: str,
    rate_hz: int,
    most_off: int,
    channel: Channel,
) -> None:
    path = encode(tmp_path / f"a.{suffix}", stereo(SECONDS, rate_hz), rate_hz, codec)
    check_parts(path, channel, most_off)
    assert starts == []


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_sound_of_a_film_is_sought_by_its_picture(
    tmp_path: Path, starts: list[Path], suffix: str
) -> None:
    sound = stereo(SECONDS, 44_100)
    check_parts(encode(tmp_path / f"a.{suffix}", sound, 44_100, "aac", with_video=True), "left", 16)
    assert starts == []


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_where_time_stamps_may_leap_all_before_is_decoded(
    tmp_path: Path, starts: list[Path], suffix: str
) -> None:
    # A film that goes on without sound: how long the sound is, nobody says.
    options = {"with_video": True, "video_seconds": SECONDS + 3} if suffix == "mkv" else {}
    path = encode(tmp_path / f"a.{suffix}", stereo(SECONDS, 48_000), 48_000, "aac", **options)
    check_parts(path, "mix", 0)
    assert len(starts) == len(PARTS)


def test_behind_damage_the_clock_is_that_of_the_scores(tmp_path: Path, starts: list[Path]) -> None:
    path = encode(tmp_path / "a.mp3", stereo(SECONDS, 44_100), 44_100, "libmp3lame")
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 30_000] = bytes(30_000)
    path.write_bytes(content)
    whole, report = read(path)
    first, count = 12 * RATE_HZ, RATE_HZ
    np.testing.assert_array_equal(
        read_excerpt(path, report, first, count), whole[first : first + count]
    )


def test_the_beginning_and_what_is_beyond_the_end(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", stereo(3, 44_100), 44_100, "flac")
    whole, report = read(path)
    np.testing.assert_array_equal(read_excerpt(path, report, 0, 5_000), whole[:5_000])
    np.testing.assert_array_equal(read_excerpt(path, report, 77, 10**9), whole[77:])
    assert len(read_excerpt(path, report, len(whole), 100)) == 0
    assert len(read_excerpt(path, report, 10**9, 100)) == 0


def test_signs_of_life_come_while_much_is_decoded(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.ts", stereo(SECONDS, 16_000), 16_000, "aac")
    _, report = read(path)
    told: list[None] = []
    read_excerpt(path, report, 18 * RATE_HZ, 100, lambda: told.append(None))
    assert len(told) >= 4


def test_a_recording_that_is_gone(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", stereo(5, 16_000), 16_000, "pcm_s16le")
    _, report = read(path)
    path.unlink()
    for first in (0, 3 * RATE_HZ):
        with pytest.raises(FileMissingError):
            read_excerpt(path, report, first, 100)
