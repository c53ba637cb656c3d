"""One measurement in a process of its own: ``python -m webui.bench.subject NAME THREADS WAV``.

Prints one JSON object. A fresh process for each measurement, so that nobody
finds another's caches warm and each one's peak memory is its own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import resource
import sys
import time
from typing import Any

from webui.vad.options import VadOptions


def measure(name: str, threads: int, path: str) -> dict[str, Any]:
    """Load one engine, detect speech in one file, and say what that took.

    Args:
        name: "automodel" (FunASR's own generate) or an engine.
        threads: that it may use.
        path: a recording.
    """
    subject = _automodel if name == "automodel" else _engine
    measured = subject(name, threads, path)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    measured["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return measured


def _automodel(name: str, threads: int, path: str) -> dict[str, Any]:
    begin = time.perf_counter()
    import funasr

    from webui import weights

    session = funasr.AutoModel(
        model=str(weights.find(engine="funasr")),
        ncpu=threads,
        disable_update=True,
        disable_pbar=True,
        log_level="ERROR",
    )
    loaded = time.perf_counter()
    options = VadOptions()
    found = session.generate(
        input=path,
        max_end_silence_time=options.max_end_silence_time,
        speech_noise_thres=options.speech_noise_thres,
    )
    return {
        "load_s": loaded - begin,
        "total_s": time.perf_counter() - loaded,
        "segments": found[0]["value"],
    }


def _engine(name: str, threads: int, path: str) -> dict[str, Any]:
    begin = time.perf_counter()
    from webui.vad.detector import Detector

    detector = Detector(name, threads=threads)
    # Imported by every first detection; it belongs to loading as torch's import does.
    importlib.import_module("webui.audio.reader")

    loaded = time.perf_counter()
    scores = detector.score(path)
    scored = time.perf_counter()
    segments = scores.segments(VadOptions())
    end = time.perf_counter()
    return {
        "load_s": loaded - begin,
        "decode_s": scores.timings_s["decode"],
        "score_s": scores.timings_s["score"],
        "endpoint_s": end - scored,
        "total_s": end - loaded,
        "segments": [[segment.start_ms, segment.end_ms] for segment in segments],
    }


if __name__ == "__main__":
    # FunASR prints to standard output, which belongs to the result.
    with contextlib.redirect_stdout(sys.stderr):
        result = measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    print(json.dumps(result))
