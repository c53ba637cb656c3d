"""Files that are broken, odd or hostile end in a typed error or a result with its reason."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audio.recordings import best_lag, codes, encode, read, sweep
from webui.audio.reader import open_audio
from webui.audio.report import Notice
from webui.errors import (
    AudioError,
    ChannelMissingError,
    DecodeError,
    EmptyFileError,
    FileMissingError,
    NoAudioStreamError,
    NotAudioError,
    ProtectedAudioError,
)

STEREO_48K = np.stack([sweep(4, 48_000)] * 2)


def m4a(path: Path) -> Path:
    return encode(path, STEREO_48K, 48_000, "aac")


def reads_as_chinese(error: AudioError) -> None:
    """No English words where the text of the class has none: names of formats and codecs apart."""
    text = type(error).texts["zh"]
    blanks = {name: "" for name in error.details if name not in ("reason", "reason_zh")}
    said = text.format_map({**blanks, "reason_zh": error.details.get("reason_zh", "")})
    assert "reason" not in error.details or error.details["reason_zh"]
    bare = text.format_map({**blanks, "reason_zh": ""})
    assert re.findall(r"[A-Za-z]{3,}", said) == re.findall(r"[A-Za-z]{3,}", bare)


def check_refused(path: Path, kind: type[AudioError]) -> AudioError:
    with pytest.raises(kind) as caught:
        open_audio(path)
    error = caught.value
    assert type(error) is kind
    assert error.details["file"] == path.name
    for language in ("en", "zh"):
        message = error.message(language)
        assert path.name in message
        assert str(path.parent) not in message
    reads_as_chinese(error)
    return error


def test_no_such_file(tmp_path: Path) -> None:
    check_refused(tmp_path / "nowhere.wav", FileMissingError)


def test_an_address_is_not_fetched() -> None:
    with pytest.raises(FileMissingError):
        open_audio("http://127.0.0.1:9/a.wav")


def test_zero_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    check_refused(path, EmptyFileError)


def test_a_directory(tmp_path: Path) -> None:
    path = tmp_path / "folder.wav"
    path.mkdir()
    check_refused(path, NotAudioError)


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    check_refused(tmp_path / "nul\0l.wav", AudioError)
    check_refused(tmp_path / ("long" * 100 + ".wav"), AudioError)


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "m4a", "txt"])
def test_a_text_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text.{suffix}"
    path.write_text("This is not a recording, whatever its name says.\n" * 200, encoding="utf-8")
    check_refused(path, NotAudioError)


@pytest.mark.parametrize("suffix", ["wav", "mp3", "aac", "ac3", "flac", "ogg", "m4a", "bin"])
@pytest.mark.parametrize("seed", range(5))
def test_random_bytes(tmp_path: Path, suffix: str, seed: int) -> None:
    path = tmp_path / f"random.{suffix}"
    path.write_bytes(np.random.default_rng(seed).bytes(100_000))
    check_refused(path, NotAudioError)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nreal.aac\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile real.aac\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
    ],
)
@pytest.mark.parametrize("suffix", ["m3u8", "txt", "sdp", "wav"])
def test_a_playlist_does_not_lead_elsewhere(tmp_path: Path, text: str, suffix: str) -> None:
    encode(tmp_path / "real.aac", STEREO_48K, 48_000, "aac")
    path = tmp_path / f"list.{suffix}"
    path.write_text(text)
    check_refused(path, NotAudioError)


def test_a_video_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as media:
        video = media.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
        media.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        media.mux(video.encode(None))
    check_refused(path, NoAudioStreamError)


@pytest.mark.parametrize("tag", [b"drms", b"enca"])
def test_a_protected_track(tmp_path: Path, tag: bytes) -> None:
    path = tmp_path / "bought.m4a"
    path.write_bytes(m4a(tmp_path / "plain.m4a").read_bytes().replace(b"mp4a", tag))
    check_refused(path, ProtectedAudioError)


def test_encrypted_packets(tmp_path: Path) -> None:
    encryption = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    path = encode(tmp_path / "a.mp4", STEREO_48K, 48_000, "aac", options=encryption)
    check_refused(path, ProtectedAudioError)


def test_a_codec_without_decoder(tmp_path: Path) -> None:
    plain = encode(tmp_path / "plain.webm", STEREO_48K, 48_000, "libopus")
    path = tmp_path / "odd.webm"
    path.write_bytes(plain.read_bytes().replace(b"A_OPUS", b"A_ODD!"))
    check_refused(path, ProtectedAudioError)


def test_an_mp4_without_its_index(tmp_path: Path) -> None:
    path = tmp_path / "half.m4a"
    whole = m4a(tmp_path / "whole.m4a").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    check_refused(path, DecodeError)


def test_nothing_but_damage(tmp_path: Path) -> None:
    whole = m4a(tmp_path / "whole.m4a").read_bytes()
    start, index = whole.index(b"mdat") + 4, whole.index(b"moov") - 4
    path = tmp_path / "noise.m4a"
    path.write_bytes(whole[:start] + b"\xff" * (index - start) + whole[index:])
    check_refused(path, DecodeError)


def test_a_missing_channel(tmp_path: Path) -> None:
    path = encode(tmp_path / "mono.wav", sweep(1)[np.newaxis], 16_000, "pcm_s16le")
    with pytest.raises(ChannelMissingError, match=r'mono\.wav has 1 channel.*"right"'):
        open_audio(path, "right")


def test_an_unknown_channel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mix, left or right"):
        open_audio(tmp_path / "a.wav", "middle")  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_header_without_samples(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"header.{suffix}"
    soundfile.write(path, np.zeros(100), 16_000, subtype="PCM_16")
    content = path.read_bytes()
    if suffix == "wav":
        path.write_bytes(content[:40] + bytes(4))
    else:
        # One block of metadata, marked as the last: 34 bytes that describe the stream.
        path.write_bytes(content[:4] + b"\x80\0\0\x22" + content[8:42])
    found, report = read(path)
    assert len(found) == report.samples == report.duration_ms == 0
    assert codes(report) == ["too_short"]


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_ten_samples(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "ten.wav"
    soundfile.write(path, np.full(10, 0.1), rate_hz, subtype="PCM_16")
    found, report = read(path)
    assert len(found) == -(-10 * 16_000 // rate_hz)
    assert codes(report)[-1] == "too_short"


def test_silence(tmp_path: Path) -> None:
    path = tmp_path / "silence.flac"
    soundfile.write(path, np.zeros((48_000, 2)), 48_000)
    assert codes(read(path)[1]) == ["resampled", "mixed", "silent"]


def test_one_sample_is_enough_not_to_be_silent(tmp_path: Path) -> None:
    path = tmp_path / "tick.wav"
    samples = np.zeros(16_000)
    samples[3] = 1 / 32_768
    soundfile.write(path, samples, 16_000, subtype="PCM_16")
    assert codes(read(path)[1]) == []


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_numbers_that_are_none(tmp_path: Path, subtype: str, rate_hz: int) -> None:
    samples = np.stack([np.full(rate_hz, 0.25)] * 2, axis=1)
    samples[100, 0], samples[200, 1], samples[300, 0] = np.nan, np.inf, -np.inf
    samples[400, 1] = 1e300 if subtype == "DOUBLE" else 3e38
    path = tmp_path / "odd.wav"
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    found, report = read(path)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 0.3
    assert Notice("non_finite", {"count": 4}) in report.notices


def test_nothing_but_nan(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.full(16_000, np.nan), 16_000, subtype="FLOAT")
    found, report = read(path)
    assert not found.any()
    assert report.notices == (Notice("non_finite", {"count": 16_000}), Notice("silent"))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
        ("webm", "libopus"),
    ],
)
def test_a_file_that_was_cut_off(tmp_path: Path, suffix: str, codec: str) -> None:
    path = encode(tmp_path / f"a.{suffix}", STEREO_48K, 48_000, codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, report = read(path)
    notice = next(notice for notice in report.notices if notice.code == "truncated")
    assert notice.details["announced_s"] == pytest.approx(4, abs=0.1)
    assert 1_000 < report.duration_ms < 3_000
    assert best_lag(found[:12_000], sweep(0.75))[1] > 0.97


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF - 38])
def test_a_wav_written_to_a_pipe_is_not_called_cut_off(tmp_path: Path, size: int) -> None:
    path = encode(tmp_path / "a.wav", sweep(4)[np.newaxis], 16_000, "pcm_s16le")
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + struct.pack("<I", size) + content[at + 4 :])
    report = read(path)[1]
    assert report.duration_ms == 4_000
    assert report.notices == ()


def test_an_mp3_without_length_is_not_called_cut_off(tmp_path: Path) -> None:
    # Its duration is a guess from the bit rate of its beginning.
    rng = np.random.default_rng(3)
    quiet_then_busy = np.concatenate([rng.uniform(-1, 1, 64_000), np.zeros(640_000)])
    options = {"write_xing": "0"}
    path = tmp_path / "vbr.mp3"
    samples = quiet_then_busy.astype(np.float32)[np.newaxis]
    encode(path, samples, 16_000, "libmp3lame", options=options)
    assert "truncated" not in codes(read(path)[1])


def test_a_sound_shorter_than_its_film_is_not_called_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    encode(path, STEREO_48K, 48_000, "aac", with_video=True, video_seconds=9)
    assert "truncated" not in codes(read(path)[1])


def test_damage_in_the_middle_is_skipped_and_counted(tmp_path: Path) -> None:
    path = m4a(tmp_path / "a.m4a")
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    third = (content.index(b"moov") - start) // 3
    content[start + third : start + third + 1_500] = b"\xff" * 1_500
    path.write_bytes(content)
    found, report = read(path)
    assert "damaged_packets" in codes(report)
    assert 3_000 < report.duration_ms < 4_050
    assert np.isfinite(found).all()


@pytest.mark.parametrize("rate_hz", [1, 999, 2_000_000, 2**31 - 1])
def test_an_absurd_sample_rate(tmp_path: Path, rate_hz: int) -> None:
    path = encode(tmp_path / "a.wav", sweep(1)[np.newaxis], 16_000, "pcm_s16le")
    content = path.read_bytes()
    path.write_bytes(content[:24] + struct.pack("<I", rate_hz) + content[28:])
    check_refused(path, DecodeError)


def test_a_closed_reader_ends(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", sweep(4)[np.newaxis], 16_000, "pcm_s16le")
    with open_audio(path, block_s=1) as audio:
        next(audio)
    assert list(audio) == []
    audio.close()
    assert audio.report().samples == 16_000


BASES: dict[str, Callable[[Path], Path]] = {
    "wav": lambda path: encode(path, STEREO_48K[:, :9_000], 48_000, "pcm_s16le"),
    "flac": lambda path: encode(path, STEREO_48K[:, :9_000], 48_000, "flac"),
    "mp3": lambda path: encode(path, STEREO_48K[:, :9_000], 48_000, "libmp3lame"),
    "m4a": lambda path: encode(path, STEREO_48K[:, :9_000], 48_000, "aac"),
    "webm": lambda path: encode(path, STEREO_48K[:, :9_000], 48_000, "libopus"),
    "ogg": lambda path: encode(path, STEREO_48K[:, :9_000], 48_000, "libopus"),
}


@pytest.mark.parametrize("suffix", BASES)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    kept=st.floats(0.01, 1),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_is_an_audio_error_or_a_finite_result(
    tmp_path: Path, suffix: str, changes: list[tuple[float, bytes]], kept: float
) -> None:
    base = tmp_path / f"base.{suffix}"
    if not base.exists():
        BASES[suffix](base)
    content = bytearray(base.read_bytes())
    for place, replacement in changes:
        at = int(place * len(content))
        content[at : at + len(replacement)] = replacement
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(content[: max(1, int(kept * len(content)))])
    try:
        found, report = read(path)
    except AudioError as error:
        reads_as_chinese(error)
    else:
        assert np.isfinite(found).all()
        assert len(found) == report.samples
        assert report.describe("zh")
