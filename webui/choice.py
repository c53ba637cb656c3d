"""Which engine "auto" takes on this machine now, and why."""

from __future__ import annotations

import ctypes.util
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass

from webui.guard import load_bytes
from webui.memory_room import tightest
from webui.settings import Settings
from webui.vad.scorers import missing_package, resolve_engine

_MB = 1_000_000


@dataclass(frozen=True)
class Choice:
    """An engine.

    Attributes:
        engine: a name of `webui.vad.scorers.SCORERS`.
        reason: why it was taken, by language.
    """

    engine: str
    reason: Mapping[str, str]


@functools.cache
def has_cuda_driver() -> bool:
    """Whether NVIDIA's driver library is on this machine, without loading it."""
    return ctypes.util.find_library("nvcuda" if os.name == "nt" else "cuda") is not None


def choose(engine: str, settings: Settings) -> Choice:
    """Settle which engine is meant.

    Args:
        engine: "auto" or a name; "auto" is FunASR where it is installed and fits into
            memory, else ONNX Runtime, which needs a fraction of it.
        settings: share of the memory that may be in use.

    Raises:
        SettingsError: no such engine.
        EngineUnavailableError: its packages are not installed.
    """
    if engine != "auto":
        return Choice(resolve_engine(engine), {"en": "as it was asked for", "zh": "按指定选择"})
    found = resolve_engine("auto")
    if found != "funasr":
        return Choice(found, {"en": "FunASR is not installed", "zh": "未安装 FunASR"})
    left_bytes = max(0, tightest(settings.memory_share).left_bytes(settings.memory_share))
    left_mb, needed_mb = left_bytes // _MB, load_bytes("funasr") // _MB
    if left_bytes < load_bytes("funasr") and missing_package("onnx") is None:
        return Choice(
            "onnx",
            {
                "en": f"FunASR needs about {needed_mb} MB, and {left_mb} MB may be taken",
                "zh": f"FunASR 约需 {needed_mb} MB，目前可用 {left_mb} MB",
            },
        )
    if settings.device != "cpu" and has_cuda_driver():
        return Choice(
            "funasr",
            {
                "en": "FunASR is installed, and there is a GPU driver",
                "zh": "已安装 FunASR，且有 GPU 驱动",
            },
        )
    return Choice(
        "funasr",
        {
            "en": f"FunASR is installed and fits: {left_mb} MB may be taken",
            "zh": f"已安装 FunASR 且内存足够：可用 {left_mb} MB",
        },
    )
