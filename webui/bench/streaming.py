"""Live streams, measured: cost of a chunk, delays, memory over hours, streams at once."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from webui import __version__
from webui.bench import recording
from webui.bench.chunks import CHUNKS_MS
from webui.bench.run import Say, machine, printed, spread
from webui.bench.texts import TEXTS, label_text
from webui.vad.scorers import missing_package

ENGINE = "onnx"
"""Whose memory and streams at once are measured."""

TALK_S = 60.0
"""Length of the sound that chunks are cut from, at most."""

_DELAYS = ("speech_start_delay_ms", "speech_end_delay_ms")


def subjects() -> list[tuple[str, str]]:
    """Label and name of all that can be measured with what is installed, FunASR first."""
    every = [
        ("FunASR generate(cache=...)", "automodel"),
        ("funasr", "funasr"),
        ("onnx", "onnx"),
        ("onnx-int8", "onnx-int8"),
    ]
    return every[2:] if missing_package("funasr") else every


def run(
    recordings: Sequence[Path],
    hours: float,
    rounds: int,
    counts: Sequence[int],
    seconds: float,
    say: Say,
    language: str = "en",
) -> dict[str, Any]:
    """Measure everything.

    Args:
        recordings: what the sound is made of, again and again.
        hours: of sound through one stream, over which memory is measured.
        rounds: measurements of each subject, in turn.
        counts: numbers of streams at once; 1 comes first in any case.
        seconds: how long each number is measured.
        say: told what happens.
        language: of what it is told, "en" or "zh".

    Returns:
        Plain values for JSON; `webui.bench.stream_report` puts them into words.

    Raises:
        AudioError, SettingsError: as of `webui.bench.recording`.
        EngineError: one of the measurements failed.
    """
    texts = TEXTS[language]
    every = subjects()
    talk_s = min(TALK_S, hours * 3600)
    with tempfile.TemporaryDirectory(prefix="fsmn-vad-bench-") as directory:
        samples = recording.read(recordings)
        audio = str(recording.write(Path(directory) / "talk.wav", samples, talk_s))
        runs = []
        for turn in range(1, rounds + 1):
            for label, name in every:
                shown = label_text(label, language)
                say(texts["round"].format(turn=turn, rounds=rounds, label=shown))
                measured = printed(label, "webui.bench.chunks", name, audio)
                runs.append({"label": label, "round": turn, **measured})
        say(texts["stream_soak"].format(hours=f"{hours:g}"))
        soak = printed("memory", "webui.bench.soak", ENGINE, str(hours), audio)
        say(texts["stream_crowd"])
        numbers = [str(count) for count in sorted({1, *counts})]
        crowd = printed("streams", "webui.bench.crowd", ENGINE, str(seconds), audio, *numbers)
    return {
        "machine": machine(),
        "version": __version__,
        "rounds": rounds,
        "subjects": [_summary(label, name, every[0][0], runs) for label, name in every],
        "runs": [_without_events(run) for run in runs],
        "soak": soak,
        "crowd": {**crowd, "most": most_streams(crowd["streams"])},
    }


def most_streams(streams: Sequence[dict[str, Any]]) -> int:
    """Largest number of streams up to which the 95th percentile has at most doubled.

    Args:
        streams: as of `webui.bench.crowd.measure`, by rising number from 1 on.
    """
    most = 0
    for row in streams:
        if row["percentile_95_s"] > 2 * streams[0]["percentile_95_s"]:
            break
        most = row["count"]
    return most


def _summary(label: str, name: str, reference: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    mine, theirs = ([run for run in runs if run["label"] == each] for each in (label, reference))
    chunks = {}
    for chunk_ms in map(str, CHUNKS_MS):
        rows, others = ([run["chunks"][chunk_ms] for run in each] for each in (mine, theirs))
        cost_s = spread([row["chunk_s"]["median"] for row in rows])
        reference_s = statistics.median(row["chunk_s"]["median"] for row in others)
        chunks[chunk_ms] = {
            "chunk_s": cost_s,
            "percentile_95_s": spread([row["chunk_s"]["percentile_95"] for row in rows]),
            "times_faster": reference_s / cost_s["median"],
            "events": len(rows[0]["events"]),
            "same_events": all(
                row["events"] == other["events"] for row, other in zip(rows, others, strict=True)
            ),
            **{key: rows[0][key] for key in _DELAYS if key in rows[0]},
        }
    return {"label": label, "engine": name, "chunks": chunks, "state_bytes": mine[0]["state_bytes"]}


def _without_events(run: dict[str, Any]) -> dict[str, Any]:
    chunks = {
        chunk_ms: {key: row[key] for key in row if key != "events"}
        for chunk_ms, row in run["chunks"].items()
    }
    return {**run, "chunks": chunks}
