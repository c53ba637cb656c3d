"""What page, engine and command take of the memory, against what they may take."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from webui import __version__
from webui.bench import recording
from webui.bench.run import command_run, machine, printed
from webui.vad.scorers import missing_package

_MB = 1_000_000

MUST: Mapping[str, tuple[float, str]] = {
    "page_and_engine_peak_bytes": (350 * _MB, "MB"),
    "command_peak_bytes": (130 * _MB, "MB"),
    "page_after_unload_bytes": (220 * _MB, "MB"),
    "given_back_share": (0.98, "%"),
}
"""Bytes that may not be exceeded, and the share that must be given back, with their units."""

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "say": "memory: {engine}",
        "title": "Memory while scoring {hours:g} h, {cores} cores, version {version}",
        "head": "| figure | measured | must |",
        "page_and_engine_peak_bytes": "page + engine, lite, no browser open, peak (PSS)",
        "peak_rss_bytes": "the same as the sum of each one's peak RSS",
        "command_peak_bytes": "command line, lite, peak RSS",
        "page_after_unload_bytes": "page alone after unload, no browser open (USS)",
        "page_rss_after_unload_bytes": "the same as RSS",
        "given_back_share": "given back by unload, {engine} engine (of {had} MB USS)",
        "most": "at most {limit} {unit}",
        "least": "at least {limit} {unit}",
    },
    "zh": {
        "say": "内存：{engine}",
        "title": "为 {hours:g} 小时音频打分时的内存，{cores} 核，版本 {version}",
        "head": "| 项目 | 实测 | 要求 |",
        "page_and_engine_peak_bytes": "页面 + 引擎，轻量安装，未打开浏览器，峰值（PSS）",
        "peak_rss_bytes": "同上，各进程峰值 RSS 之和",
        "command_peak_bytes": "命令行，轻量安装，峰值 RSS",
        "page_after_unload_bytes": "卸载后仅页面，未打开浏览器（USS）",
        "page_rss_after_unload_bytes": "同上，RSS",
        "given_back_share": "卸载释放的比例，{engine} 引擎（USS 共 {had} MB）",
        "most": "不超过 {limit} {unit}",
        "least": "不低于 {limit} {unit}",
    },
}


def run(
    recordings: Sequence[Path],
    hours: float,
    page_module: str,
    say: Callable[[str], None],
    language: str = "en",
) -> dict[str, Any]:
    """Measure.

    Args:
        recordings: what the long recording is made of, again and again.
        hours: length of that.
        page_module: run with a recording and an engine, prints peaks of page and engine.
        say: told what happens.
        language: of what it is told.

    Returns:
        Plain values for JSON; see `MUST`.

    Raises:
        EngineError: one of the measurements failed.
    """
    heavy = "onnx" if missing_package("funasr") else "funasr"
    texts = TEXTS[language]
    with tempfile.TemporaryDirectory(prefix="fsmn-vad-bench-") as directory:
        samples = recording.read(recordings)
        audio = recording.write(Path(directory) / "memory.wav", samples, hours * 3600)
        say(texts["say"].format(engine="onnx"))
        page = printed("the page", page_module, str(audio), "onnx")
        command = command_run(audio)
        say(texts["say"].format(engine=heavy))
        unloaded = page if heavy == "onnx" else printed("page", page_module, str(audio), heavy)
    return {
        "machine": machine(),
        "version": __version__,
        "hours": hours,
        "page_and_engine_peak_bytes": page["peak"],
        "peak_rss_bytes": page["peak_rss"],
        "command_peak_bytes": command["peak_rss_bytes"],
        "page_after_unload_bytes": page["page_after"],
        "page_rss_after_unload_bytes": page["page_rss_after"],
        "given_back_engine": heavy,
        "given_back_of_bytes": unloaded["engine"],
        "given_back_share": unloaded["freed"] / unloaded["engine"],
    }


def markdown(measured: Mapping[str, Any], language: str = "en") -> str:
    """The figures as a table, each beside what it must reach."""
    texts = TEXTS[language]
    title = texts["title"].format(
        hours=measured["hours"],
        cores=measured["machine"]["cores"],
        version=measured["version"],
    )
    rows = []
    for name in (
        *("page_and_engine_peak_bytes", "peak_rss_bytes", "command_peak_bytes"),
        *("page_after_unload_bytes", "page_rss_after_unload_bytes", "given_back_share"),
    ):
        label = texts[name].format(
            engine=measured["given_back_engine"],
            had=round(measured["given_back_of_bytes"] / _MB),
        )
        limit, unit = MUST.get(name, (0.0, "MB"))
        scale = _MB if unit == "MB" else 0.01
        must = ""
        if limit:
            kind = "most" if unit == "MB" else "least"
            must = texts[kind].format(limit=round(limit / scale), unit=unit)
        rows.append(f"| {label} | {measured[name] / scale:.0f} {unit} | {must} |")
    return "\n".join([f"{title}\n", texts["head"], "|---|---|---|", *rows, ""])


def missed(measured: Mapping[str, Any]) -> list[str]:
    """Names of the figures that do not reach what they must."""
    return [
        name
        for name, (limit, unit) in MUST.items()
        if (measured[name] > limit if unit == "MB" else measured[name] < limit)
    ]
