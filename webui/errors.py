"""Every error that a user of FSMN-VAD Studio can meet, as one tree.

::

    StudioError
    ├── OptionsError              an option is unknown, out of range or contradicts another
    │   ├── NameTemplateError     names of files cannot be made so
    │   └── PcmFormatError        raw samples cannot be of this format
    ├── EditsError                regions by hand that overlap or leave the recording
    ├── FormatError               a file of segments
    │   ├── NotRepresentableError  this format cannot hold this result
    │   └── MalformedLabelsError   a file that is read is not in its format
    ├── SettingsError             a setting of the program itself is unusable
    │   └── PortTakenError        another program listens on the address
    ├── OutputError               standard output cannot be written
    ├── AudioError                a recording cannot be read
    │   ├── FileMissingError      no such file
    │   ├── EmptyFileError        zero bytes
    │   ├── NotAudioError         not a format that can be read
    │   ├── NotPcmError           a stream of samples that are compressed
    │   ├── NoAudioStreamError    a container (video) without sound
    │   ├── ProtectedAudioError   DRM, or a codec without a decoder
    │   ├── ChannelMissingError   the recording lacks the wanted channel
    │   └── DecodeError           damaged before the first sample
    ├── CutError                  sound cannot be cut out or written so
    ├── StreamError               a live stream; see `webui.stream_errors`
    ├── BatchError                many recordings at once; see `webui.batch_errors`
    ├── ModelError                the weights; see `webui.model_errors`
    ├── HistoryError              the list of runs cannot be read or written
    │   └── HistoryDamagedError   its file is no database, or a damaged one
    └── EngineError               what scores; for memory see `webui.memory_errors`
        ├── EngineUnavailableError  the packages of this engine are not installed
        ├── EngineStartError        it could not load the model
        ├── EngineCrashedError      the process died
        ├── EngineStalledError      it gave no sign of life and was ended
        ├── EngineBusyError         too many jobs wait already
        │   └── StreamsFullError, ConnectionsFullError  of `webui.stream_errors`
        ├── EngineInUseError        live streams use the model
        └── JobCancelledError       the user stopped the job

Each class carries its text in English and in Simplified Chinese; the details
that a raiser passes by name fill the text's fields.
"""

from __future__ import annotations

from typing import ClassVar

LANGUAGES = ("en", "zh")


def _rebuild(cls: type[StudioError], details: dict[str, object]) -> StudioError:
    return cls(**details)


class StudioError(Exception):
    """Base of all errors that are meant for a person to read.

    Args:
        details: fields of the class's text, by name; plain values that pickle,
            since errors cross the border between processes.
    """

    texts: ClassVar[dict[str, str]] = {
        "en": "Something went wrong: {reason}.",
        "zh": "出现错误：{reason_zh}。",
    }

    def __init__(self, **details: object) -> None:
        super().__init__(details)
        self.details = details

    def message(self, language: str = "en") -> str:
        """Say what is wrong and what to do, in ``language`` ("en" or "zh").

        A raiser that knows its reason in English only (the words of a library)
        gives no ``reason_zh``: the Chinese text then carries ``reason``.
        """
        fact, advice = self.fact(language), self.advice(language)
        if not advice:
            return fact
        return f"{fact}{advice}" if language == "zh" else f"{fact} {advice}"

    def fact(self, language: str = "en") -> str:
        """Say what is wrong; and what to do, unless `advice` does."""
        text = self.texts.get(language, self.texts["en"])
        if "reason" in self.details:
            return text.format_map({"reason_zh": self.details["reason"], **self.details})
        return text.format_map(self.details)

    def advice(self, language: str = "en") -> str:
        """Say what to do, where that depends on the case; "" where `fact` says it."""
        return ""

    def __str__(self) -> str:
        return self.message()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.details)


class OptionsError(StudioError):
    """An option is unknown, out of range, or contradicts another."""

    texts = {
        "en": "{name} = {value}: {reason}.",
        "zh": "{name} = {value}：{reason_zh}。",
    }


