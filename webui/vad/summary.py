"""A result in a few figures, and why a result is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from webui.vad.level import speech_level
from webui.vad.options import VadOptions, option_info
from webui.vad.scores import SpeechScores
from webui.vad.segment import EndReason, Segment


@dataclass(frozen=True)
class Summary:
    """A result in figures.

    Attributes:
        count: segments.
        capped: segments that were cut at max_single_segment_time.
        speech_ms: sum of their lengths.
        speech_share: of the whole duration, 0 to 1.
        longest_ms: the longest segment; 0 without segments.
        longest_pause_ms: the longest stretch outside segments, edges included.
    """

    count: int
    capped: int
    speech_ms: int
    speech_share: float
    longest_ms: int
    longest_pause_ms: int


def summarise(segments: Sequence[Segment], duration_ms: int) -> Summary:
    """Put a result into figures.

    Args:
        segments: in order of time.
        duration_ms: of the recording.
    """
    speech_ms = sum(s.duration_ms for s in segments)
    ends = [0, *(s.end_ms for s in segments)]
    starts = [*(s.start_ms for s in segments), duration_ms]
    return Summary(
        count=len(segments),
        capped=sum(s.end_reason is EndReason.MAX_LENGTH for s in segments),
        speech_ms=speech_ms,
        speech_share=speech_ms / duration_ms if duration_ms else 0.0,
        longest_ms=max((s.duration_ms for s in segments), default=0),
        longest_pause_ms=max(start - end for start, end in zip(starts, ends, strict=True)),
    )


def summarise_tracks(tracks: Sequence[Sequence[Segment]], duration_ms: int) -> Summary:
    """Put the results of a recording's channels into figures of one.

    Counts and lengths are summed, the share is the mean of the channels', and the longest
    pause is one in which nobody speaks.

    Args:
        tracks: segments of each channel, in order of time; at least one channel.
        duration_ms: of the recording.
    """
    each = [summarise(segments, duration_ms) for segments in tracks]
    pause_ms = at_ms = 0
    for segment in sorted(segment for segments in tracks for segment in segments):
        pause_ms = max(pause_ms, segment.start_ms - at_ms)
        at_ms = max(at_ms, segment.end_ms)
    return Summary(
        count=sum(one.count for one in each),
        capped=sum(one.capped for one in each),
        speech_ms=sum(one.speech_ms for one in each),
        speech_share=sum(one.speech_share for one in each) / len(each),
        longest_ms=max(one.longest_ms for one in each),
        longest_pause_ms=max(pause_ms, duration_ms - at_ms),
    )


EmptyReason = Literal["too_short", "silent", "below_threshold", "too_brief", "dropped"]

_TEXTS: dict[EmptyReason, dict[str, str]] = {
    "too_short": {
        "en": "The recording is too short to hold speech: the model looks at 25 ms at a time.",
        "zh": "录音太短，无法判断：模型每次需要 25 毫秒的音频。",
    },
    "silent": {
        "en": "The recording is completely silent: every sample is zero. "
        "Is the right channel chosen, was the microphone on?",
        "zh": "录音完全静音：所有采样均为零。声道选对了吗？麦克风打开了吗？",
    },
    "below_threshold": {
        "en": "No frame reached the threshold: the highest speech probability is {highest}, "
        "{needed} are asked for.",
        "zh": "没有一帧达到阈值：最高语音概率为 {highest}，当前要求 {needed}。",
    },
    "too_brief": {
        "en": "Speech was seen, but never for long enough: the highest speech probability is "
        "{highest}, yet fewer than {wanted_ms} ms of speech lie within any {window_ms} ms.",
        "zh": "出现过语音，但都太短：最高语音概率为 {highest}，"
        "而任意 {window_ms} 毫秒窗内的语音都不足 {wanted_ms} 毫秒。",
    },
    "dropped": {
        "en": "Speech was found, but no segment is as long as the shortest speech, "
        "{shortest_ms} ms: the longest has {longest_ms} ms.",
        "zh": "找到了语音，但没有片段达到最短语音 {shortest_ms} 毫秒："
        "最长的只有 {longest_ms} 毫秒。",
    },
}
_ADVICE = {
    "en": ("With the threshold at {threshold} there would be {count} segment(s).", " "),
    "zh": ("阈值为 {threshold} 时会有 {count} 个语音片段。", ""),
}
_FIXED = {
    "en": "Dynamic silence fixes the threshold at 0.5: turn it off to lower it.",
    "zh": "动态静音把阈值固定为 0.5：关闭后才能调低。",
}
_NO_ADVICE = {
    "en": "No threshold would find speech here.",
    "zh": "任何阈值都找不到语音。",
}


@dataclass(frozen=True)
class Explanation:
    """Why a result has no segments.

    Attributes:
        reason: the kind of reason.
        highest_probability: of all frames, 0 to 1.
        alternatives: thresholds that would find something, highest first, each
            with the number of segments that it would give.
        options: those in force.
        longest_ms: of what the shortest speech dropped; 0 if nothing.
    """

    reason: EmptyReason
    highest_probability: float
    alternatives: tuple[tuple[float, int], ...]
    options: VadOptions
    longest_ms: int = 0

    def message(self, language: str = "en") -> str:
        """Say it in ``language`` ("en" or "zh")."""
        text = _TEXTS[self.reason][language].format(
            highest=f"{self.highest_probability:.0%}",
            needed=f"{self.options.speech_probability:.0%}",
            wanted_ms=self.options.sil_to_speech_time_thres,
            window_ms=self.options.window_size_ms,
            shortest_ms=self.options.min_speech_ms,
            longest_ms=self.longest_ms,
        )
        if self.reason in ("too_short", "silent", "dropped"):
            return text
        advice, space = _ADVICE[language]
        lines = [
            advice.format(threshold=f"{threshold:g}", count=count)
            for threshold, count in self.alternatives
        ]
        otherwise = _FIXED if self.options.dynamic_silence else _NO_ADVICE
        return space.join([text, *(lines or [otherwise[language]])])


def explain_empty(scores: SpeechScores, options: VadOptions) -> Explanation:
    """Say why these options find nothing, and which thresholds would find something."""
    probabilities = scores.probabilities
    highest = float(probabilities.max(initial=0.0))
    longest_ms = _longest_dropped_ms(scores, options)
    reason: EmptyReason
    if not len(probabilities):
        reason = "too_short"
    elif any(notice.code == "silent" for notice in scores.audio.notices):
        reason = "silent"
    elif longest_ms:
        reason = "dropped"
    elif highest < speech_level(options.speech_noise_thres_in_force):
        reason = "below_threshold"
    else:
        reason = "too_brief"
    return Explanation(reason, highest, _lower_thresholds(scores, options), options, longest_ms)


def _longest_dropped_ms(scores: SpeechScores, options: VadOptions) -> int:
    if not options.min_speech_ms:
        return 0
    unpadded = replace(options, min_speech_ms=0, pad_start_ms=0, pad_end_ms=0)
    return max((s.duration_ms for s in scores.segments(unpadded)), default=0)


def _lower_thresholds(scores: SpeechScores, options: VadOptions) -> tuple[tuple[float, int], ...]:
    """The three highest thresholds, in steps of 0.1, whose results differ and are not empty.

    -1 is left out: there every frame counts as speech, whatever it is. Dynamic silence
    leaves no choice.
    """
    found: list[tuple[float, int]] = []
    lowest = option_info("speech_noise_thres").minimum
    if options.dynamic_silence:
        return ()
    tenths = range(int(np.ceil(options.speech_noise_thres * 10)) - 1, int(lowest * 10), -1)
    for threshold in (tenth / 10 for tenth in tenths):
        count = len(scores.segments(replace(options, speech_noise_thres=threshold)))
        if count and (not found or count != found[-1][1]):
            found.append((threshold, count))
        if len(found) == 3:
            break
    return tuple(found)
