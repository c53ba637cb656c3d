"""What ``fsmn-vad stream`` says, in the user's language."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "about": "Detect speech in samples that come through a pipe, and write each beginning "
        "and end as a JSON line as soon as it is certain: arecord -q -f S16_LE -r 16000 -t wav | "
        "fsmn-vad stream. A WAV header says what the samples are; without one, --rate, --channels "
        "and --sample-format do. The end of the input or Ctrl-C ends the stream: what is open is "
        "closed and written.",
        "rate": "samples a second of raw input ({low} to {high}; default: 16000)",
        "channels": "of raw input, which are averaged (1 to {high}; default: 1)",
        "sample_format": "of raw input: {known} (default: s16le)",
        "engine": "default: funasr where it is installed, which takes seconds to load",
        "chunk_ms": "audio that is waited for before it is scored, in ms ({low} to {high}; "
        "default: {default}): more costs less, and delays events",
        "save_segments": "write each segment there as a WAV, with the input's rate and channels; "
        "numbers go on after those of the files that are there",
        "input": "standard input",
        "terminal": "nothing comes from a terminal; pipe audio in, such as "
        "ffmpeg -i INPUT -f wav - | fsmn-vad stream",
        "closed": "it is closed; pipe audio in, such as ffmpeg -i INPUT -f wav - | fsmn-vad stream",
        "file": "what is heard comes through a pipe: fsmn-vad stream < {file}; "
        "for files as such there is fsmn-vad detect {file}",
        "no_directory": "a directory is wanted",
        "chunk_outside": "{value} is outside {low} to {high}",
        "contradicts": "{value} was given, but the WAV header says {found}",
        "summary": "{duration} s received, segments: {segments}, {speech} s of speech",
        "cut_short": "the input ended within a sample or before the length of its header",
    },
    "zh": {
        "about": "对管道中的音频流实时检测语音，每个起点和终点一经确定即输出一行 JSON："
        "arecord -q -f S16_LE -r 16000 -t wav | fsmn-vad stream。"
        "采样格式由 WAV 头给出；没有 WAV 头时由 --rate、--channels 和 --sample-format 指定。"
        "输入结束或按 Ctrl-C 即结束，未结束的片段会先收尾输出。",
        "rate": "原始输入的采样率（{low} 到 {high}；默认：16000）",
        "channels": "原始输入的声道数，取各声道平均（1 到 {high}；默认：1）",
        "sample_format": "原始输入的采样格式：{known}（默认：s16le）",
        "engine": "默认：已安装 funasr 时用 funasr（加载需数秒）",
        "chunk_ms": "每攒够多少毫秒音频处理一次（{low} 到 {high}；默认：{default}）："
        "越大越省计算，但事件越晚",
        "save_segments": "把每个语音片段按输入的采样率和声道数存为 WAV，写入该目录；"
        "编号接在已有文件之后",
        "input": "标准输入",
        "terminal": "终端没有音频输入；请用管道传入，"
        "例如 ffmpeg -i 输入 -f wav - | fsmn-vad stream",
        "closed": "已关闭；请用管道传入，例如 ffmpeg -i 输入 -f wav - | fsmn-vad stream",
        "file": "音频须由管道传入：fsmn-vad stream < {file}；处理文件请用 fsmn-vad detect {file}",
        "no_directory": "需要指定目录",
        "chunk_outside": "{value} 超出范围 {low} 至 {high}",
        "contradicts": "给定了 {value}，但 WAV 头为 {found}",
        "summary": "已接收 {duration} 秒，{segments} 个语音片段，语音共 {speech} 秒",
        "cut_short": "输入在采样中间或在头部标明的长度之前结束",
    },
}
