"""What the report says, and in which words."""

from __future__ import annotations

import pickle
import string
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tests.audio.recordings import encode, read, sweep
from webui.audio import report as module
from webui.audio.report import AudioReport, Channel, Notice, NoticeCode, codec_text, rate_text

REPORT = AudioReport(
    file="a.m4a",
    container="mov",
    codec="aac",
    sample_rate_hz=48_000,
    channels=2,
    channel="mix",
    sample_format="fltp",
    duration_ms=1_000,
    samples=16_000,
    notices=(Notice("mixed", {"channels": 2}),),
)


def described(language: str, channels: int, rate_hz: int, channel: Channel) -> str:
    changes = {"channels": channels, "sample_rate_hz": rate_hz, "channel": channel}
    return AudioReport(**{**vars(REPORT), **changes}).describe(language)


@pytest.mark.parametrize(
    ("language", "channels", "rate_hz", "channel", "line"),
    [
        ("en", 2, 48_000, "mix", "48 kHz stereo, AAC → 16 kHz mono (mean of both channels)"),
        ("en", 2, 8_000, "right", "8 kHz stereo, AAC → 16 kHz mono (right channel)"),
        ("en", 6, 44_100, "mix", "44.1 kHz 6 channels, AAC → 16 kHz mono (mean of all 6 channels)"),
        ("en", 1, 22_050, "mix", "22.05 kHz mono, AAC → 16 kHz mono"),
        ("en", 1, 16_000, "left", "16 kHz mono, AAC"),
        ("zh", 2, 48_000, "left", "48 kHz 立体声，AAC → 16 kHz 单声道（左声道）"),
        ("zh", 6, 16_000, "mix", "16 kHz 6 声道，AAC → 16 kHz 单声道（6 个声道的平均）"),
        ("zh", 1, 16_000, "mix", "16 kHz 单声道，AAC"),
    ],
)
def test_describe(language: str, channels: int, rate_hz: int, channel: Channel, line: str) -> None:
    assert described(language, channels, rate_hz, channel) == line


def test_each_notice_has_both_languages_with_the_same_fields() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    texts = module._NOTICES
    for language in ("en", "zh"):
        assert set(texts[language]) == set(get_args(NoticeCode))
    for code in get_args(NoticeCode):
        assert fields(texts["en"][code]) == fields(texts["zh"][code])
    assert set(module._PHRASES["en"]) == set(module._PHRASES["zh"])


def test_a_notice_is_said_in_the_language_asked_for() -> None:
    notice = Notice("truncated", {"announced_s": 4.0, "decoded_s": 2.5})
    assert notice.message() == (
        "The file announces 4.0 s of sound but holds 2.5 s; it was cut off."
    )
    assert "4.0 秒" in notice.message("zh")
    assert notice.message("fr") == notice.message("en")


def test_a_report_crosses_between_processes() -> None:
    assert pickle.loads(pickle.dumps(REPORT)) == REPORT
    assert hash(REPORT) == hash(pickle.loads(pickle.dumps(REPORT)))


def test_the_report_of_a_real_file(tmp_path: Path) -> None:
    samples = np.stack([sweep(1, 44_100)] * 2)
    path = encode(tmp_path / "talk.flac", samples, 44_100, "flac", sample_format="s16")
    assert read(path)[1] == AudioReport(
        file="talk.flac",
        container="flac",
        codec="flac",
        sample_rate_hz=44_100,
        channels=2,
        channel="mix",
        sample_format="s16",
        duration_ms=1_000,
        samples=16_000,
        notices=(
            Notice("resampled", {"rate": "44.1 kHz", "wanted": "16 kHz"}),
            Notice("mixed", {"channels": 2}),
        ),
    )


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("pcm_s16le", "PCM 16-bit"),
        ("pcm_u8", "PCM 8-bit"),
        ("pcm_f32be", "PCM 32-bit float"),
        ("pcm_mulaw", "µ-law"),
        ("opus", "Opus"),
        ("wmav2", "WMAV2"),
    ],
)
def test_codec_names(codec: str, text: str) -> None:
    assert codec_text(codec) == text


def test_rates() -> None:
    assert [rate_text(rate) for rate in (8_000, 22_050, 96_000)] == ["8 kHz", "22.05 kHz", "96 kHz"]
