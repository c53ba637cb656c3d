"""FSMN-VAD in a real FunASR AutoModel session: its own frontend and its own encoder.

``AutoModel.generate`` holds a whole file, averages its channels, runs a Python
state machine over each frame and shares its options between calls. What is used
here are the session's parts that compute scores: they are fed block by block
with a state of their own for each stream, so an hour needs no more memory than a
minute, and two streams cannot disturb each other.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from webui.audio import SAMPLE_RATE_HZ
from webui.vad.scorers import OnStage, Probabilities, Samples

if TYPE_CHECKING:
    import torch

# generate() scores in pieces of 60 s; shorter ones give the same scores and need less memory.
_BLOCK_SAMPLES = 15 * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class FunasrState:
    """One stream's past, as FunASR's own modules keep it.

    Attributes:
        frontend: cache of WavFrontendOnline: pending samples and frames.
        encoder: cache of the FSMN encoder: each layer's last 19 inputs.
    """

    frontend: dict[str, Any] = field(default_factory=dict)
    encoder: dict[str, Any] = field(default_factory=dict)

    def copied(self) -> FunasrState:
        """A state that can be fed without changing this one.

        FunASR replaces tensors rather than writing into them; only its lists are
        written to.
        """
        frontend = {
            name: list(value) if isinstance(value, list) else value
            for name, value in self.frontend.items()
        }
        return FunasrState(frontend, dict(self.encoder))


class FunasrScorer:
    """Scores with FunASR on torch; see `webui.vad.scorers.Scorer`.

    Args:
        model_directory: a model directory as FunASR publishes it.
        threads: of torch; 0 = one for each core.
        device: "auto" is CUDA where there is one, else the CPU.
        on_stage: told each stage of loading.
    """

    def __init__(
        self, model_directory: Path, *, threads: int, device: str, on_stage: OnStage
    ) -> None:
        on_stage("import_torch")
        import torch

        self._torch = torch
        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        on_stage("import_funasr")
        threads = threads or os.cpu_count() or 1
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
        self._frontend = session.kwargs["frontend"]
        self._encoder = session.model.encoder
        self.device = str(next(self._encoder.parameters()).device)
        # Plain text: torch's own version type would import torch wherever it is unpickled.
        self.versions = {"funasr": funasr.__version__, "torch": str(torch.__version__)}

    def start(self) -> FunasrState:
        """State of a new stream."""
        return FunasrState()

    def feed(self, state: FunasrState, samples: Samples) -> tuple[FunasrState, Probabilities]:
        """Score what the next samples complete."""
        state = state.copied()
        scores = [
            self._run(state, samples[first : first + _BLOCK_SAMPLES], is_final=False)
            for first in range(0, len(samples), _BLOCK_SAMPLES)
        ]
        return state, np.concatenate(scores) if scores else np.zeros(0, dtype=np.float32)

    def finish(self, state: FunasrState) -> Probabilities:
        """P(speech) of the last frames."""
        return self._run(state.copied(), np.zeros(0, dtype=np.float32), is_final=True)

    def _run(self, state: FunasrState, samples: Samples, *, is_final: bool) -> Probabilities:
        torch = self._torch
        with torch.inference_mode():
            waveform = torch.from_numpy(np.ascontiguousarray(samples))[None]
            lengths = torch.tensor([waveform.shape[1]])
            features, _ = self._frontend(waveform, lengths, is_final=is_final, cache=state.frontend)
            # Without a complete frame FunASR returns what it was given or nothing at all.
            if features.ndim != 3 or not features.shape[1]:
                return np.zeros(0, dtype=np.float32)
            return self._speech(features, state)

    def _speech(self, features: torch.Tensor, state: FunasrState) -> Probabilities:
        posteriors = self._encoder(features.to(self.device), cache=state.encoder)
        silence = posteriors[0, :, 0].double().cpu().numpy()
        return np.asarray(1.0 - silence, dtype=np.float32)


@contextlib.contextmanager
def _quiet_logging() -> Any:
    """Keep FunASR's talk of hubs and missing extras out of the terminal while it loads."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
