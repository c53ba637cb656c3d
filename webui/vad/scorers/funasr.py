"""FSMN-VAD in a real FunASR AutoModel session: its weights, its normalisation, its encoder.

``AutoModel.generate`` holds a whole file, keeps all 248 posteriors of each frame,
runs a Python state machine over each frame and shares its options between calls.
What is used here is the session's encoder, fed block by block with a state for
each stream, so an hour needs no more memory than a minute and two streams cannot
disturb each other. The features come from `webui.vad.frontend`, which is several
times faster than FunASR's own and gives the same segments.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from webui.vad.frontend import CONTEXT_FRAMES, Cmvn, Features, Frontend, FrontendState
from webui.vad.scorers import OnStage, Probabilities, Samples
from webui.vad.scorers.team import Team, cores

# What the encoder keeps while it runs grows with the frames of one call.
_CALL_FRAMES = 1000


@dataclass(frozen=True)
class FunasrState:
    """One stream's past.

    Attributes:
        frontend: pending samples and frames.
        encoder: cache of FunASR's encoder: each layer's last 19 inputs.
    """

    frontend: FrontendState = field(default_factory=FrontendState)
    encoder: dict[str, Any] = field(default_factory=dict)


class FunasrScorer:
    """Scores with FunASR on torch; see `webui.vad.scorers.Scorer`.

    Args:
        model_directory: a model directory as FunASR publishes it.
        threads: of torch; 0 = one for each core.
        device: "auto" is CUDA where there is one, else the CPU.
        prepared_directory: not used; FunASR takes the model as it is.
        on_stage: told each stage of loading.
    """

    def __init__(
        self,
        model_directory: Path,
        *,
        threads: int,
        device: str,
        prepared_directory: Path,
        on_stage: OnStage,
    ) -> None:
        on_stage("import_torch")
        import torch

        self._torch = torch
        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        on_stage("import_funasr")
        threads = threads or cores()
        # FunASR prints to standard output, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr), _quiet_logging():
            import funasr

            on_stage("load_weights")
            session = funasr.AutoModel(
                model=str(model_directory),
                device=device,
                ncpu=threads,
                disable_update=True,
                disable_pbar=True,
                log_level="ERROR",
            )
        torch.set_num_threads(threads)
        shift, scale = session.kwargs["frontend"].cmvn.numpy()
        self._cmvn = Cmvn(shift, scale)
        self._frontend = Frontend(Team(threads).each)
        self._encoder = session.model.encoder
        self.device = str(next(self._encoder.parameters()).device)
        # Plain text: torch's own version type would import torch wherever it is unpickled.
        self.versions = {"funasr": funasr.__version__, "torch": str(torch.__version__)}

    def start(self) -> FunasrState:
        """State of a new stream."""
        return FunasrState()

    def feed(self, state: FunasrState, samples: Samples) -> tuple[FunasrState, Probabilities]:
        """Score what the next samples complete."""
        frontend, frames = self._frontend.feed(state.frontend, samples)
        # FunASR replaces the tensors of a cache rather than writing into them.
        encoder = dict(state.encoder)
        return FunasrState(frontend, encoder), self._score(encoder, frames)

    def finish(self, state: FunasrState) -> Probabilities:
        """P(speech) of the last frames."""
        return self._score(dict(state.encoder), self._frontend.finish(state.frontend))

    def _score(self, encoder: dict[str, Any], frames: Features) -> Probabilities:
        torch = self._torch
        scores = max(0, len(frames) - 2 * CONTEXT_FRAMES)
        probabilities = np.empty(scores, dtype=np.float32)
        with torch.inference_mode():
            for begin in range(0, scores, _CALL_FRAMES):
                call = slice(begin, min(begin + _CALL_FRAMES, scores))
                features = self._cmvn.stack(frames[call.start : call.stop + 2 * CONTEXT_FRAMES])
                batch = torch.from_numpy(features)[None].to(self.device)
                silence = self._encoder(batch, cache=encoder)[0, :, 0].double()
                probabilities[call] = (1.0 - silence).cpu().numpy()
        # FunASR keeps a view into all that it was given; what it looks back on is a little of that.
        encoder.update({name: cache.clone() for name, cache in encoder.items()})
        return probabilities


@contextlib.contextmanager
def _quiet_logging() -> Any:
    """Keep FunASR's talk of hubs and missing extras out of the terminal while it loads."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
