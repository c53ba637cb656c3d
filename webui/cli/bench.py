"""``fsmn-vad bench``: this machine, against FunASR itself."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from webui.bench import report
from webui.bench.run import run as measure
from webui.cli.terminal import TEXTS, say
from webui.errors import SettingsError
from webui.settings import Settings, project_root


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``bench``."""
    texts = TEXTS[language]
    parser.add_argument("audio", nargs="*", type=Path, help=texts["bench_audio"])
    parser.add_argument("--hours", type=float, default=1.0, help=texts["hours"])
    parser.add_argument("--rounds", type=int, default=3, help=texts["rounds"])
    parser.add_argument(
        "--lengths",
        type=int,
        nargs="+",
        metavar="S",
        default=[60, 600, 3600, 3 * 3600],
        help=texts["lengths"],
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help=texts["bench_output"])


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Measure, print the tables, and write them; returns the exit code."""
    demos = sorted(((project_root() or Path()) / "assets" / "audio").glob("*.flac"))
    recordings = chosen.audio or demos
    if not recordings:
        raise SettingsError(name="bench", reason="name a recording", reason_zh="请指定一个音频文件")
    measured = measure(
        *(recordings, chosen.hours, max(1, chosen.rounds), chosen.lengths),
        page_module="webui.cli.page_memory",
        say=say,
    )
    text = report.markdown(measured)
    print(text, end="")
    if chosen.output is not None:
        chosen.output.mkdir(parents=True, exist_ok=True)
        (chosen.output / "bench.json").write_text(json.dumps(measured, indent=1), "utf-8")
        (chosen.output / "bench.md").write_text(text, "utf-8")
        report.save_figure(measured, chosen.output / "bench.png")
    return 0
