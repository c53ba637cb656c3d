"""FunASR's own state machine, fed with scores of our choice."""

from __future__ import annotations

import numpy as np
import torch
from funasr.models.fsmn_vad_streaming.model import FsmnVADStreaming

from webui.vad.options import VadOptions


class _Scores(torch.nn.Module):
    """Stands where the encoder stands; the "features" are the scores already."""

    def forward(self, feats, cache=None):
        return feats


class FunasrEndpointer:
    """Everything of FsmnVADStreaming but its network."""

    def __init__(self):
        self._model = FsmnVADStreaming(
            encoder="FSMN",
            encoder_conf={
                "input_dim": 1,
                "input_affine_dim": 1,
                "fsmn_layers": 1,
                "linear_dim": 1,
                "proj_dim": 1,
                "lorder": 2,
                "rorder": 0,
                "lstride": 1,
                "rstride": 0,
                "output_affine_dim": 1,
                "output_dim": 1,
            },
        )
        self._model.encoder = _Scores()

    def segments(self, probabilities: np.ndarray, options: VadOptions) -> list[list[int]]:
        for name, value in options.as_dict().items():
            setattr(self._model.vad_opts, name, value)
        cache = self._model.init_cache({})
        silence = 1.0 - probabilities.astype(np.float64)
        feats = torch.tensor(silence, dtype=torch.float32)[None, :, None]
        waveform = torch.zeros(1, (len(probabilities) - 1) * 160 + 400)
        found = self._model.forward(
            feats, waveform, cache=cache, is_final=True, is_streaming_input=False
        )
        return found[0] if found else []
