"""What the benchmark says while it measures and in its report, by language.

The JSON has English labels whatever the language is.
"""

from __future__ import annotations

from collections.abc import Mapping

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
