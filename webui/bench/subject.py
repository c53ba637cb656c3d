"""One measurement in a process of its own: ``python -m webui.bench.subject NAME THREADS WAV``.

Prints one JSON object. A fresh process for each measurement, so that nobody
finds another's caches warm and each one's peak memory is its own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from typing import Any

# Before anything of this program is imported: that belongs to loading an engine.
_BEGIN = time.perf_counter()


def measure(name: str, threads: int, path: str) -> dict[str, Any]:
    """Load one engine, detect speech in one file, and say what that took.

    Args:
        name: "automodel" (FunASR's own generate) or an engine.
        threads: that it may use.
        path: a recording.
    """
    subject = _automodel if name == "automodel" else _engine
    measured = subject(name, threads, path)
    from webui.process_memory import peak_rss_bytes

    return {**measured, "peak_rss_bytes": peak_rss_bytes(), "process_id": os.getpid()}


def _automodel(name: str, threads: int, path: str) -> dict[str, Any]:
    from webui import weights
    from webui.vad.options import VadOptions

    directory, options = weights.find(engine="funasr"), VadOptions()
    # FunASR's own time begins here, since it would need nothing of this program.
    begin = time.perf_counter()
    import funasr
    import numpy as np

    session = funasr.AutoModel(
        model=str(directory),
        ncpu=threads,
        disable_update=True,
        disable_pbar=True,
        log_level="ERROR",
    )

    def generate(recording: object) -> Any:
        return session.generate(
            input=recording,
            max_end_silence_time=options.max_end_silence_time,
            speech_noise_thres=options.speech_noise_thres,
        )

    # The engines warm up in the same way, as a part of loading.
    generate(np.zeros(16_000, dtype=np.float32))
    loaded = time.perf_counter()
    found = generate(path)
    return {
        "load_s": loaded - begin,
        "total_s": time.perf_counter() - loaded,
        "segments": found[0]["value"],
    }


def _engine(name: str, threads: int, path: str) -> dict[str, Any]:
    from webui.vad.detector import Detector
    from webui.vad.options import VadOptions

    detector = Detector(name, threads=threads)
    # Imported by every first detection; it belongs to loading as torch's import does.
    importlib.import_module("webui.audio.reader")

    loaded = time.perf_counter()
    scores = detector.score(path)
    scored = time.perf_counter()
    segments = scores.segments(VadOptions())
    end = time.perf_counter()
    return {
        "load_s": loaded - _BEGIN,
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
