"""Whether recordings can be decoded; a program ffmpeg is not needed for it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib import metadata

from webui.doctor.finding import Finding, found
from webui.settings import Settings


def audio(settings: Settings) -> Iterator[Finding]:
    """Load the decoder."""
    try:
        importlib.import_module("webui.audio.reader")
    except ImportError as error:
        text = f"the decoder cannot be loaded ({error})", f"无法加载解码器（{error}）"
        advice = (
            "Run ./run.sh once; it installs PyAV, which brings FFmpeg's libraries.",
            "请运行一次 ./run.sh；它会安装自带 FFmpeg 库的 PyAV。",
        )
        yield found("audio", "fail", *text, advice=advice)
        return
    version = metadata.version("av")
    text = (
        f"PyAV {version} decodes with FFmpeg's libraries; a program ffmpeg is not needed",
        f"PyAV {version} 自带 FFmpeg 库，无需另装 ffmpeg 程序",
    )
    yield found("audio", "ok", *text)
