"""How far 8-bit scores are from exact ones: ``python -m webui.bench.precision AUDIO``.

Prints one JSON object: sizes of the graphs, and differences of P(speech).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from webui.vad.options import VadOptions


def compare(path: Path) -> dict[str, Any]:
    """Score a recording with both precisions.

    Returns:
        ``mean``, ``percentile_99`` and ``largest`` absolute difference of P(speech),
        ``decided_otherwise``: the share of frames on the other side of the default
        threshold, ``bytes``: of each graph.
    """
    from webui import weights
    from webui.settings import Settings
    from webui.vad.detector import Detector
    from webui.vad.scorers.onnx_prepare import PRECISIONS, prepared_graph

    exact, integer = (
        Detector(engine).score(path, with_peaks=False).probabilities
        for engine in ("onnx", "onnx-int8")
    )
    difference = np.abs(integer - exact)
    level = VadOptions().speech_probability
    kept = Settings.from_environment().prepared_directory
    directory = weights.find(engine="onnx")
    return {
        "mean": float(difference.mean()),
        "percentile_99": float(np.percentile(difference, 99)),
        "largest": float(difference.max()),
        "decided_otherwise": float(np.mean((integer >= level) != (exact >= level))),
        "bytes": {name: len(prepared_graph(directory, name, kept)) for name in PRECISIONS},
    }


if __name__ == "__main__":
    print(json.dumps(compare(Path(sys.argv[1]))))
