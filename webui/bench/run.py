"""Run the subjects in turn, each in a fresh process, and gather what they took."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from webui import __version__
from webui.audio import SAMPLE_RATE_HZ
from webui.errors import EngineError, OptionsError
from webui.vad.options import VadOptions, option_info
from webui.vad.scorers import missing_package

Say = Callable[[str], None]

_NEAR_MS = 50


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
    cores = os.cpu_count() or 1
    every = [
        Subject("FunASR AutoModel.generate", "automodel", cores),
        Subject("funasr", "funasr", cores),
        Subject("onnx", "onnx", cores),
        Subject("onnx, 1 thread", "onnx", 1),
        Subject("onnx-int8", "onnx-int8", cores),
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
) -> dict[str, Any]:
    """Measure everything.

    Args:
        recordings: what the long recording is made of, again and again.
        hours: length of the recording that subjects are compared on.
        rounds: measurements of each subject, in turn.
        durations_s: lengths at which the growth of time and memory is measured.
        page_module: prints what page and engine hold after a recording.
        say: told what happens.

    Returns:
        Plain values for JSON; `webui.bench.report` puts them into words.
    """
    with tempfile.TemporaryDirectory(prefix="fsmn-vad-bench-") as directory:
        samples = _material(recordings)
        audio = _write(Path(directory) / "compared.wav", samples, hours * 3600)
        measured = _compare(subjects(), audio, rounds, say)
        growth = [
            _growth(_write(Path(directory) / f"{duration_s}.wav", samples, duration_s), duration_s)
            for duration_s in durations_s
        ]
        say("page and engine after the long recording")
        page = _printed("the page", page_module, str(audio))
        say("8-bit scores against exact ones")
        precision = _printed("8-bit scores", "webui.bench.precision", str(audio))
        say("a short file through the whole command")
        short = _write(Path(directory) / "short.wav", samples, 5)
        command = [_command(short) for _ in range(max(rounds, 3))]
    return {
        "machine": _machine(),
        "version": __version__,
        "duration_s": hours * 3600,
        "rounds": rounds,
        "subjects": measured,
        "growth": growth,
        "command_5_s": {"wall_s": _spread([m["wall_s"] for m in command])},
        "retune_1_h_s": _retune(),
        "page_uss_bytes": page,
        "int8": precision,
    }


def _material(recordings: Sequence[Path]) -> np.ndarray[Any, np.dtype[np.int16]]:
    from webui.audio.reader import open_audio

    blocks = []
    for path in recordings:
        with open_audio(path) as reader:
            blocks += [np.clip(block, -1, 32767 / 32768) for block in reader]
    return np.rint(np.concatenate(blocks) * 32768).astype("<i2")


def _write(path: Path, samples: np.ndarray[Any, Any], duration_s: float) -> Path:
    """Write so many seconds as WAV, repeating the samples."""
    left = round(duration_s * SAMPLE_RATE_HZ)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        while left > 0:
            part = samples[:left]
            file.writeframes(part.tobytes())
            left -= len(part)
    return path


def _compare(every: list[Subject], audio: Path, rounds: int, say: Say) -> list[dict[str, Any]]:
    runs: dict[str, list[dict[str, Any]]] = {subject.label: [] for subject in every}
    for turn in range(rounds):
        for subject in every:
            say(f"round {turn + 1} of {rounds}: {subject.label}")
            runs[subject.label].append(_measure(subject, audio))
    reference = runs[every[0].label]
    reference_s = statistics.median(r["total_s"] for r in reference)
    wanted = {tuple(segment) for segment in reference[0]["segments"]}
    compared = []
    for subject in every:
        mine = runs[subject.label]
        found = {tuple(segment) for segment in mine[0]["segments"]}
        keys = [key for key in mine[0] if key != "segments"]
        compared.append(
            {
                "label": subject.label,
                "engine": subject.name,
                "threads": subject.threads,
                **{key: _spread([r[key] for r in mine]) for key in keys},
                "times_faster": reference_s / statistics.median(r["total_s"] for r in mine),
                "segments": len(found),
                "same_segments": len(found & wanted) / max(len(found | wanted), 1),
                "near_segments": _near(found, wanted),
            }
        )
    return compared


def _near(found: set[tuple[int, ...]], wanted: set[tuple[int, ...]]) -> float:
    """Share of the wanted segments of which one was found within `_NEAR_MS` at both ends."""
    near = sum(
        any(abs(a - c) <= _NEAR_MS and abs(b - d) <= _NEAR_MS for c, d in found) for a, b in wanted
    )
    return near / max(len(wanted), 1)


def _measure(subject: Subject, audio: Path) -> dict[str, Any]:
    given = (subject.name, str(subject.threads), str(audio))
    return _printed(subject.label, "webui.bench.subject", *given)


def _printed(label: str, module: str, *given: str) -> dict[str, Any]:
    """The JSON object that a module prints when it is run in a process of its own."""
    command = [sys.executable, "-m", module, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise EngineError(reason=f"{label}: {last}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _growth(audio: Path, duration_s: int) -> dict[str, Any]:
    return {"duration_s": duration_s, **_command(audio)}


def _command(audio: Path) -> dict[str, Any]:
    """``fsmn-vad detect --engine onnx`` as a whole process: time and peak memory."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "webui", "detect", "--engine", "onnx", str(audio)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise EngineError(reason=f"detect ended with exit code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return {"wall_s": time.perf_counter() - begin, "peak_rss_bytes": usage.ru_maxrss * unit}


def _retune() -> dict[str, float]:
    """Deciding again over an hour of kept probabilities."""
    from webui.vad import EngineReceipt, SpeechScores

    random = np.random.default_rng(0)
    # Talk and pauses of half a second to three seconds, with doubtful frames among them.
    turns = np.repeat(np.arange(2400) % 2, random.integers(50, 300, 2400))[:360_000]
    noise = random.normal(0, 0.15, len(turns))
    probabilities = np.clip(turns * 0.9 + 0.05 + noise, 0, 1).astype(np.float32)
    from webui.audio.peaks import Peaks
    from webui.audio.report import AudioReport

    scores = SpeechScores(
        probabilities,
        Peaks(np.zeros((0, 2), np.int16)),
        AudioReport("", "", "", SAMPLE_RATE_HZ, 1, "mix", "", 3_600_000, 0),
        EngineReceipt("", "", "", "", 1, {}),
        {},
    )
    took = []
    for options in _moved_options():
        begin = time.perf_counter()
        scores.segments(options)
        took.append(time.perf_counter() - begin)
    return _spread(took)


def _moved_options() -> Iterator[VadOptions]:
    """The defaults with one number moved at a time, each to several places in its range."""
    for name, usual in VadOptions().as_dict().items():
        info = option_info(name)
        if isinstance(usual, (bool, str)):
            continue
        for share in (0.1, 0.3, 0.5, 0.7, 0.9):
            value = info.minimum + share * (info.maximum - info.minimum)
            kind = int if info.unit == "ms" else float
            with contextlib.suppress(OptionsError):  # it may contradict another
                yield VadOptions.from_mapping({name: kind(value)})


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": statistics.median(values),
        "minimum": min(values),
        "maximum": max(values),
    }


def _machine() -> dict[str, Any]:
    import psutil

    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
