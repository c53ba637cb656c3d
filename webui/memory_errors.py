"""The branches of the tree in `webui.errors` that are about memory.

::

    EngineError
    ├── MemoryShortError       a job would need more memory than may be taken
    ├── MemoryExceededError    a job ran out of memory, in small blocks too
    └── EngineCrashedError
        └── MemoryKilledError  the system ended the process for want of memory
"""

from __future__ import annotations

from collections.abc import Mapping

from webui.errors import EngineCrashedError, EngineError

WALLS: Mapping[str, Mapping[str, str]] = {
    "machine": {"en": "the machine's memory", "zh": "整机内存"},
    "container": {"en": "the container's memory limit", "zh": "容器内存上限"},
    "process": {"en": "the limit of this process (ulimit)", "zh": "本进程的内存上限（ulimit）"},
}


class MemoryShortError(EngineError):
    """A job would need more memory than may be taken; it was not begun."""

    texts = {
        "en": "Not begun, since memory is short: this needs about {needed_mb} MB, and {left_mb} "
        "MB are left until {percent} % of {wall} ({limit_mb} MB) are in use. Cut the recording "
        "into parts, unload the model or clear the caches, end other programs, use ONNX Runtime "
        "(onnx) in place of FunASR, or raise FSMN_VAD_MEMORY_SHARE.",
        "zh": "内存不足，任务未开始：约需 {needed_mb} MB，而距{wall_zh}（{limit_mb} MB）的 "
        "{percent} % 仅剩 {left_mb} MB。请把录音分成几段、卸载模型或清理缓存、关闭其他程序、"
        "用 ONNX Runtime（onnx）代替 FunASR，或调高 FSMN_VAD_MEMORY_SHARE。",
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
