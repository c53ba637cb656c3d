"""``fsmn-vad bench``: this machine, against FunASR itself."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from webui.bench import footprint, recording, report, stream_report, streaming
from webui.bench.run import run as run_recordings
from webui.bench.texts import TEXTS as BENCH_TEXTS
from webui.cli.files import appearing, unwritable
from webui.cli.terminal import TEXTS, say
from webui.errors import SettingsError
from webui.settings import Settings, project_root
from webui.vad.scorers import missing_package

_SHORTEST_HOURS = 0.01
_MOST_ROUNDS = 1000
_LONGEST_S = recording.LONGEST_HOURS * 3600
_MOST_STREAMS = 10_000
_STREAMS = (1, 25, 50, 100, 150, 200, 250, 300, 400)
_LONGEST_CROWD_S = 600
_LONGEST_STREAM_HOURS = 1000


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``bench``."""
    texts = TEXTS[language]
    parser.description = texts["bench_about"]
    parser.add_argument("audio", nargs="*", type=Path, help=texts["bench_audio"])
    hours = texts["hours"].format(
        low=_SHORTEST_HOURS, high=recording.LONGEST_HOURS, stream_high=_LONGEST_STREAM_HOURS
    )
    parser.add_argument("--hours", type=float, help=hours)
    rounds = texts["rounds"].format(low=1, high=_MOST_ROUNDS)
    parser.add_argument("--rounds", type=int, default=3, help=rounds)
    parser.add_argument(
        "--lengths",
        type=int,
        nargs="+",
        metavar="S",
        default=[60, 600, 3600, 3 * 3600],
        help=texts["lengths"].format(low=1, high=_LONGEST_S),
    )
    parser.add_argument("--memory", action="store_true", help=texts["bench_memory"])
    parser.add_argument("--stream", action="store_true", help=texts["bench_stream"])
    streams = texts["bench_streams"].format(low=1, high=_MOST_STREAMS)
    parser.add_argument(
        "--streams", type=int, nargs="+", metavar="N", default=list(_STREAMS), help=streams
    )
    seconds = texts["bench_seconds"].format(low=1, high=_LONGEST_CROWD_S)
    parser.add_argument("--seconds", type=float, metavar="S", default=10.0, help=seconds)
    parser.add_argument("--output", type=Path, metavar="DIR", help=texts["bench_output"])


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Measure, print the tables, and write them; returns the exit code."""
    demos = sorted(((project_root() or Path()) / "assets" / "audio").glob("*.flac"))
    recordings = chosen.audio or demos
    if not recordings:
        raise SettingsError(name="bench", reason="name a recording", reason_zh="请指定一个音频文件")
    # All that can be wrong is found before hours are spent on measuring.
    _check_range("--rounds", chosen.rounds, 1, _MOST_ROUNDS)
    if chosen.output is not None:
        _make_writable(chosen.output)
    measure, name = _measure_recordings, "bench"
    if chosen.stream:
        measure, name = _measure_streams, "bench-stream"
    elif chosen.memory:
        measure, name = _measure_memory, "bench-memory"
    measured, text = measure(chosen, recordings, language)
    print(text, end="", flush=True)
    if chosen.output is not None:
        for suffix, content in (("json", json.dumps(measured, indent=1)), ("md", text)):
            with appearing(chosen.output / f"{name}.{suffix}", "--output") as stream:
                stream.write(content.encode())
        if name == "bench":
            with appearing(chosen.output / "bench.png", "--output") as stream:
                report.save_figure(measured, stream, language)
    return 0


def _measure_recordings(
    chosen: argparse.Namespace, recordings: list[Path], language: str
) -> tuple[dict[str, Any], str]:
    hours = 1.0 if chosen.hours is None else chosen.hours
    _check_range("--hours", hours, _SHORTEST_HOURS, recording.LONGEST_HOURS)
    for length_s in chosen.lengths:
        _check_range("--lengths", length_s, 1, _LONGEST_S)
    recording.check_room([hours * 3600, max(chosen.lengths)])
    _say_what_is_absent(language)
    measured = run_recordings(
        *(recordings, hours, chosen.rounds, chosen.lengths),
        page_module="webui.cli.page_memory",
        say=say,
        language=language,
    )
    return measured, report.markdown(measured, language)


def _measure_memory(
    chosen: argparse.Namespace, recordings: list[Path], language: str
) -> tuple[dict[str, Any], str]:
    hours = 1.0 if chosen.hours is None else chosen.hours
    _check_range("--hours", hours, _SHORTEST_HOURS, recording.LONGEST_HOURS)
    recording.check_room([hours * 3600])
    measured = footprint.run(
        recordings, hours, page_module="webui.cli.page_peak", say=say, language=language
    )
    for missed in footprint.missed(measured):
        say(TEXTS[language]["bench_missed"].format(name=missed))
    return measured, footprint.markdown(measured, language)


def _measure_streams(
    chosen: argparse.Namespace, recordings: list[Path], language: str
) -> tuple[dict[str, Any], str]:
    hours = 2.0 if chosen.hours is None else chosen.hours
    _check_range("--hours", hours, _SHORTEST_HOURS, _LONGEST_STREAM_HOURS)
    for count in chosen.streams:
        _check_range("--streams", count, 1, _MOST_STREAMS)
    _check_range("--seconds", chosen.seconds, 1, _LONGEST_CROWD_S)
    recording.check_room([streaming.TALK_S])
    _say_what_is_absent(language)
    measured = streaming.run(
        *(recordings, hours, chosen.rounds, chosen.streams, chosen.seconds, say, language)
    )
    return measured, stream_report.markdown(measured, language)


def _say_what_is_absent(language: str) -> None:
    if missing_package("funasr"):
        say(BENCH_TEXTS[language]["absent"].format(reference="onnx"))


def _check_range(option: str, value: float, low: float, high: float) -> None:
    # Written so that NaN, which compares false to everything, is refused too.
    if not low <= value <= high:
        raise SettingsError(
            name=option,
            reason=f"{value:g} is outside {low:g} to {high:g}",
            reason_zh=f"{value:g} 超出范围 {low:g} 至 {high:g}",
        )


def _make_writable(output: Path) -> None:
    """Make the directory, and find out whether files can be written there."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=output, prefix="bench"):
            pass
    except OSError as error:
        raise unwritable(output, "--output", error) from error
