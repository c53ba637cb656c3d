"""Samples to features: Kaldi log-mel fbank, stacked over 5 frames (LFR), normalised (CMVN).

Made for the scorers that do without FunASR. It follows Kaldi's
``compute-fbank-feats`` with the settings of the model's ``config.yaml``: 25 ms
Hamming windows every 10 ms, waveform scaled by 32768, DC removed, pre-emphasis
0.97, 80 mel bins from 20 Hz to 8 kHz, no dither, only whole windows. Real FFTs
over blocks of windows are several times faster than kaldi-native-fbank and agree
with it to single precision's rounding (``tests/vad/test_frontend.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.audio import SAMPLE_RATE_HZ
from webui.vad.timebase import (
    FRAME_HOP_SAMPLES,
    FRAME_LENGTH_SAMPLES,
    frames_in,
)

Samples = npt.NDArray[np.float32]
Features = npt.NDArray[np.float32]

MEL_BINS = 80
STACKED_FRAMES = 5  # LFR: the frame itself, two before and two after
CONTEXT_FRAMES = (STACKED_FRAMES - 1) // 2
FEATURE_SIZE = MEL_BINS * STACKED_FRAMES  # 400

_FFT_SIZE = 512
_LOW_HZ = 20.0
_PREEMPHASIS = 0.97
_WAVEFORM_SCALE = 32768.0
_BLOCK_FRAMES = 512  # frames transformed at once: their spectra fit into a 2 MB cache


def _mel(frequency_hz: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    return np.asarray(1127.0 * np.log(1.0 + frequency_hz / 700.0))


def _mel_filters() -> Features:
    """Triangular filters on the mel scale, float32, shape (bins of the FFT, mel bins)."""
    bins_hz = np.arange(_FFT_SIZE // 2 + 1) * (SAMPLE_RATE_HZ / _FFT_SIZE)
    low, high = _mel(np.array([_LOW_HZ, SAMPLE_RATE_HZ / 2]))
    corners = low + (high - low) / (MEL_BINS + 1) * np.arange(MEL_BINS + 2)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    mel = _mel(bins_hz)[:, None]
    rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[-1] = 0.0  # Kaldi leaves out the Nyquist bin
    return np.asarray(filters, dtype=np.float32)


_FILTERS = _mel_filters()
_WINDOW = (
    0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME_LENGTH_SAMPLES) / (FRAME_LENGTH_SAMPLES - 1))
).astype(np.float32)
_LOG_FLOOR = np.finfo(np.float32).eps


def fbank(samples: Samples) -> Features:
    """Log-mel filter bank energies of all whole frames.

    Args:
        samples: 16 kHz mono in -1 to 1, float32, shape (samples,).

    Returns:
        Natural logarithms of mel energies, float32, shape (frames, 80).
    """
    count = frames_in(len(samples))
    energies = np.empty((count, MEL_BINS), dtype=np.float32)
    if not count:
        return energies
    scaled = samples * np.float32(_WAVEFORM_SCALE)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, FRAME_LENGTH_SAMPLES)
    windows = windows[::FRAME_HOP_SAMPLES]
    for first in range(0, count, _BLOCK_FRAMES):
        frames = windows[first : first + _BLOCK_FRAMES]
        frames = frames - frames.mean(axis=1, keepdims=True)
        emphasised = np.empty_like(frames)
        np.multiply(frames[:, :-1], np.float32(-_PREEMPHASIS), out=emphasised[:, 1:])
        emphasised[:, 1:] += frames[:, 1:]
        emphasised[:, 0] = frames[:, 0] * np.float32(1 - _PREEMPHASIS)
        emphasised *= _WINDOW
        spectra = np.fft.rfft(emphasised, n=_FFT_SIZE)
        power = spectra.real**2 + spectra.imag**2
        mel = power.astype(np.float32, copy=False) @ _FILTERS
        energies[first : first + len(frames)] = np.log(np.maximum(mel, _LOG_FLOOR))
    return energies


@dataclass(frozen=True)
class Cmvn:
    """Mean and variance normalisation: ``(features + shift) * scale``.

    Attributes:
        shift, scale: float32, shape (400,).
    """

    shift: Features
    scale: Features

    @classmethod
    def read(cls, path: Path) -> Cmvn:
        """Read Kaldi's nnet text form (``am.mvn``)."""
        tokens = path.read_text(encoding="utf-8").split()
        return cls(_numbers(tokens, "<AddShift>"), _numbers(tokens, "<Rescale>"))


def _numbers(tokens: list[str], after: str) -> Features:
    begin = tokens.index("[", tokens.index(after)) + 1
    return np.array(tokens[begin : tokens.index("]", begin)], dtype=np.float32)


@dataclass(frozen=True)
class FrontendState:
    """What the frontend must remember between two feeds of one stream.

    Attributes:
        samples: samples from the first window that was incomplete on, float32,
            fewer than 400 + 160.
        frames: the last fbank frames that later stacks need, float32, shape (n, 80),
            n <= 4; empty before the first frame.
    """

    samples: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    frames: Features = field(default_factory=lambda: np.zeros((0, MEL_BINS), dtype=np.float32))


class Frontend:
    """Incremental features; the offline form is one `feed` and one `finish`.

    Args:
        cmvn: the model's normalisation.
    """

    def __init__(self, cmvn: Cmvn) -> None:
        self._cmvn = cmvn

    def feed(self, state: FrontendState, samples: Samples) -> tuple[FrontendState, Features]:
        """Features of the frames whose right context is known by now.

        Args:
            state: of this stream; `FrontendState()` at its beginning.
            samples: the next samples, 16 kHz mono, float32.

        Returns:
            The new state, and features, float32, shape (frames, 400).
        """
        pending = np.concatenate((state.samples, samples))
        new = fbank(pending)
        rest = pending[len(new) * FRAME_HOP_SAMPLES :].copy()
        if not len(new):
            return FrontendState(rest, state.frames), self._stack(new)
        # The left edge is padded with the first frame.
        before = state.frames if len(state.frames) else np.repeat(new[:1], CONTEXT_FRAMES, axis=0)
        frames = np.concatenate((before, new))
        keep = frames[-(STACKED_FRAMES - 1) :].copy()
        return FrontendState(rest, keep), self._stack(frames)

    def finish(self, state: FrontendState) -> Features:
        """Features of the last frames; the right edge is padded with the last frame."""
        if not len(state.frames):
            return self._stack(state.frames)
        padding = np.repeat(state.frames[-1:], CONTEXT_FRAMES, axis=0)
        return self._stack(np.concatenate((state.frames, padding)))

    def _stack(self, frames: Features) -> Features:
        count = len(frames) - STACKED_FRAMES + 1
        if count <= 0:
            return np.zeros((0, FEATURE_SIZE), dtype=np.float32)
        stacked = np.lib.stride_tricks.sliding_window_view(frames, STACKED_FRAMES, axis=0)
        features = stacked.transpose(0, 2, 1).reshape(count, FEATURE_SIZE) + self._cmvn.shift
        features *= self._cmvn.scale
        return features
