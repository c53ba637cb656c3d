"""WAV headers that come through a pipe, and the last of a stream that is kept."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webui.audio.past import AudioPast
from webui.audio.pcm import SAMPLE_FORMATS, PcmFormat
from webui.audio.reader import open_audio
from webui.audio.wav_pipe import is_wav, refuse_other, wav_head, wav_start
from webui.errors import DecodeError, NotPcmError


@pytest.mark.parametrize("sample_format", SAMPLE_FORMATS)
def test_a_header_is_read_as_it_was_written(sample_format, tmp_path: Path):
    format = PcmFormat(44_100, 2, sample_format)
    head = wav_head(format, 441 * format.frame_bytes)
    start = wav_start(head + b"more", "x")
    assert start is not None
    assert (start.format, start.offset_bytes) == (format, len(head))
    assert start.size_bytes == 441 * format.frame_bytes
    # And by others.
    (tmp_path / "a.wav").write_bytes(head + bytes(441 * format.frame_bytes))
    with open_audio(tmp_path / "a.wav") as blocks:
        assert sum(map(len, blocks)) == 160
        assert blocks.report().channels == 2


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000, 0x7FFF_FF00])
def test_a_length_that_a_pipe_could_not_know(size):
    head = wav_head(PcmFormat(16_000), 0)[:-4] + struct.pack("<I", size)
    start = wav_start(head, "x")
    assert start is not None and start.size_bytes is None


def test_a_header_that_comes_byte_by_byte():
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"abcd")
    whole = stream.getvalue()
    head = whole[:36] + b"LIST" + struct.pack("<I", 5) + b"INFO.\0" + whole[36:]
    assert [is_wav(head[:n]) for n in range(12)] == [None] * 12
    for end in range(12, len(head) - 4):
        assert is_wav(head[:end]) is True
        assert wav_start(head[:end], "x") is None
    start = wav_start(head[:-4], "x")
    assert start is not None and head[start.offset_bytes :] == b"abcd"


def test_24_bits_in_an_extensible_header():
    plain = wav_head(PcmFormat(48_000, 2, "s24le"), 600)
    described = struct.pack("<H", 0xFFFE) + plain[22:36] + struct.pack("<HHI", 22, 24, 3)
    described += struct.pack("<H", 1) + bytes(14)
    head = plain[:16] + struct.pack("<I", len(described)) + described + plain[36:]
    start = wav_start(head, "x")
    assert start is not None and start.format == PcmFormat(48_000, 2, "s24le")


def test_what_is_no_plain_samples():
    assert is_wav(b"RIFX") is False and is_wav(b"\0\0\0\0") is False and is_wav(b"RA") is False
    refuse_other(b"\0\1\2\3 raw samples", "x")
    for head in (b"fLaC\0\0\0\x22", b"OggS\0\2", b"ID3\4"):
        with pytest.raises(NotPcmError, match="ffmpeg"):
            refuse_other(head, "x")
    adpcm = bytearray(wav_head(PcmFormat(8000), 0))
    adpcm[20:22] = struct.pack("<H", 0x11)
    with pytest.raises(NotPcmError):
        wav_start(bytes(adpcm), "x")
    odd = bytearray(wav_head(PcmFormat(8000), 0))
    odd[24:28] = struct.pack("<I", 5)
    with pytest.raises(DecodeError, match="1000 to 384000"):
        wav_start(bytes(odd), "x")
    with pytest.raises(NotPcmError):
        wav_start(b"RIFF\0\0\0\0WAVE" + b"junk\xff\xff\xff\x7f" + bytes(70_000), "x")


@example(pieces=[bytes(15), bytes(16)], needed=[0] * 60, span=(0, 31))
@given(
    pieces=st.lists(st.binary(max_size=90), max_size=60),
    needed=st.lists(st.integers(0, 60), min_size=60, max_size=60),
    span=st.tuples(st.integers(0, 300), st.integers(0, 500)),
)
@settings(max_examples=100, deadline=None)
def test_what_is_needed_is_there_and_little_else(pieces, needed, span):
    stream, kept_from = b"", 0
    with AudioPast(block_bytes=16) as past:
        for piece, step in zip(pieces, needed, strict=False):
            past.add(piece)
            stream += piece
            kept_from = min(kept_from + step, len(stream))
            past.forget_before(kept_from)
            assert past.memory_bytes <= 8 * 16
            held_bytes = past.memory_bytes + past.disk_bytes
            assert held_bytes <= len(stream) - kept_from + 16
        first, end = kept_from + span[0], kept_from + span[1]
        assert b"".join(past.read(first, end)) == stream[first:end]


def test_files_disappear_with_the_stream(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with AudioPast(block_bytes=16) as past:
        past.add(bytes(1000))
        assert past.disk_bytes > 0 and list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
