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
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.vad.fbank import BLOCK_FRAMES, Features
from webui.vad.frontend import Cmvn
from webui.vad.scorers import OnStage, Probabilities
from webui.vad.scorers.blocks import BlockScorer

# Torch takes long to begin; what the encoder keeps while it runs grows with the frames of a call.
_CALL_FRAMES = 4 * BLOCK_FRAMES
# Of a GPU's free memory, for all threads; torch keeps what a call needed for the next one.
_GPU_SHARE = 0.5
_GPU_BYTES_PER_FRAME = 32_000  # inputs and outputs of all layers, and what convolutions need beside
_GPU_MOST_FRAMES = 60_000

Past = dict[str, npt.NDArray[np.float32]]
"""Cache of FunASR's encoder: each layer's last 19 inputs; arrays, for who has no torch."""


class FunasrScorer(BlockScorer):
    """Scores with FunASR on torch; see `webui.vad.scorers.Scorer`.

    Args:
        model_directory: a model directory as FunASR publishes it.
        threads: of torch; 0 = one for each core.
        device: "auto" is CUDA where there is one, else Apple's GPU ("mps"), else the CPU.
        prepared_directory: not used; FunASR takes the model as it is.
        on_stage: told each stage of loading.
        precision: "fp32", or "fp16" on a GPU; the CPU computes in fp32 in any case.
    """

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
        super().__init__(threads, _CALL_FRAMES)
        on_stage("import_torch")
        import torch

        self._torch = torch
        if device == "auto":
            device = _best_device(torch)
        on_stage("import_funasr")
        # FunASR prints to standard output, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr), _quiet_logging():
            import funasr

            on_stage("load_weights")
            session = funasr.AutoModel(
                model=str(model_directory),
                device=device,
                ncpu=1,
                disable_update=True,
                disable_pbar=True,
                log_level="ERROR",
            )
        # Each thread of ours scores a block of its own.
        torch.set_num_threads(1)
        shift, scale = session.kwargs["frontend"].cmvn.numpy()
        self._cmvn = Cmvn(shift, scale)
        self._encoder = session.model.encoder
        self.device = str(next(self._encoder.parameters()).device)
        is_on_gpu = not self.device.startswith("cpu")
        # The CPU has no half-size arithmetic that would be faster.
        self._is_half = precision == "fp16" and is_on_gpu
        if self._is_half:
            self._encoder.half()
        if is_on_gpu:
            self._call_frames = _frames_that_fit(torch, self.device, self._team.size)
        self._no_past = _no_past(self._encoder)
        # Plain text: torch's own version type would import torch wherever it is unpickled.
        self.versions = {"funasr": funasr.__version__, "torch": str(torch.__version__)}

    def no_past(self) -> Past:
        """What the network looks back on at the beginning of a stream: silence."""
        return self._no_past

    def run(self, past: Past, frames: Features) -> tuple[Past, Probabilities]:
        """Run FunASR's encoder once."""
        torch = self._torch
        # FunASR replaces the tensors of a cache rather than writing into them.
        cache = {name: self._tensor(array) for name, array in past.items()}
        with torch.inference_mode():
            batch = self._tensor(self._cmvn.stack(frames))[None]
            silence = self._encoder(batch, cache=cache)[0, :, 0]
            # In double precision, which Apple's GPUs do not have.
            probabilities = (1.0 - silence.cpu().double()).float().numpy()
        # It keeps a view into all that it was given; what it looks back on is a little of that.
        following = {name: tensor.float().cpu().numpy().copy() for name, tensor in cache.items()}
        return following, probabilities

    def _tensor(self, array: Features) -> Any:
        """The array on the device, in the numbers that are computed with there."""
        tensor = self._torch.from_numpy(array).to(self.device)
        return tensor.half() if self._is_half else tensor


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _no_past(encoder: Any) -> Past:
    """Zeros, as FunASR's encoder makes them where they are missing; its own are never halves."""
    return {
        f"cache_layer_{block.stack_layer}": np.zeros(
            (1, block.fsmn_block.dim, (block.lorder - 1) * block.lstride, 1), np.float32
        )
        for block in encoder.fsmn
    }


def _frames_that_fit(torch: Any, device: str, threads: int) -> int:
    """Frames of one call, by the memory that is free on the GPU: at most ten minutes' worth."""
    if device.startswith("cuda"):
        free_bytes = torch.cuda.mem_get_info(device)[0]
    else:
        free_bytes = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    blocks = int(free_bytes * _GPU_SHARE) // (threads * _GPU_BYTES_PER_FRAME * BLOCK_FRAMES)
    return BLOCK_FRAMES * max(1, min(blocks, _GPU_MOST_FRAMES // BLOCK_FRAMES))


@contextlib.contextmanager
def _quiet_logging() -> Any:
    """Keep FunASR's talk of hubs and missing extras out of the terminal while it loads."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
