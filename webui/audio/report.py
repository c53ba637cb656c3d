"""What was found in a recording and what was done to it, in two languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from webui.audio import SAMPLE_RATE_HZ

Channel = Literal["mix", "left", "right"]
"""What a track of samples was taken from: the mean of all channels, the first, the second."""

ChannelChoice = Literal["mix", "left", "right", "each"]
"""What may be asked for; "each" gives left and right apart."""

CHANNEL_CHOICES: tuple[ChannelChoice, ...] = ("mix", "left", "right", "each")

NoticeCode = Literal[
    "resampled",
    "mixed",
    "one_channel",
    "first_two",
    "format_changed",
    "truncated",
    "damaged_packets",
    "non_finite",
    "silent",
    "too_short",
    "video",
    "several_tracks",
]

_NOTICES: dict[str, dict[NoticeCode, str]] = {
    "en": {
        "resampled": "Resampled from {rate} to {wanted}.",
        "mixed": "The {channels} channels were averaged into one.",
        "one_channel": "The recording has one channel, so there is nothing to tell apart.",
        "first_two": "Of its {channels} channels the first two were used, each for itself.",
        "format_changed": "The sample rate or the channels change inside the file; "
        "all of it was brought to {wanted} mono.",
        "truncated": "The file announces {announced_s} s of sound but holds {decoded_s} s; "
        "it was cut off.",
        "damaged_packets": "{count} damaged place(s) were skipped; "
        "times after them may come out too early.",
        "non_finite": "{count} sample(s) were no usable numbers (NaN, infinite, absurdly large) "
        "and were replaced by silence.",
        "silent": "The recording is entirely silent: every sample is zero.",
        "too_short": "The recording is shorter than 25 ms, too short to be analysed.",
        "video": "The sound of a video was used.",
        "several_tracks": "Audio track {track} of {tracks} was used.",
    },
    "zh": {
        "resampled": "已从 {rate} 重采样到 {wanted}。",
        "mixed": "{channels} 个声道已取平均，合为一个声道。",
        "one_channel": "录音只有一个声道，无法按声道分开。",
        "first_two": "使用了 {channels} 个声道中的前两个，分别处理。",
        "format_changed": "文件中途改变了采样率或声道，已全部转换为 {wanted} 单声道。",
        "truncated": "文件标明有 {announced_s} 秒声音，实际只有 {decoded_s} 秒，文件不完整。",
        "damaged_packets": "跳过了 {count} 处损坏的数据，其后的时间可能偏早。",
        "non_finite": "{count} 个采样值无效（NaN、无穷大或大得离谱），已替换为静音。",
        "silent": "录音全程静音：所有采样值都为零。",
        "too_short": "录音短于 25 毫秒，无法分析。",
        "video": "使用的是视频中的声音。",
        "several_tracks": "使用了 {tracks} 条音轨中的第 {track} 条。",
    },
}

_PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "1": "mono",
        "2": "stereo",
        "n": "{channels} channels",
        "line": "{source}, {codec} → {wanted} mono",
        "unchanged": "{source}, {codec}",
        "aside": "{line} ({aside})",
        "mix2": "mean of both channels",
        "mixn": "mean of all {channels} channels",
        "left": "left channel",
        "right": "right channel",
        "apart": "left and right, each for itself",
    },
    "zh": {
        "1": "单声道",
        "2": "立体声",
        "n": "{channels} 声道",
        "line": "{source}，{codec} → {wanted} 单声道",
        "unchanged": "{source}，{codec}",
        "aside": "{line}（{aside}）",
        "mix2": "两个声道的平均",
        "mixn": "{channels} 个声道的平均",
        "left": "左声道",
        "right": "右声道",
        "apart": "左右声道分别处理",
    },
}

_CODECS = {
    "aac": "AAC",
    "alac": "ALAC",
    "flac": "FLAC",
    "mp3": "MP3",
    "opus": "Opus",
    "pcm_alaw": "A-law",
    "pcm_mulaw": "µ-law",
    "vorbis": "Vorbis",
}


@dataclass(frozen=True)
class Notice:
    """One thing that a person should know about how a recording was read.

    Attributes:
        code: which thing, stable, for programs.
        details: the values in its text, by name; numbers and strings.
    """

    code: NoticeCode
    details: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)

    def message(self, language: str = "en") -> str:
        """Say it in ``language`` ("en" or "zh")."""
        texts = _NOTICES.get(language, _NOTICES["en"])
        return texts[self.code].format_map(self.details)


def duration_ms_of(samples: int) -> int:
    """How long so many samples at 16 kHz are as a recording, in whole ms, rounded."""
    return round(samples * 1000 / SAMPLE_RATE_HZ)


@dataclass(frozen=True)
class AudioReport:
    """A recording as it was read.

    Attributes:
        file: base name.
        container: short name of the container, such as "wav" or "mov".
        codec: short name of the codec, such as "pcm_s16le" or "opus".
        sample_rate_hz: of the file.
        channels: of the file.
        channel: what was taken of them.
        sample_format: of the decoded samples, in FFmpeg's words ("s16", "fltp").
        duration_ms: of the decoded 16 kHz audio, rounded.
        samples: of the decoded 16 kHz audio.
        notices: what a person should know, most basic first.
    """

    file: str
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    channel: Channel
    sample_format: str
    duration_ms: int
    samples: int
    notices: tuple[Notice, ...] = ()

    def describe(self, language: str = "en", *, is_apart: bool = False) -> str:
        """One line: "48 kHz stereo, AAC → 16 kHz mono (mean of both channels)".

        Args:
            language: "en" or "zh".
            is_apart: this is one of the two channels of a recording, and both were read.
        """
        phrases = _PHRASES.get(language, _PHRASES["en"])
        layout = phrases.get(str(self.channels), phrases["n"]).format(channels=self.channels)
        source = f"{rate_text(self.sample_rate_hz)} {layout}"
        changed = self.channels != 1 or self.sample_rate_hz != SAMPLE_RATE_HZ
        line = phrases["line" if changed else "unchanged"].format(
            source=source, codec=codec_text(self.codec), wanted=rate_text(SAMPLE_RATE_HZ)
        )
        if self.channels == 1:
            return line
        of_all = "mix2" if self.channels == 2 else "mixn"
        key = "apart" if is_apart else of_all if self.channel == "mix" else self.channel
        return phrases["aside"].format(line=line, aside=phrases[key].format(channels=self.channels))


def channel_text(channel: Channel, language: str = "en") -> str:
    """Write which channel it is as people do: "left channel"; "" for the mean of all."""
    return "" if channel == "mix" else _PHRASES.get(language, _PHRASES["en"])[channel]


def rate_text(rate_hz: int) -> str:
    """Write a sample rate as people do: 22050 as "22.05 kHz"."""
    return f"{rate_hz / 1000:g} kHz"


def codec_text(codec: str) -> str:
    """Write FFmpeg's name of a codec as people do: "pcm_s16le" as "PCM 16-bit"."""
    pcm = re.fullmatch(r"pcm_([suf])(\d+)(?:[lb]e)?(?:_planar)?", codec)
    if pcm:
        return f"PCM {pcm[2]}-bit" + (" float" if pcm[1] == "f" else "")
    return _CODECS.get(codec, codec.upper())
