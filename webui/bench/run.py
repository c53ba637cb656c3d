"""Run the subjects in turn, each in a fresh process, and gather what they took."""

from __future__ import annotations

import contextlib
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui import __version__
from webui.bench import recording
from webui.bench.texts import TEXTS, label_text
from webui.errors import EngineError
from webui.vad.scorers import missing_package
from webui.vad.scorers.team import cores

Say = Callable[[str], None]

_NEAR_MS = 50
_MOST_GROWTH_ROUNDS = 3


@dataclass(frozen=True)
class Subject:
    """Something to be measured.

    Attributes:
        label: what it is called in the report.
        name: "automodel" or an engine.
        threads: that it may use.
    """

    label: str
    name: str
    threads: int


def subjects() -> list[Subject]:
    """All that can be measured with what is installed, FunASR itself first."""
    every = [
        Subject("FunASR AutoModel.generate", "automodel", cores()),
        Subject("funasr", "funasr", cores()),
        Subject("onnx", "onnx", cores()),
        Subject("onnx, 1 thread", "onnx", 1),
        Subject("onnx-int8", "onnx-int8", cores()),
        Subject("onnx-int8, 1 thread", "onnx-int8", 1),
    ]
    if missing_package("funasr"):
        every = [subject for subject in every if subject.name not in ("automodel", "funasr")]
    return every


def run(
    recordings: Sequence[Path],
    hours: float,
    rounds: int,
    durations_s: Sequence[int],
    page_module: str,
    say: Say,
    language: str = "en",
) -> dict[str, Any]:
    """Measure everything.

    Args:
        recordings: what the long recording is made of, again and again.
        hours: length of the recording that subjects are compared on.
        rounds: measurements of each subject, in turn.
        durations_s: lengths at which the growth of time and memory is measured.
        page_module: prints what page and engine hold after a recording.
        say: told what happens.
        language: of what it is told, "en" or "zh".

    Returns:
        Plain values for JSON; `webui.bench.report` puts them into words.

    Raises:
        AudioError, SettingsError: as of `webui.bench.recording`.
        EngineError: one of the measurements failed.
    """
    texts = TEXTS[language]
    with tempfile.TemporaryDirectory(prefix="fsmn-vad-bench-") as directory:
        samples = recording.read(recordings)
        audio = recording.write(Path(directory) / "compared.wav", samples, hours * 3600)
        runs = _compare(subjects(), audio, rounds, say, language)
        few = min(rounds, _MOST_GROWTH_ROUNDS)
        growth = []
        for length_s in durations_s:
            say(texts["length"].format(duration_s=length_s))
            longer = recording.write(Path(directory) / "growth.wav", samples, length_s)
            growth.append({"duration_s": length_s, **_growth(longer, few)})
        say(texts["page"])
        page = printed("the page", page_module, str(audio))
        say(texts["precision"])
        precision = printed("8-bit scores", "webui.bench.precision", str(audio))
        say(texts["short"])
        short = recording.write(Path(directory) / "short.wav", samples, 5)
        command = _growth(short, max(rounds, 3))
        say(texts["deciding"])
        retuned = _retuned()
    return {
        "machine": machine(),
        "version": __version__,
        "duration_s": hours * 3600,
        "rounds": rounds,
        "subjects": [_summary(subject, subjects()[0], runs) for subject in subjects()],
        "runs": [{key: run[key] for key in run if key != "segments"} for run in runs],
        "growth": growth,
        "command_5_s": command,
        "retune_1_h_s": retuned,
        "page_uss_bytes": page,
        "int8": precision,
    }


def _compare(
    every: list[Subject], audio: Path, rounds: int, say: Say, language: str
) -> list[dict[str, Any]]:
    """Measure each subject once a round; the runs in their order."""
    runs = []
    for turn in range(1, rounds + 1):
        for subject in every:
            label = label_text(subject.label, language)
            say(TEXTS[language]["round"].format(turn=turn, rounds=rounds, label=label))
            given = (subject.name, str(subject.threads), str(audio))
            measured = printed(subject.label, "webui.bench.subject", *given)
            runs.append({"label": subject.label, "round": turn, **measured})
    return runs


def _summary(subject: Subject, reference: Subject, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians with spread, and agreement with the reference in the round that agreed least."""
    mine, theirs = ([r for r in runs if r["label"] == s.label] for s in (subject, reference))
    pairs = [
        ({tuple(s) for s in one["segments"]}, {tuple(s) for s in other["segments"]})
        for one, other in zip(mine, theirs, strict=True)
    ]
    figures = {
        key: spread([r[key] for r in mine]) for key in mine[0] if key.endswith(("_s", "_bytes"))
    }
    reference_s = statistics.median(r["total_s"] for r in theirs)
    return {
        "label": subject.label,
        "engine": subject.name,
        "threads": subject.threads,
        **figures,
        "times_faster": reference_s / figures["total_s"]["median"],
        "segments": min(len(found) for found, _ in pairs),
        "same_segments": min(len(f & w) / max(len(f | w), 1) for f, w in pairs),
        "near_segments": min(_near(found, wanted) for found, wanted in pairs),
    }


def _near(found: set[tuple[int, ...]], wanted: set[tuple[int, ...]]) -> float:
    """Share of the wanted segments of which one was found within `_NEAR_MS` at both ends."""
    near = sum(
        any(abs(a - c) <= _NEAR_MS and abs(b - d) <= _NEAR_MS for c, d in found) for a, b in wanted
    )
    return near / max(len(wanted), 1)


def printed(label: str, module: str, *given: str) -> dict[str, Any]:
    """The JSON object that a module prints when it is run in a process of its own."""
    command = [sys.executable, "-m", module, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise EngineError(reason=f"{label}: {last}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _growth(audio: Path, rounds: int) -> dict[str, Any]:
    """``fsmn-vad detect --engine onnx`` as a whole process: time and peak memory."""
    runs = [command_run(audio) for _ in range(rounds)]
    return {key: spread([run[key] for run in runs]) for key in ("wall_s", "peak_rss_bytes")}


def command_run(audio: Path) -> dict[str, Any]:
    """``fsmn-vad detect --engine onnx`` once, in a process of its own: its time and peak.

    Raises:
        EngineError: it failed.
    """
    detect = ("detect", "--engine", "onnx", str(audio))
    command = [sys.executable, "-m", "webui.bench.command", *detect]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - begin
    *said, known = done.stderr.splitlines() or [""]
    if done.returncode:
        raise EngineError(reason=f"detect: {(said or [known])[-1]}")
    return {"wall_s": wall_s, **json.loads(known)}


def _retuned() -> dict[str, Any]:
    """Deciding again over an hour of kept probabilities, one change of the options at a time."""
    took = printed("deciding again", "webui.bench.retune")
    slowest = max(took, key=lambda change: took[change])
    return {**spread(list(took.values())), "slowest": slowest, "changes": took}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest of some values."""
    return {
        "median": statistics.median(values),
        "minimum": min(values),
        "maximum": max(values),
    }


def machine() -> dict[str, Any]:
    """What it is measured on: processor, cores, memory, system, version of Python."""
    import psutil

    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": name,
        "cores": cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
