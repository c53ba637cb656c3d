"""FSMN-VAD on ONNX Runtime, with the model.onnx that FunASR publishes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webui.vad.frontend import Cmvn, Frontend, FrontendState
from webui.vad.scorers import OnStage, Probabilities, Samples

_LAYERS = 4
_BLOCK_FRAMES = 1000  # bounds the 248 outputs per frame that this graph returns: 1 MB


@dataclass(frozen=True)
class OnnxState:
    """One stream's past: the frontend's, and each FIR memory's last 19 inputs.

    Attributes:
        frontend: pending samples and frames.
        caches: four arrays, float32, shape (1, 128, 19, 1).
    """

    frontend: FrontendState
    caches: tuple[npt.NDArray[np.float32], ...]


class OnnxScorer:
    """Scores with ONNX Runtime on the CPU; see `webui.vad.scorers.Scorer`.

    Args:
        model_directory: holds model.onnx and am.mvn.
        threads: of the session; 0 = one for each core.
        device: "auto" or "cpu"; this scorer computes on the CPU.
        on_stage: told each stage of loading.
    """

    device = "cpu"

    def __init__(
        self, model_directory: Path, *, threads: int, device: str, on_stage: OnStage
    ) -> None:
        on_stage("import_onnxruntime")
        import onnxruntime

        on_stage("load_weights")
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads or os.cpu_count() or 1
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model_directory / "model.onnx"), settings, providers=["CPUExecutionProvider"]
        )
        self._frontend = Frontend(Cmvn.read(model_directory / "am.mvn"))
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def start(self) -> OnnxState:
        """State of a new stream."""
        empty = np.zeros((1, 128, 19, 1), dtype=np.float32)
        return OnnxState(FrontendState(), (empty,) * _LAYERS)

    def feed(self, state: OnnxState, samples: Samples) -> tuple[OnnxState, Probabilities]:
        """Score what the next samples complete."""
        frontend, features = self._frontend.feed(state.frontend, samples)
        caches, probabilities = self._run(state.caches, features)
        return OnnxState(frontend, caches), probabilities

    def finish(self, state: OnnxState) -> Probabilities:
        """P(speech) of the last frames."""
        return self._run(state.caches, self._frontend.finish(state.frontend))[1]

    def _run(
        self, caches: tuple[npt.NDArray[np.float32], ...], features: npt.NDArray[np.float32]
    ) -> tuple[tuple[npt.NDArray[np.float32], ...], Probabilities]:
        probabilities = np.empty(len(features), dtype=np.float32)
        for first in range(0, len(features), _BLOCK_FRAMES):
            block = features[first : first + _BLOCK_FRAMES]
            inputs = {f"in_cache{layer}": cache for layer, cache in enumerate(caches)}
            posteriors, *rest = self._session.run(None, {"speech": block[None], **inputs})
            caches = tuple(np.ascontiguousarray(cache[:, :, -19:]) for cache in rest)
            probabilities[first : first + len(block)] = 1.0 - posteriors[0, :, 0].astype(np.float64)
        return caches, probabilities