class NameTemplateError(OptionsError):
    """A template of file names has an unknown field, or makes names that cannot be."""

    texts = {
        "en": "{value} cannot name the files: {reason}.",
        "zh": "不能用 {value} 命名文件：{reason_zh}。",
    }


class PcmFormatError(OptionsError):
    """What is said of raw samples (rate, channels, format) cannot be."""


class EditsError(StudioError):
    """Regions made by hand are out of order, overlap, or leave the recording."""

    texts = {
        "en": "The regions cannot be kept: {reason}.",
        "zh": "无法保存这些片段：{reason_zh}。",
    }


class FormatError(StudioError):
    """A file of segments cannot be written or read."""

    texts = {"en": "{file}: {reason}.", "zh": "{file}：{reason_zh}。"}


class NotRepresentableError(FormatError):
    """A format cannot hold a result; nothing is written of it."""

    texts = {
        "en": "{file} cannot be written as {format}: {reason}.",
        "zh": "{file} 无法写成 {format} 格式：{reason_zh}。",
    }


class MalformedLabelsError(FormatError):
    """A file of segments that is read breaks the rules of its format."""

    texts = {
        "en": "{file}, line {line}: this is not {format}: {reason}.",
        "zh": "{file} 第 {line} 行不符合 {format} 格式：{reason_zh}。",
    }


class SettingsError(StudioError):
    """A setting of the program is unusable."""

    texts = {"en": "{name}: {reason}.", "zh": "{name}：{reason_zh}。"}


class OutputError(StudioError):
    """A command's standard output cannot be written."""

    texts = {
        "en": "standard output cannot be written: {reason}",
        "zh": "无法写入标准输出（{reason_zh}）",
    }


class PortTakenError(SettingsError):
    """Another program listens on the wanted address."""

    texts = {
        "en": "Port {port} on {host} is in use. Stop the other program, "
        "or choose another port: --port {other}.",
        "zh": "{host} 的端口 {port} 已被占用。请关闭占用它的程序，或换一个端口：--port {other}。",
    }


class AudioError(StudioError):
    """A recording cannot be read."""

    texts = {"en": "{file} cannot be read: {reason}.", "zh": "无法读取 {file}：{reason_zh}。"}


class FileMissingError(AudioError):
    """No such file."""

    texts = {
        "en": "{file} does not exist. Check the path.",
        "zh": "文件 {file} 不存在，请检查路径。",
    }


class EmptyFileError(AudioError):
    """The file has zero bytes."""

    texts = {
        "en": "{file} is empty (0 bytes). Was the recording or the upload interrupted?",
        "zh": "{file} 是空文件（0 字节）。录音或上传是否中断了？",
    }


class NotAudioError(AudioError):
    """The file is in no format that can be read."""

    texts = {
        "en": "{file} is not an audio or video file that can be read. "
        "Use WAV, FLAC, MP3, OGG/Opus, M4A/AAC, WebM, MP4 or MKV.",
        "zh": "{file} 不是可读取的音频或视频文件。"
        "请使用 WAV、FLAC、MP3、OGG/Opus、M4A/AAC、WebM、MP4 或 MKV。",
    }


class NotPcmError(AudioError):
    """What comes as a stream is no plain samples."""

    texts = {
        "en": "{file} is compressed, in a container or of samples that are not known here (such as "
        "64-bit ones); a stream has to be raw samples or a WAV "
        "of them. Let FFmpeg decode it: ffmpeg -i INPUT -f wav - | fsmn-vad stream",
        "zh": "{file} 是压缩或封装格式，或采样格式不受支持（如 64 位）；流必须是原始采样或其 WAV。"
        "请先用 FFmpeg 解码：ffmpeg -i 输入 -f wav - | fsmn-vad stream",
    }


class NoAudioStreamError(AudioError):
    """A container, usually a video, without sound."""

    texts = {
        "en": "{file} has no audio track.",
        "zh": "{file} 中没有音轨。",
    }


class ProtectedAudioError(AudioError):
    """Encrypted (DRM), or in a codec for which there is no decoder."""

    texts = {
        "en": "{file} is copy-protected or in a codec that cannot be decoded ({codec}). "
        "Export it to an unprotected format first.",
        "zh": "{file} 受版权保护（DRM），或其编码（{codec}）无法解码。请先导出为未加密的格式。",
    }


