"""FSMN-VAD on ONNX Runtime, with graphs of our own (`webui.vad.scorers.onnx_graph`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.vad.frontend import CONTEXT_FRAMES, Features, Frontend, FrontendState
from webui.vad.scorers import OnStage, Probabilities, Samples
from webui.vad.scorers.onnx_graph import LAYERS, PAST_SHAPE, WARM_UP_FRAMES
from webui.vad.scorers.onnx_prepare import Precision, prepared_graph
from webui.vad.scorers.team import Team

Past = tuple[npt.NDArray[np.float32], ...]

# What the network keeps while it runs grows with the frames of one call and the threads; more
# of them are no faster.
_CALL_FRAMES = 300
# Fewer frames than this are not worth the warm-up that a piece of its own needs.
_PIECE_FRAMES = 5 * WARM_UP_FRAMES


@dataclass(frozen=True)
class OnnxState:
    """One stream's past: the frontend's, and each FIR memory's last 19 inputs.

    Attributes:
        frontend: pending samples and frames.
        past: four arrays, float32, shape (1, 19, 1, 128).
    """

    frontend: FrontendState
    past: Past


class OnnxScorer:
    """Scores with ONNX Runtime on the CPU; see `webui.vad.scorers.Scorer`.

    Frames that come in one feed are cut into a piece for each thread. A piece
    starts a few frames early, since the network's memory ends after
    `WARM_UP_FRAMES`, so the pieces need not wait for each other. One thread for
    each piece beats several threads on one matrix product, which are too small.

    Args:
        model_directory: holds model.onnx and am.mvn.
        threads: that score; 0 = one for each core.
        device: "auto" or "cpu"; this scorer computes on the CPU.
        prepared_directory: where graphs of our own are kept.
        on_stage: told each stage of loading.
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
    ) -> None:
        on_stage("import_onnxruntime")
        import onnxruntime

        on_stage("load_weights")
        graph = prepared_graph(model_directory, self.precision, prepared_directory)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            graph, settings, providers=["CPUExecutionProvider"]
        )
        self._team = Team(threads)
        self._frontend = Frontend(self._team.each)
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def start(self) -> OnnxState:
        """State of a new stream."""
        return OnnxState(FrontendState(), _no_past())

    def feed(self, state: OnnxState, samples: Samples) -> tuple[OnnxState, Probabilities]:
        """Score what the next samples complete."""
        frontend, frames = self._frontend.feed(state.frontend, samples)
        past, probabilities = self._score(state.past, frames)
        return OnnxState(frontend, past), probabilities

    def finish(self, state: OnnxState) -> Probabilities:
        """P(speech) of the last frames."""
        return self._score(state.past, self._frontend.finish(state.frontend))[1]

    def _score(self, past: Past, frames: Features) -> tuple[Past, Probabilities]:
        scores = max(0, len(frames) - 2 * CONTEXT_FRAMES)
        pieces = max(1, min(self._team.size, scores // _PIECE_FRAMES))
        edges = [scores * piece // pieces for piece in range(pieces + 1)]
        probabilities = np.empty(scores, dtype=np.float32)
        lasts: list[Past] = [past] * pieces

        def score_piece(piece: int) -> None:
            first, end = edges[piece], edges[piece + 1]
            before = past
            if piece:
                before, _ = self._run(_no_past(), frames, first - WARM_UP_FRAMES, first)
            for begin in range(first, end, _CALL_FRAMES):
                call = slice(begin, min(begin + _CALL_FRAMES, end))
                before, probabilities[call] = self._run(before, frames, call.start, call.stop)
            lasts[piece] = before

        self._team.each(score_piece, pieces)
        return lasts[-1], probabilities

    def _run(
        self, past: Past, frames: Features, first: int, end: int
    ) -> tuple[Past, Probabilities]:
        """Scores ``first`` to ``end`` - 1 of those that the frames allow."""
        inputs: dict[str, Any] = {f"past_{layer}": array for layer, array in enumerate(past)}
        inputs["frames"] = frames[first : end + 2 * CONTEXT_FRAMES]
        speech, *following = self._session.run(None, inputs)
        return tuple(following), speech


class OnnxInt8Scorer(OnnxScorer):
    """The same with most matrix products in 8-bit integers."""

    precision = "int8"


def _no_past() -> Past:
    return (np.zeros(PAST_SHAPE, dtype=np.float32),) * LAYERS
