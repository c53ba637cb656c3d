"""Every parameter of the endpointer: default, range, unit and help, in one place.

The page's controls, the command line's options and the API's fields are all made
from the fields of `VadOptions`. Names and defaults of what FunASR has are FunASR's
own; what it has not is off by default, so that a first run gives what FunASR gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from webui.errors import OptionsError
from webui.vad import schedule
from webui.vad.option_kinds import Group, OptionInfo, Value, number, switch, table


@dataclass(frozen=True)
class VadOptions:
    """The endpointer's parameters, checked on construction.

    All times are whole milliseconds. The defaults are those that FunASR 1.4.16
    ships with the 16 kHz model, so that a first run gives what FunASR gives.

    Raises:
        OptionsError: a value has the wrong type, lies outside its range, or
            contradicts another (a threshold longer than the window).
    """

    max_end_silence_time: int = number(
        800,
        (150, 6000, 10),
        "ms",
        label=("End silence", "尾部静音阈值"),
        text=(
            "How long it must be quiet before a segment ends. "
            "Raise it if sentences are cut in two; lower it if neighbours run together.",
            "静音持续多久才结束一个语音片段。句子被切断就调大；相邻语句连在一起就调小。",
        ),
        group="main",
    )
    speech_noise_thres: float = number(
        0.6,
        (-1.0, 1.0, 0.01),
        "",
        label=("Speech-noise threshold", "语音-噪声阈值"),
        text=(
            "How sure the model must be that a frame is speech: P(speech) - P(silence). "
            "Raise it if noise is taken for speech; lower it if quiet speech is missed.",
            "判为语音所需的把握：P(语音) - P(静音)。噪声被误判为语音就调大；轻声语音被漏掉就调小。",
        ),
        group="main",
    )
    max_single_segment_time: int = number(
        60_000,
        (1000, 600_000, 1000),
        "ms",
        label=("Longest segment", "最大单段时长"),
        text=(
            "A longer segment is cut there. Lower it if your recogniser takes only short pieces.",
            "超过该时长的片段会被强制切断。识别模型只能处理短音频时调小。",
        ),
    )
    window_size_ms: int = number(
        200,
        (20, 1000, 10),
        "ms",
        label=("Decision window", "判决窗长"),
        text=(
            "The frames over which speech and silence are counted. "
            "Raise it for steadier decisions; lower it to catch shorter words.",
            "统计语音帧与静音帧的滑动窗长度。调大更稳，调小更灵敏。",
        ),
    )
    sil_to_speech_time_thres: int = number(
        150,
        (20, 1000, 10),
        "ms",
        label=("Speech needed to start", "静音转语音阈值"),
        text=(
            "So much speech within the window starts a segment. "
            "Raise it if clicks start segments; lower it if short words are missed.",
            "窗内语音达到该时长即进入语音状态。咔嗒声误触发就调大；漏掉短词就调小。",
        ),
    )
    speech_to_sil_time_thres: int = number(
        150,
        (0, 1000, 10),
        "ms",
        label=("Speech left when silence begins", "语音转静音阈值"),
        text=(
            "Silence begins when no more speech than this is left in the window; "
            "it also counts as part of the end silence.",
            "窗内剩余语音不超过该时长即进入静音状态；该时长计入尾部静音。",
        ),
    )
    lookback_time_start_point: int = number(
        200,
        (0, 2000, 10),
        "ms",
        label=("Start moved back", "起点回溯"),
        text=(
            "The start is moved back by this much (and the window). "
            "Raise it if first syllables are lost.",
            "起点额外前移的时长（另加窗长）。首字丢失就调大。",
        ),
    )
    lookahead_time_end_point: int = number(
        100,
        (0, 2000, 10),
        "ms",
        label=("End kept", "终点保留"),
        text=(
            "So much of the silence after the last speech stays in the segment. "
            "Raise it if last syllables are clipped.",
            "片段末尾保留的静音时长。尾字被截就调大。",
        ),
    )
    dynamic_silence: bool = switch(
        label=("Dynamic silence", "动态静音"),
        text=(
            "End sooner the longer a segment lasts, by the table below: what FunASR does when no "
            "end silence is given. End silence has no effect then, and the threshold is 0.5. "
            "Turn it on to repeat such results.",
            "片段越长，结束所需的静音越短，依下表：FunASR 在未给定尾部静音时的做法。"
            "开启后尾部静音阈值不起作用，语音-噪声阈值固定为 0.5。需要复现此类结果时开启。",
        ),
        group="dynamic_silence",
    )
    silence_schedule: str = table(
        schedule.FUNASR_SCHEDULE,
        schedule.tidy,
        label=("Silence table", "静音表"),
        text=(
            "Rows LIMIT:SILENCE in ms: a segment open for up to LIMIT ends after SILENCE; the last "
            "limit is inf. Raise a silence if segments of that length are cut in two; lower it if "
            "they grow too long.",
            "每行“上限:静音”（毫秒）：片段时长不超过上限时，持续该静音即结束；最后一行上限为 inf。"
            "该长度的片段被切断就调大静音；片段过长就调小。",
        ),
        group="dynamic_silence",
    )
    silence_schedule_step_ms: int = number(
        schedule.FUNASR_STEP_MS,
        (100, 600_000, 100),
        "ms",
        label=("Look-up step", "查表步长"),
        text=(
            "The table is looked up once a step (FunASR's chunk_size), so that with 60000 its "
            "rows between are never read. Lower it to let them act; keep it to equal FunASR.",
            "每过一个步长查一次表（FunASR 的 chunk_size），因此 60000 时中间各行从不生效。"
            "调小可让它们生效；要与 FunASR 一致则保持不变。",
        ),
        group="dynamic_silence",
    )
    split_capped: bool = switch(
        label=("Split long segments at the deepest pause", "超长片段在最深停顿处切分"),
        text=(
            "Cut a segment that is too long where speech is least likely in the latter half of "
            "what is allowed, and go on from there; else the cut may fall within a word. "
            "No piece is longer than the longest segment.",
            "片段过长时，在允许时长的后半段内语音概率最低处切断，并从该处继续检测；"
            "否则可能切在字词中间。每段都不超过最大单段时长。",
        ),
        group="post_processing",
    )
    min_pause_ms: int = number(
        0,
        (0, 10_000, 10),
        "ms",
        label=("Shortest pause", "最短停顿"),
        text=(
            "Segments with a shorter pause between them are joined, if together they stay within "
            "the longest segment. Raise it if results are too fragmented; 0 joins none.",
            "间隔短于此值的相邻片段合并（合并后不超过最大单段时长）。"
            "结果太碎就调大；0 表示不合并。",
        ),
        group="post_processing",
    )
    min_speech_ms: int = number(
        0,
        (0, 10_000, 10),
        "ms",
        label=("Shortest speech", "最短语音"),
        text=(
            "Segments that are shorter after joining are dropped; the margins that detection "
            "keeps count too. Raise it if coughs and clicks remain; lower it if short answers "
            "are lost.",
            "合并后仍短于此值的片段会被丢弃（含检测时前后保留的部分）。"
            "残留咳嗽、咔嗒声就调大；简短应答丢失就调小。",
        ),
        group="post_processing",
    )
    pad_start_ms: int = number(
        0,
        (0, 5000, 10),
        "ms",
        label=("Padding at start", "起点补偿"),
        text=(
            "Starts are moved back by this much. Raise it if first syllables are lost. "
            "Neighbours share a pause that is too short for both, and never overlap.",
            "片段起点再前移的时长。首字丢失就调大。间隔不够时，相邻片段按比例分享，绝不重叠。",
        ),
        group="post_processing",
    )
    pad_end_ms: int = number(
        0,
        (0, 5000, 10),
        "ms",
        label=("Padding at end", "终点补偿"),
        text=(
            "Ends are moved on by this much. Raise it if last syllables are clipped. "
            "Padding comes on top of the longest segment.",
            "片段终点再后移的时长。尾字被截就调大。补偿时长不计入最大单段时长。",
        ),
        group="post_processing",
    )
    clamp_to_audio: bool = switch(
        label=("Clamp to the recording", "限制在录音范围内"),
        text=(
            "Padding never reaches past the end of the recording. Turn it on if what comes "
            "after refuses such times.",
            "补偿后的终点不超过录音末尾。后续工具不接受越界时间时开启。",
        ),
        group="post_processing",
    )

    def __post_init__(self) -> None:
        """Check each value against its range, then the options against each other."""
        for each in fields(self):
            option_info(each.name).check(each.name, getattr(self, each.name))
        for name in ("sil_to_speech_time_thres", "speech_to_sil_time_thres"):
            if getattr(self, name) > self.window_size_ms:
                raise OptionsError(
                    name=name,
                    value=getattr(self, name),
                    reason=f"must not be longer than window_size_ms ({self.window_size_ms} ms)",
                    reason_zh=f"不能超过 window_size_ms（{self.window_size_ms} 毫秒）",
                )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> VadOptions:
        """Make options from names and values, as they come from JSON or a form.

        >>> VadOptions.from_mapping({"max_end_silence_time": "500"}).max_end_silence_time
        500

        Whole numbers may come as floats (800.0) or text ("800"), switches as text ("true").

        Raises:
            OptionsError: an unknown name, or a value of the wrong kind or out of range.
        """
        known = option_names()
        given: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise OptionsError(
                    name=name,
                    value=value,
                    reason="there is no such option; known are " + ", ".join(known),
                    reason_zh="没有这个参数；可用的有 " + "、".join(known),
                )
            given[name] = option_info(name).read(name, value)
        return cls(**given)

    @property
    def speech_probability(self) -> float:
        """P(speech) from which a frame counts as speech, 0 to 1: what the threshold means."""
        return (1 + self.speech_noise_thres_in_force) / 2

    @property
    def speech_noise_thres_in_force(self) -> float:
        """`speech_noise_thres`, or what FunASR's dynamic silence puts in its place."""
        if self.dynamic_silence:
            return schedule.FUNASR_SPEECH_NOISE_THRES
        return self.speech_noise_thres

    def as_dict(self) -> dict[str, Value]:
        """All options by name, in the order of their definition."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def option_info(name: str) -> OptionInfo:
    """Range, unit, label and help of one option."""
    info: OptionInfo = VadOptions.__dataclass_fields__[name].metadata["info"]
    return info


def option_names(*, advanced: bool | None = None, group: Group | None = None) -> list[str]:
    """Names of the options, in order; ``advanced`` or ``group`` select some."""
    return [
        each.name
        for each in fields(VadOptions)
        if advanced in (None, option_info(each.name).advanced)
        and group in (None, option_info(each.name).group)
    ]


@dataclass(frozen=True)
class Preset:
    """A named set of options.

    Attributes:
        label: its name by language.
        help: when to take it, by language.
        options: the complete options.
    """

    label: Mapping[str, str]
    help: Mapping[str, str]
    options: VadOptions


PRESETS: Mapping[str, Preset] = {
    "default": Preset(
        {"en": "FunASR default", "zh": "FunASR 默认"},
        {"en": "What FunASR itself uses.", "zh": "FunASR 自身的默认值。"},
        VadOptions(),
    ),
    "meeting": Preset(
        {"en": "Meeting", "zh": "会议"},
        {
            "en": "Far microphones, long turns: keeps quiet speakers, joins short pauses.",
            "zh": "远场麦克风、长发言：保留轻声说话者，合并短停顿。",
        },
        VadOptions(max_end_silence_time=1500, speech_noise_thres=0.3),
    ),
    "telephone": Preset(
        {"en": "Telephone", "zh": "电话"},
        {
            "en": "Narrow band, quick replies: ends turns sooner.",
            "zh": "窄带、应答快：更早结束一轮发言。",
        },
        VadOptions(max_end_silence_time=600, speech_noise_thres=0.5),
    ),
    "noisy": Preset(
        {"en": "Noisy room", "zh": "嘈杂环境"},
        {
            "en": "Asks for clearer speech, so that noise is left out.",
            "zh": "要求更明确的语音，以排除噪声。",
        },
        VadOptions(max_end_silence_time=1000, speech_noise_thres=0.8),
    ),
    "quick": Preset(
        {"en": "Quick turn-taking", "zh": "快速对话"},
        {
            "en": "Splits at short pauses, for dialogue systems.",
            "zh": "在短停顿处切分，适合对话系统。",
        },
        VadOptions(max_end_silence_time=300, speech_noise_thres=0.6),
    ),
    "low_memory": Preset(
        {"en": "Low memory", "zh": "低内存"},
        {
            "en": "Shorter, cleaner pieces, so that what comes after needs less memory.",
            "zh": "片段更短更干净，后续处理占用内存更少。",
        },
        VadOptions(max_end_silence_time=500, speech_noise_thres=0.7),
    ),
}
