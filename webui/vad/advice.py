"""What is odd about a result, and the one change of an option that would mend it.

Every change that is suggested was tried: it comes with the segments that it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from webui.vad.options import VadOptions, option_info
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment
from webui.vad.summary import Summary, explain_empty, summarise

Oddity = Literal["empty", "one_segment", "capped", "mostly_speech", "brief"]

# In a shorter recording, nothing but speech is what one expects.
_LONG_MS = 10_000
_ONE_SHARE = 0.9
_SPEECH_SHARE = 0.95
_BRIEF_MS = 300
_BRIEF_COUNT = 4
_BRIEF_SHARE = 0.25
_CAPPED_COUNT = 2
_CAPPED_SHARE = 0.25

_TEXTS: dict[Oddity, dict[str, str]] = {
    "empty": {"en": "No speech found.", "zh": "没有找到语音。"},
    "one_segment": {
        "en": "One segment covers nearly the whole recording.",
        "zh": "一个片段几乎覆盖了整段录音。",
    },
    "capped": {
        "en": "{capped} of {count} segments were cut at the longest length: "
        "no pause in them was long enough.",
        "zh": "{count} 个片段中有 {capped} 个在最大时长处被强制切断：其中没有足够长的停顿。",
    },
    "mostly_speech": {
        "en": "{share} of the recording is taken for speech. Is there noise in it?",
        "zh": "录音的 {share} 被判为语音。其中是否有噪声？",
    },
    "brief": {
        "en": "{brief} of {count} segments are shorter than {brief_ms} ms.",
        "zh": "{count} 个片段中有 {brief} 个短于 {brief_ms} 毫秒。",
    },
}
_ADVICE = {
    "en": "{change}: {count} segment(s)",
    "zh": "{change}：{count} 个片段",
}


@dataclass(frozen=True)
class Change:
    """Another value of one option, and what it would give.

    Attributes:
        name: of the option.
        value: to try.
        count: segments with it.
    """

    name: str
    value: int | float
    count: int

    def message(self, language: str = "en") -> str:
        """Say it in ``language`` ("en" or "zh"): "End silence 300 ms: 7 segment(s)"."""
        info = option_info(self.name)
        change = info.label[language]
        if info.kind == "number":
            change = f"{change} {info.written(self.value, language)}"
        return _ADVICE[language].format(change=change, count=self.count)


@dataclass(frozen=True)
class Advice:
    """What is odd about a result, and what would change it.

    Attributes:
        oddity: what is odd.
        changes: each of which would do; none where nothing that was tried helps.
        summary: the result in figures.
        brief: segments shorter than 300 ms.
    """

    oddity: Oddity
    changes: tuple[Change, ...]
    summary: Summary
    brief: int

    def message(self, language: str = "en") -> str:
        """Say in ``language`` ("en" or "zh") what is odd; the changes say themselves."""
        return _TEXTS[self.oddity][language].format(
            share=f"{self.summary.speech_share:.0%}",
            count=self.summary.count,
            capped=self.summary.capped,
            brief=self.brief,
            brief_ms=_BRIEF_MS,
        )


def advise(
    scores: SpeechScores,
    options: VadOptions,
    segments: Sequence[Segment] | None = None,
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> Advice | None:
    """Tell what is odd about a result and try what would mend it; None if nothing is odd.

    Takes a few runs of the endpointer where something is odd.

    Args:
        scores: of the recording.
        options: in force.
        segments: what they give, if it is known.
        go_on: asked before each change that is tried, but those of thresholds for an empty
            result; once it says False, none is tried any more.
    """
    found = scores.segments(options) if segments is None else segments
    summary = summarise(found, scores.duration_ms)
    brief = sum(segment.duration_ms < _BRIEF_MS for segment in found)
    oddity = _oddity(summary, brief, scores.duration_ms)
    if oddity is None:
        return None
    explained = explain_empty(scores, options) if oddity == "empty" else None
    if explained is not None and explained.reason != "dropped":
        # Whatever a threshold makes of digital silence, there is no speech in it.
        found_with = () if explained.reason == "silent" else explained.alternatives
        changes = tuple(Change("speech_noise_thres", *each) for each in found_with)
    else:
        changes = _changes(oddity, scores, options, summary, brief, go_on)
    return Advice(oddity, changes, summary, brief)


def _oddity(summary: Summary, brief: int, duration_ms: int) -> Oddity | None:
    """The most telling thing that is odd."""
    if not summary.count:
        return "empty"
    if duration_ms >= _LONG_MS and summary.count == 1 and summary.speech_share >= _ONE_SHARE:
        return "one_segment"
    if summary.capped >= max(_CAPPED_COUNT, _CAPPED_SHARE * summary.count):
        return "capped"
    if duration_ms >= _LONG_MS and summary.speech_share > _SPEECH_SHARE:
        return "mostly_speech"
    if brief >= max(_BRIEF_COUNT, _BRIEF_SHARE * summary.count):
        return "brief"
    return None


def _changes(
    oddity: Oddity,
    scores: SpeechScores,
    options: VadOptions,
    summary: Summary,
    brief: int,
    go_on: Callable[[], bool],
) -> tuple[Change, ...]:
    """For each option that may help, its mildest value that does."""
    helps: dict[Oddity, Callable[[Summary, int], bool]] = {
        "empty": lambda now, _: now.count > 0,
        "one_segment": lambda now, _: now.count > 1,
        "capped": lambda now, _: now.capped <= summary.capped // 2,
        "mostly_speech": lambda now, _: now.speech_share <= summary.speech_share - 0.02,
        "brief": lambda now, count: count <= brief // 2,
    }
    changes: list[Change] = []
    for name, values in _candidates(oddity, options).items():
        for value in values:
            if not go_on():
                return tuple(changes)
            segments = scores.segments(replace(options, **{name: value}))
            now = summarise(segments, scores.duration_ms)
            left = sum(segment.duration_ms < _BRIEF_MS for segment in segments)
            # A split changes where segments are cut, not whether they are.
            if now.count and (name == "split_capped" or helps[oddity](now, left)):
                changes.append(Change(name, value, now.count))
                break
    return tuple(changes)


def _candidates(oddity: Oddity, options: VadOptions) -> dict[str, list[Any]]:
    """Values to try, by option, the mildest first."""
    silence, threshold = options.max_end_silence_time, options.speech_noise_thres
    raised = [round(threshold + step, 2) for step in (0.1, 0.2, 0.3) if threshold + step < 0.96]
    shorter = [ms for ms in (800, 500, 300, 150) if ms < silence]
    if oddity == "empty":
        return {"min_speech_ms": [ms for ms in (200, 0) if ms < options.min_speech_ms]}
    if oddity == "brief":
        return {
            "min_pause_ms": [ms for ms in (300, 500, 1000) if ms > options.min_pause_ms],
            "min_speech_ms": [_BRIEF_MS] if options.min_speech_ms < _BRIEF_MS else [],
        }
    if oddity == "mostly_speech":
        return {"speech_noise_thres": raised, "max_end_silence_time": shorter}
    if oddity == "capped":
        split = [] if options.split_capped else [True]
        return {"split_capped": split, "max_end_silence_time": shorter}
    return {"max_end_silence_time": shorter, "speech_noise_thres": raised}
