"""What `detect` says about cutting, in the user's language."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "cut_group": "the sound itself",
        "cut": "also write each segment to a file of its own in DIR, with a table of them, "
        "{table}; a DIR that ends with .zip becomes an archive, with the segments in the chosen "
        "--format beside. Of a segment of one channel that channel is cut",
        "cut_format": "default: wav. Without loss either way, but for floating point, of which "
        "FLAC keeps 24 bits",
        "cut_name": "names of these files, without their ending: {{stem}}, {{index}}, "
        "{{start_ms}}, {{end_ms}}, {{duration_ms}} and {{channel}} stand for what they say, "
        "numbers with a width if wanted (default: {default})",
        "cut_rate": "source: sample rate, channels and bits of the recording (lossy codecs: 16 "
        "bits), sample by sample; 16k: 16 kHz mono of 16 bits (default: source)",
        "speech_only": "also write the speech of a recording in a row: FILE ends with .wav or "
        ".flac; with several recordings, {name} in it stands for each one's name",
        "max_pause": "of --speech-only: shorten pauses to so much in place of taking them out "
        "(0 to {high}; default: 0)",
        "cutting": "{file}: cutting, {seconds} s",
        "replaced": "{file}: pieces of its former cut removed from {place}: {count}",
    },
    "zh": {
        "cut_group": "声音本身",
        "cut": "同时把每个语音片段写成 DIR 中的单独文件，并附总表 {table}；DIR 以 .zip 结尾时"
        "写成压缩包，其中另有 --format 所选格式的片段。单个声道的片段只切出该声道",
        "cut_format": "默认：wav。两种都无损，但浮点采样在 FLAC 中只保留 24 位",
        "cut_name": "文件名（不含扩展名）的模板，可用 {{stem}}、{{index}}、{{start_ms}}、"
        "{{end_ms}}、{{duration_ms}}、{{channel}}，数字可指定宽度（默认：{default}）",
        "cut_rate": "source：保持录音的采样率、声道和位数（有损编码为 16 位），逐样本一致；"
        "16k：16 kHz 单声道 16 位（默认：source）",
        "speech_only": "同时把录音中的语音连成一个文件：FILE 以 .wav 或 .flac 结尾；"
        "有多个录音时，其中的 {name} 代表各录音的名称",
        "max_pause": "用于 --speech-only：把停顿缩短到此时长，而不是去掉（0 到 {high}；默认：0）",
        "cutting": "{file}：切分中，{seconds} 秒",
        "replaced": "{file}：已从 {place} 删除上次切分的 {count} 个片段",
    },
}
