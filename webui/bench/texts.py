"""What the benchmark says while it measures and in its report, by language.

The JSON has English labels whatever the language is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "round": "round {turn} of {rounds}: {label}",
        "length": "{duration_s} s of audio through the whole command",
        "page": "page and engine after the long recording",
        "precision": "8-bit scores against exact ones",
        "short": "a short file through the whole command",
        "deciding": "deciding again over an hour of probabilities",
        "absent": "FunASR is not installed here: ratios of speed and agreement of segments are "
        "against `{reference}`. To measure FunASR too: `./run.sh --full bench` "
        "(without run.sh: `pip install -e '.[funasr]'`).",
        "machine": "{processor}, {cores} cores, {system}, Python {python}; {hours} h of 16 kHz "
        "WAV; medians of {rounds} runs, each in a fresh process.",
        "head": "| | import and load | file -> segments | of it: decode / score / endpoint "
        "| real-time factor | times {reference}'s speed | peak RSS | same segments "
        "| within 50 ms |",
        "spread": "{median} {unit} ({low} to {high})",
        "share": "{share} of {count}",
        "whole": "`fsmn-vad detect --engine onnx`, whole process",
        "time": "time",
        "peak": "peak RSS",
        "retuned": "Decoding and scoring overlap. Deciding again over 1 h of kept probabilities, "
        "{count} changes of the options: {spread}; slowest: `{slowest}`. Page and onnx engine "
        "after the long recording: {both} MB USS ({page} + {engine}).",
        "int8": "8-bit against exact scores: P(speech) differs by {mean} on average, {percentile} "
        "at the 99th percentile, {largest} at most; {otherwise} of the frames lie on the other "
        "side of the default threshold; the graph has {int8} kB instead of {fp32} kB.",
        "stream_soak": "memory over {hours} h of sound in one stream",
        "stream_crowd": "streams at real-time speed",
        "stream_machine": "{processor}, {cores} cores, {system}, Python {python}; one thread; "
        "medians of {rounds} runs, each in a fresh process.",
        "stream_head": "| chunk | | cost of a chunk | 95th percentile | times {reference}'s speed "
        "| start told after | end told after |",
        "stream_delays": "Cost: from a chunk's samples to its events. Told after (median / most): "
        "how much sound had come after a start or an end when the chunk that told it was there; "
        "with the default options a start is moved back by 400 ms, and an end waits for 800 ms of "
        "silence of which 100 ms stay in the segment.",
        "stream_memory": "{hours} h of sound through one WebSocket of the page, the sound kept "
        "(onnx, in {wall_min} min): after the first {first} h the engine's process grew by "
        "{engine_growth} MB (to {engine} MB USS) and the page's by {page_growth} MB (to {page} "
        "MB; single readings differ by up to {page_swing} MB). All that a stream has of its past: "
        "{state}.",
        "stream_crowd_head": "| streams (onnx, 48 kHz, 200 ms chunks) | delay, median "
        "| 95th percentile | most | processors busy |",
        "stream_most": "Delay: from the moment at which a chunk is there until it is scored and "
        "decided on. Up to {most} streams its 95th percentile is at most twice that of one.",
        "axis_subjects": "seconds for {hours} h of audio",
        "axis_memory": "peak RSS, MB",
        "axis_time": "seconds",
        "axis_length": "length of the recording",
        "axis_whole": "fsmn-vad detect --engine onnx, whole process",
    },
    "zh": {
        "onnx, 1 thread": "onnx，1 线程",
        "onnx-int8, 1 thread": "onnx-int8，1 线程",
        "round": "第 {turn} 轮，共 {rounds} 轮：{label}",
        "length": "整条命令处理 {duration_s} 秒音频",
        "page": "处理长录音之后页面与引擎占用的内存",
        "precision": "8 位得分与精确得分的差异",
        "short": "整条命令处理一个短文件",
        "deciding": "对一小时的概率重新判定",
        "absent": "本机未安装 FunASR：速度之比与片段的一致程度均以 `{reference}` 为参照。"
        "如需同时测量 FunASR，请运行 `./run.sh --full bench`"
        "（不用 run.sh 时：`pip install -e '.[funasr]'`）。",
        "machine": "{processor}，{cores} 核，{system}，Python {python}；{hours} 小时 16 kHz WAV；"
        "{rounds} 次运行的中位数，每次都在新进程中。",
        "head": "| | 导入与加载 | 文件 -> 片段 | 其中：解码 / 打分 / 端点判定 "
        "| 实时率 | {reference} 速度的倍数 | 峰值内存（RSS） | 相同片段 | 相差 50 ms 以内 |",
        "spread": "{median} {unit}（{low} 至 {high}）",
        "share": "{share}（共 {count} 个）",
        "whole": "`fsmn-vad detect --engine onnx` 整个进程",
        "time": "耗时",
        "peak": "峰值内存（RSS）",
        "retuned": "解码与打分同时进行。对 1 小时已保留的概率重新判定，选项改动 {count} 处："
        "{spread}；最慢的是 `{slowest}`。处理长录音之后，页面与 onnx 引擎共占 {both} MB USS"
        "（{page} + {engine}）。",
        "int8": "8 位得分与精确得分相比：语音概率平均相差 {mean}，第 99 百分位 {percentile}，"
        "最大 {largest}；{otherwise} 的帧落在默认阈值的另一侧；"
        "计算图为 {int8} kB，原为 {fp32} kB。",
        "stream_soak": "单个实时流处理 {hours} 小时音频的内存",
        "stream_crowd": "实时速度下的多个实时流",
        "stream_machine": "{processor}，{cores} 核，{system}，Python {python}；单线程；"
        "{rounds} 次运行的中位数，每次都在新进程中。",
        "stream_head": "| 音频块 | | 每块耗时 | 第 95 百分位 | {reference} 速度的倍数 "
        "| 开始的告知延迟 | 结束的告知延迟 |",
        "stream_delays": "耗时：从收到一块的采样到给出其事件。告知延迟（中位数 / 最大）："
        "告知某个开始或结束的那一块到齐时，该边界之后已收到的音频时长；"
        "默认选项下，开始点前移 400 ms，结束需等待 800 ms 静音，其中 100 ms 保留在片段内。",
        "stream_memory": "经页面的一个 WebSocket 连续送入 {hours} 小时音频并保留录音"
        "（onnx，用时 {wall_min} 分钟）：最初 {first} 小时之后，"
        "引擎进程增长 {engine_growth} MB（至 {engine} MB USS），"
        "页面进程增长 {page_growth} MB（至 {page} MB；各次读数相差最多 {page_swing} MB）。"
        "一个流的全部历史状态：{state}。",
        "stream_crowd_head": "| 实时流数（onnx，48 kHz，每块 200 ms） | 延迟中位数 "
        "| 第 95 百分位 | 最大 | 占用处理器数 |",
        "stream_most": "延迟：从一块音频到齐到完成打分和判定。"
        "不超过 {most} 个流时，其第 95 百分位不超过单个流的两倍。",
        "axis_subjects": "处理 {hours} 小时音频的秒数",
        "axis_memory": "峰值内存（RSS），MB",
        "axis_time": "秒",
        "axis_length": "录音时长",
        "axis_whole": "fsmn-vad detect --engine onnx 整个进程",
    },
}


def label_text(label: str, language: str) -> str:
    """A subject's label in a language."""
    return TEXTS[language].get(label, label)


def spread_text(
    values: dict[str, Any], form: str, unit: str, language: str, scale: float = 1.0
) -> str:
    """Median with smallest and largest, in a unit of so many seconds or bytes."""
    median, low, high = (
        format(values[key] / scale, form) for key in ("median", "minimum", "maximum")
    )
    return TEXTS[language]["spread"].format(median=median, unit=unit, low=low, high=high)
