"""FunASR's own state machine, fed with scores of our choice."""

from __future__ import annotations

import numpy as np
import torch
from funasr.frontends.wav_frontend import WavFrontendOnline
from funasr.models.fsmn_vad_streaming.model import FsmnVADStreaming

from webui.vad.options import VadOptions
from webui.vad.schedule import SilenceSchedule


class _Scores(torch.nn.Module):
    """Stands where the encoder stands; the "features" are the scores already."""

    def forward(self, feats, cache=None):
        return feats


class _Frontend(WavFrontendOnline):
    """Hands out scores of our choice, as many a step as FunASR's frontend has features."""

    def __init__(self):
        super().__init__(dither=0.0, lfr_m=5, lfr_n=1, n_mels=80)
        self.scores = torch.empty(0)

    def forward(self, *arguments, **options):
        features, lengths = super().forward(*arguments, **options)
        if not features.numel():
            return features, lengths
        frames = features.shape[1]
        scores, self.scores = self.scores[:frames], self.scores[frames:]
        assert len(scores) == frames
        return scores[None, :, None], lengths


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
        self._frontend = _Frontend()

    def segments(
        self, probabilities: np.ndarray, options: VadOptions, beyond: int = 159
    ) -> list[list[int]]:
        """Detect.

        Args:
            probabilities: P(speech) of each frame.
            options: with dynamic silence or without.
            beyond: samples after the last frame, 0 to 159; dynamic silence alone reads them.
        """
        for name, value in options.as_dict().items():
            setattr(self._model.vad_opts, name, value)
        silence = 1.0 - probabilities.astype(np.float64)
        if options.dynamic_silence:
            return self._dynamic(torch.tensor(silence, dtype=torch.float32), options, beyond)
        cache = self._model.init_cache({})
        feats = torch.tensor(silence, dtype=torch.float32)[None, :, None]
        waveform = torch.zeros(1, (len(probabilities) - 1) * 160 + 400)
        found = self._model.forward(
            feats, waveform, cache=cache, is_final=True, is_streaming_input=False
        )
        return found[0] if found else []

    def _dynamic(self, silence: torch.Tensor, options: VadOptions, beyond: int) -> list[list[int]]:
        self._frontend.scores = silence
        samples = np.zeros((len(silence) - 1) * 160 + 400 + beyond, dtype=np.float32)
        results, _ = self._model.inference(
            [samples],
            key=["-"],
            frontend=self._frontend,
            device="cpu",
            **funasr_schedule(options),
        )
        assert not len(self._frontend.scores)
        return results[0]["value"]


def funasr_schedule(options: VadOptions) -> dict:
    """Return what `AutoModel.generate` is to be given for the options' dynamic silence."""
    schedule = SilenceSchedule.parse(options.silence_schedule)
    return {
        "dynamic_silence": True,
        "silence_schedule": list(zip(schedule.limits_ms, schedule.silences_ms, strict=True)),
        "chunk_size": options.silence_schedule_step_ms,
        "is_streaming_input": False,
    }
