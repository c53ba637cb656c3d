"""The branches of the tree in `webui.errors` that are about memory.

::

    StudioError
    └── AddressSpaceError      ulimit -v leaves too little to work at all
    EngineError
    ├── MemoryShortError       a job would need more memory than may be taken
    ├── MemoryExceededError    a job ran out of memory, in small blocks too
    ├── EngineStartError
    │   └── EngineLimitError   the limit that was set for the engine is less than it needs
    └── EngineCrashedError
        └── MemoryKilledError  the system ended the process for want of memory
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webui.errors import EngineCrashedError, EngineError, EngineStartError, StudioError

WALLS: Mapping[str, Mapping[str, str]] = {
    "machine": {"en": "the machine's memory", "zh": "整机内存"},
    "container": {"en": "the container's memory limit", "zh": "容器内存上限"},
    "process": {"en": "the limit of this process (ulimit)", "zh": "本进程的内存上限（ulimit）"},
    "engine": {
        "en": "the engine's own limit (FSMN_VAD_ENGINE_MEMORY_BYTES)",
        "zh": "引擎自身的内存上限（FSMN_VAD_ENGINE_MEMORY_BYTES）",
    },
}
REMEDIES: Mapping[str, Mapping[str, str]] = {
    "shorten": {"en": "cut the recording into parts", "zh": "把录音分成几段"},
    "keep_less": {"en": "lower FSMN_VAD_LIVE_KEEP_S", "zh": "调低 FSMN_VAD_LIVE_KEEP_S"},
    "onnx": {
        "en": "use ONNX Runtime (onnx) in place of FunASR",
        "zh": "用 ONNX Runtime（onnx）代替 FunASR",
    },
    "caches": {"en": "clear the page's caches", "zh": "清理页面缓存"},
    "programs": {"en": "end other programs", "zh": "关闭其他程序"},
    "share": {"en": "raise FSMN_VAD_MEMORY_SHARE", "zh": "调高 FSMN_VAD_MEMORY_SHARE"},
    "container": {"en": "give the container more memory", "zh": "提高容器的内存上限"},
    "process": {"en": "raise the limit (ulimit)", "zh": "提高该上限（ulimit）"},
    "engine": {
        "en": "raise FSMN_VAD_ENGINE_MEMORY_BYTES (0 = no limit)",
        "zh": "调高 FSMN_VAD_ENGINE_MEMORY_BYTES（0 表示不限）",
    },
}
"""What may help when memory is short, each in its case."""


def _any_of(remedies: Sequence[str], language: str) -> str:
    each = [REMEDIES[remedy][language] for remedy in remedies]
    first, last = each[:-1], each[-1]
    if language == "zh":
        return f"请{'、'.join(first)}{'，或' if first else ''}{last}。"
    text = f"{', '.join(first)}{', or ' if len(first) > 1 else ' or ' if first else ''}{last}."
    return text[0].upper() + text[1:]


class MemoryShortError(EngineError):
    """A job would need more memory than may be taken; it was not begun.

    Its detail ``remedies`` names those of `REMEDIES` that may help, one at least.
    """

    texts = {
        "en": "Not begun, since memory is short: this needs about {needed_mb} MB, and {left_mb} "
        "MB are left until {percent} % of {wall} ({limit_mb} MB) are in use.",
        "zh": "内存不足，任务未开始：约需 {needed_mb} MB，而距{wall_zh}（{limit_mb} MB）的 "
        "{percent} % 仅剩 {left_mb} MB。",
    }

    def advice(self, language: str = "en") -> str:
        """Name what may help in this case."""
        return _any_of(tuple(self.details["remedies"]), language)  # type: ignore[arg-type]


class EngineLimitError(EngineStartError):
    """The limit that was set for the engine's process is less than it needs to work at all."""

    texts = {
        "en": "The engine {engine} was not started: FSMN_VAD_ENGINE_MEMORY_BYTES lets it have "
        "{limit_mb} MB, and it needs {least_mb} MB at least.",
        "zh": "未启动引擎 {engine}：FSMN_VAD_ENGINE_MEMORY_BYTES 只允许 {limit_mb} MB，"
        "而它至少需要 {least_mb} MB。",
    }

    def advice(self, language: str = "en") -> str:
        """Say which setting to raise."""
        smaller = ("onnx",) if self.details["engine"] == "funasr" else ()
        return _any_of(("engine", *smaller), language)


class AddressSpaceError(StudioError):
    """``ulimit -v`` leaves less address space than the program needs to work at all."""

    texts = {
        "en": "The address space of a process is limited to {limit_mb} MB (ulimit -v), and this "
        "needs {least_mb} MB at least, most of which takes no memory. Raise the limit (ulimit -v "
        "{least_kb}), or limit memory itself, by a container or control group.",
        "zh": "进程的地址空间上限为 {limit_mb} MB（ulimit -v），而至少需要 {least_mb} MB"
        "（其中大部分并不占用内存）。请提高上限（ulimit -v {least_kb}），"
        "或改用容器、控制组限制内存本身。",
    }


class MemoryExceededError(EngineError):
    """A job ran out of memory; it was tried once more in the smallest blocks."""

    texts = {
        "en": "The engine ran out of memory ({reason}), in the smallest blocks too. Other jobs "
        "are not affected. Cut the recording into parts, use ONNX Runtime (onnx) in place of "
        "FunASR, or raise the limit (FSMN_VAD_ENGINE_MEMORY_BYTES, the container's).",
        "zh": "引擎内存不足（{reason_zh}），改用最小的分块后仍不够。其他任务不受影响。"
        "请把录音分成几段、用 ONNX Runtime（onnx）代替 FunASR，"
        "或提高上限（FSMN_VAD_ENGINE_MEMORY_BYTES 或容器上限）。",
    }


class MemoryKilledError(EngineCrashedError):
    """The system ended the engine's process, since the memory of machine or container was full."""

    texts = {
        "en": "The system ended the engine's process, since memory was used up. A fresh one serves "
        "the next job. Cut the recording into parts, end other programs, take the engine onnx, or "
        "give the container more memory.",
        "zh": "内存耗尽，系统结束了引擎进程。下一个任务会启动新的进程。"
        "请把录音分成几段、关闭其他程序、改用 onnx 引擎，或提高容器的内存上限。",
    }
