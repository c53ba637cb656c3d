"""Every parameter of the endpointer: default, range, unit and help, in one place.

The page's sliders, the command line's options and the API's fields are all made
from the fields of `VadOptions`. Names and defaults are FunASR's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from webui.errors import OptionsError


@dataclass(frozen=True)
class OptionInfo:
    """What a person needs to know about one option.

    Attributes:
        minimum, maximum, step: the range that is accepted and the step of a slider.
        unit: "ms", or "" for a pure number.
        advanced: True where the page hides it in the Advanced fold.
        label: its name in the field's terms, by language.
        help: what it does and when to raise or lower it, by language.
    """

    minimum: float
    maximum: float
    step: float
    unit: str
    advanced: bool
    label: Mapping[str, str]
    help: Mapping[str, str]


def _option(
    default: int | float,
    span: tuple[float, float, float],
    unit: str,
    *,
    label: tuple[str, str],
    text: tuple[str, str],
    advanced: bool = True,
) -> Any:
    info = OptionInfo(
        *span,
        unit=unit,
        advanced=advanced,
        label={"en": label[0], "zh": label[1]},
        help={"en": text[0], "zh": text[1]},
    )
    return field(default=default, metadata={"info": info})


@dataclass(frozen=True)
class VadOptions:
    """The endpointer's parameters, checked on construction.

    All times are whole milliseconds. The defaults are those that FunASR 1.4.16
    ships with the 16 kHz model, so that a first run gives what FunASR gives.

    Raises:
        OptionsError: a value has the wrong type, lies outside its range, or
            contradicts another (a threshold longer than the window).
    """

    max_end_silence_time: int = _option(
        800,
        (150, 6000, 10),
        "ms",
        label=("End silence", "尾部静音阈值"),
        text=(
            "How long it must be quiet before a segment ends. "
            "Raise it if sentences are cut in two; lower it if neighbours run together.",
            "静音持续多久才结束一个语音片段。句子被切断就调大；相邻语句连在一起就调小。",
        ),
        advanced=False,
    )
    speech_noise_thres: float = _option(
        0.6,
        (-1.0, 1.0, 0.01),
        "",
        label=("Speech-noise threshold", "语音-噪声阈值"),
        text=(
            "How sure the model must be that a frame is speech: P(speech) - P(silence). "
            "Raise it if noise is taken for speech; lower it if quiet speech is missed.",
            "判为语音所需的把握：P(语音) - P(静音)。噪声被误判为语音就调大；轻声语音被漏掉就调小。",
        ),
        advanced=False,
    )
    max_single_segment_time: int = _option(
        60_000,
        (1000, 600_000, 1000),
        "ms",
        label=("Longest segment", "最大单段时长"),
        text=(
            "A longer segment is cut there. Lower it if your recogniser takes only short pieces.",
            "超过该时长的片段会被强制切断。识别模型只能处理短音频时调小。",
        ),
    )
    window_size_ms: int = _option(
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
    sil_to_speech_time_thres: int = _option(
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
    speech_to_sil_time_thres: int = _option(
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
    lookback_time_start_point: int = _option(
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
    lookahead_time_end_point: int = _option(
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

    def __post_init__(self) -> None:
        """Check each value against its range, then the options against each other."""
        for each in fields(self):
            _check_value(each.name, getattr(self, each.name))
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

        Whole numbers may come as floats (800.0) or text ("800").

        Raises:
            OptionsError: an unknown name, or a value that is no number or out of range.
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
            given[name] = _number(name, value, whole=option_info(name).unit == "ms")
        return cls(**given)

    @property
    def speech_probability(self) -> float:
        """P(speech) from which a frame counts as speech, 0 to 1: what the threshold means."""
        return (1 + self.speech_noise_thres) / 2

    def as_dict(self) -> dict[str, int | float]:
        """All options by name, in the order of their definition."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def option_info(name: str) -> OptionInfo:
    """Range, unit, label and help of one option."""
    info: OptionInfo = VadOptions.__dataclass_fields__[name].metadata["info"]
    return info


def option_names(*, advanced: bool | None = None) -> list[str]:
    """Names of the options, in order; ``advanced`` selects one group."""
    names = [each.name for each in fields(VadOptions)]
    return [n for n in names if advanced is None or option_info(n).advanced == advanced]


def _number(name: str, value: Any, *, whole: bool) -> int | float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if number != number or isinstance(value, bool):
        raise OptionsError(
            name=name, value=value, reason="must be a number", reason_zh="必须是数字"
        )
    return int(number) if whole and number.is_integer() else number


def _check_value(name: str, value: Any) -> None:
    info = option_info(name)
    whole = info.unit == "ms"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise OptionsError(
            name=name,
            value=value,
            reason="must be a whole number of ms" if whole else "must be a number",
            reason_zh="必须是整数毫秒" if whole else "必须是数字",
        )
    if not info.minimum <= value <= info.maximum:
        low, high = f"{info.minimum:g}", f"{info.maximum:g}"
        raise OptionsError(
            name=name,
            value=value,
            reason=f"must lie between {low} and {high} {info.unit}".rstrip(),
            reason_zh=f"必须在 {low} 到 {high} {info.unit}之间",
        )


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
