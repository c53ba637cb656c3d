"""FSMN-VAD on ONNX Runtime, with graphs of our own (`webui.vad.scorers.onnx_graph`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.vad.fbank import Features
from webui.vad.scorers import OnStage, Probabilities
from webui.vad.scorers.blocks import LAYERS, BlockScorer
from webui.vad.scorers.onnx_graph import PAST_SHAPE
from webui.vad.scorers.onnx_prepare import Precision, prepared_graph
from webui.vad.scorers.runtime import import_onnxruntime

Past = tuple[npt.NDArray[np.float32], ...]
"""Each FIR memory's last 19 inputs: four arrays, float32, shape (1, 19, 1, 128)."""


class OnnxScorer(BlockScorer):
    """Scores with ONNX Runtime on the CPU; see `webui.vad.scorers.Scorer`.

    Args:
        model_directory: holds model.onnx and am.mvn.
        threads: that score; 0 = one for each core.
        device: "auto" or "cpu"; this scorer computes on the CPU.
        prepared_directory: where graphs of our own are kept.
        on_stage: told each stage of loading.
        precision: of GPUs, which this scorer does not use; the class has its own.
    """

    device = "cpu"
    precision: Precision = "fp32"

    def __init__(
        self,
        model_directory: Path,
        *,
        threads: int,
        device: str,
        prepared_directory: Path,
        on_stage: OnStage,
        precision: str = "fp32",
    ) -> None:
        super().__init__(threads)
        on_stage("import_onnxruntime")
        onnxruntime = import_onnxruntime()
        on_stage("load_weights")
        graph = prepared_graph(model_directory, self.precision, prepared_directory)
        self._session = onnxruntime.InferenceSession(
            graph,
            self.session_options(onnxruntime.SessionOptions()),
            providers=["CPUExecutionProvider"],
        )
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def session_options(self, options: Any) -> Any:
        """Set ONNX Runtime's options; docs/onnx.md has what others would give.

        One thread: each of the team's runs the graph for itself.
        """
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return options

    def no_past(self) -> Past:
        """Zeros."""
        return (np.zeros(PAST_SHAPE, dtype=np.float32),) * LAYERS

    def run(self, past: Past, frames: Features) -> tuple[Past, Probabilities]:
        """Run the graph once."""
        inputs: dict[str, Any] = {f"past_{layer}": array for layer, array in enumerate(past)}
        inputs["frames"] = frames
        speech, *following = self._session.run(None, inputs)
        return tuple(following), speech


class OnnxInt8Scorer(OnnxScorer):
    """The same with most matrix products in 8-bit integers."""

    precision = "int8"