class ChannelMissingError(AudioError):
    """The recording lacks the wanted channel."""

    texts = {
        "en": '{file} has {channels} channel(s); there is no channel "{channel}".',
        "zh": "{file} 只有 {channels} 个声道，没有“{channel}”声道。",
    }


class DecodeError(AudioError):
    """The file is damaged before its first sample."""

    texts = {
        "en": "{file} is damaged: no sound could be decoded ({reason}). "
        "Try to export or copy it again.",
        "zh": "{file} 已损坏：无法解码出声音（{reason_zh}）。请重新导出或复制该文件。",
    }


class CutError(StudioError):
    """The sound of a recording cannot be cut out, or not be written as it is wanted."""

    texts = {"en": "{file} cannot be cut: {reason}.", "zh": "无法切分 {file}：{reason_zh}。"}


class HistoryError(StudioError):
    """The list of what was run cannot be read or written; detections do not need it."""

    texts = {
        "en": "The history in {file} cannot be used: {reason}. Results are not affected; "
        "FSMN_VAD_HISTORY_RUNS=0 keeps no history.",
        "zh": "无法使用历史记录 {file}：{reason_zh}。检测结果不受影响；"
        "设置 FSMN_VAD_HISTORY_RUNS=0 可不保留历史。",
    }


class HistoryDamagedError(HistoryError):
    """The history's file is no database, or a damaged one."""

    texts = {
        "en": "The history in {file} is damaged. Clear it to begin a new one: "
        "fsmn-vad history --clear.",
        "zh": "历史记录 {file} 已损坏。请清空后重新开始：fsmn-vad history --clear。",
    }


class EngineError(StudioError):
    """The process that scores."""

    texts = {"en": "The engine failed: {reason}.", "zh": "引擎出错：{reason_zh}。"}


class EngineUnavailableError(EngineError):
    """The packages that this engine needs are not installed."""

    texts = {
        "en": "The engine {engine} is not installed ({package} is missing). "
        "Run ./run.sh --full once, or choose another engine.",
        "zh": "未安装引擎 {engine}（缺少 {package}）。请运行一次 ./run.sh --full，或改用其他引擎。",
    }


class EngineStartError(EngineError):
    """The engine could not be started or could not load its model."""

    texts = {
        "en": "The engine {engine} could not be started: {reason}.",
        "zh": "无法启动引擎 {engine}：{reason_zh}。",
    }


class EngineCrashedError(EngineError):
    """The engine's process died during a job."""

    texts = {
        "en": "The engine's process ended unexpectedly ({reason}). "
        "A fresh one serves the next job; if it happens again, "
        "the machine may be short of memory.",
        "zh": "引擎进程意外结束（{reason_zh}）。"
        "下一个任务会启动新的进程；若再次出现，可能是内存不足。",
    }


class EngineStalledError(EngineError):
    """The engine gave no sign of life for too long and was ended."""

    texts = {
        "en": "The engine gave no sign of life for {seconds} s and was ended. "
        "Try again; a fresh one starts.",
        "zh": "引擎 {seconds} 秒没有响应，已被结束。请重试，将启动新的引擎进程。",
    }


class EngineBusyError(EngineError):
    """Too many jobs wait already."""

    texts = {
        "en": "{waiting} jobs are waiting already. Try again in a moment.",
        "zh": "已有 {waiting} 个任务在排队，请稍后再试。",
    }


class EngineInUseError(EngineError):
    """Live streams use the model, so it cannot be unloaded or replaced."""

    texts = {
        "en": "Live detection is using the model. Stop it first (or wait until it ends); "
        "then unload the model or choose another engine.",
        "zh": "实时检测正在使用模型。请先停止实时检测（或等其结束），再卸载模型或改用其他引擎。",
    }


class JobCancelledError(EngineError):
    """The user stopped the job."""

    texts = {"en": "Stopped.", "zh": "已停止。"}
