"""Samples to features: Kaldi log-mel fbank, stacked over 5 frames (LFR), normalised (CMVN).

Made for the scorers that do without FunASR. It follows Kaldi's
``compute-fbank-feats`` with the settings of the model's ``config.yaml``: 25 ms
Hamming windows every 10 ms, waveform scaled by 32768, DC removed, pre-emphasis
0.97, 80 mel bins from 20 Hz to 8 kHz, no dither, only whole windows. Real FFTs
over blocks of windows are several times faster than kaldi-native-fbank and agree
with it to single precision's rounding (``tests/vad/test_frontend.py``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.audio import FRAME_HOP_SAMPLES, FRAME_LENGTH_SAMPLES, SAMPLE_RATE_HZ
from webui.vad.timebase import frames_in

Samples = npt.NDArray[np.float32]
Features = npt.NDArray[np.float32]
Each = Callable[[Callable[[int], None], int], None]
"""Calls its first argument with each number below its second, in any order."""

MEL_BINS = 80
STACKED_FRAMES = 5  # LFR: the frame itself, two before and two after
CONTEXT_FRAMES = (STACKED_FRAMES - 1) // 2
FEATURE_SIZE = MEL_BINS * STACKED_FRAMES  # 400

_FFT_SIZE = 512
_LOW_HZ = 20.0
_PREEMPHASIS = 0.97
_POWER_SCALE = 32768.0**2  # a power of two: as a factor of the filters it changes no digit
_BLOCK_FRAMES = 256  # frames transformed at once: all about them fits into a 2 MB cache


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
    return np.asarray(filters * _POWER_SCALE, dtype=np.float32)


_FILTERS = _mel_filters()
_WINDOW = (
    0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME_LENGTH_SAMPLES) / (FRAME_LENGTH_SAMPLES - 1))
).astype(np.float32)
_LOG_FLOOR = np.finfo(np.float32).eps


class _Buffers(threading.local):
    """What one block needs, kept by each thread: fresh memory would cost as much as the FFTs."""

    def __init__(self) -> None:
        samples = (_BLOCK_FRAMES - 1) * FRAME_HOP_SAMPLES + FRAME_LENGTH_SAMPLES
        bins = _FFT_SIZE // 2 + 1
        self.emphasised = np.zeros(samples, dtype=np.float32)
        self.frames = np.zeros((_BLOCK_FRAMES, _FFT_SIZE), dtype=np.float32)
        self.spectra = np.zeros((_BLOCK_FRAMES, bins), dtype=np.complex64)
        self.power = np.zeros((_BLOCK_FRAMES, bins), dtype=np.float32)


_buffers = _Buffers()


def _in_turn(work: Callable[[int], None], count: int) -> None:
    for index in range(count):
        work(index)


def fbank(samples: Samples, each: Each = _in_turn) -> Features:
    """Log-mel filter bank energies of all whole frames.

    Args:
        samples: 16 kHz mono in -1 to 1, float32, shape (samples,).
        each: does the work on each block of frames, on several threads perhaps.

    Returns:
        Natural logarithms of mel energies, float32, shape (frames, 80).
    """
    count = frames_in(len(samples))
    energies = np.empty((count, MEL_BINS), dtype=np.float32)

    def transform(block: int) -> None:
        first = block * _BLOCK_FRAMES
        end = min(first + _BLOCK_FRAMES, count)
        last_sample = (end - 1) * FRAME_HOP_SAMPLES + FRAME_LENGTH_SAMPLES
        _fbank_block(samples[first * FRAME_HOP_SAMPLES : last_sample], energies[first:end])

    each(transform, -(-count // _BLOCK_FRAMES))
    return energies


def _fbank_block(samples: Samples, energies: Features) -> None:
    """Fill ``energies`` (frames, 80) from exactly the samples of its frames."""
    count = len(energies)
    # Pre-emphasis and the removal of a frame's mean commute but for a constant and the frame's
    # first sample, so pre-emphasis is done once for all frames that share a sample.
    emphasised = _buffers.emphasised[: len(samples)]
    np.multiply(samples[:-1], np.float32(-_PREEMPHASIS), out=emphasised[1:])
    emphasised[1:] += samples[1:]
    raw, windows = (
        np.lib.stride_tricks.sliding_window_view(x, FRAME_LENGTH_SAMPLES)[::FRAME_HOP_SAMPLES]
        for x in (samples, emphasised)
    )
    rest = np.float32(1 - _PREEMPHASIS)
    offset = raw.mean(axis=1, keepdims=True) * rest
    padded = _buffers.frames[:count]
    frames = padded[:, :FRAME_LENGTH_SAMPLES]
    np.subtract(windows, offset, out=frames)
    frames[:, 0] = raw[:, 0] * rest - offset[:, 0]
    frames *= _WINDOW
    # NumPy computes in single precision here; its type stubs know of double only.
    target: Any = _buffers.spectra[:count]
    spectra = np.fft.rfft(padded, out=target).view(np.float32)
    np.square(spectra, out=spectra)
    power = np.add(spectra[:, 0::2], spectra[:, 1::2], out=_buffers.power[:count])
    np.matmul(power, _FILTERS, out=energies)
    np.maximum(energies, _LOG_FLOOR, out=energies)
    np.log(energies, out=energies)


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

    def stack(self, frames: Features) -> Features:
        """Stack and normalise: the network's input as FunASR makes it.

        Args:
            frames: log-mel energies with their context, shape (n + 4, 80).

        Returns:
            Features, float32, shape (n, 400).
        """
        count = max(0, len(frames) - 2 * CONTEXT_FRAMES)
        if not count:
            return np.zeros((0, FEATURE_SIZE), dtype=np.float32)
        stacked = np.lib.stride_tricks.sliding_window_view(frames, STACKED_FRAMES, axis=0)
        features = stacked.transpose(0, 2, 1).copy().reshape(count, FEATURE_SIZE)
        features += self.shift
        features *= self.scale
        return features


def _numbers(tokens: list[str], after: str) -> Features:
    begin = tokens.index("[", tokens.index(after)) + 1
    return np.array(tokens[begin : tokens.index("]", begin)], dtype=np.float32)


@dataclass(frozen=True)
class FrontendState:
    """What the frontend must remember between two feeds of one stream.

    Attributes:
        samples: samples from the first window that was incomplete on, float32,
            fewer than 400 + 160.
        frames: the last fbank frames that later scores need, float32, shape (n, 80),
            n <= 4; empty before the first frame.
    """

    samples: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    frames: Features = field(default_factory=lambda: np.zeros((0, MEL_BINS), dtype=np.float32))


_NO_FRAMES = np.zeros((0, MEL_BINS), dtype=np.float32)


class Frontend:
    """Incremental log-mel frames with the context that scores need.

    A score needs five frames in a row: its own, two before and two after. So n
    scores need n + 4 frames; what `feed` and `finish` return is either that or
    nothing. The offline form is one `feed` and one `finish`.

    Args:
        each: shares the work among threads; see `fbank`.
    """

    def __init__(self, each: Each = _in_turn) -> None:
        self._each = each

    def feed(self, state: FrontendState, samples: Samples) -> tuple[FrontendState, Features]:
        """Frames for the scores whose right context is known by now.

        Args:
            state: of this stream; `FrontendState()` at its beginning.
            samples: the next samples, 16 kHz mono, float32.

        Returns:
            The new state, and log-mel energies, float32, shape (scores + 4, 80),
            or (0, 80) where no score is complete.
        """
        pending = np.concatenate((state.samples, samples))
        new = fbank(pending, self._each)
        rest = pending[len(new) * FRAME_HOP_SAMPLES :].copy()
        if not len(new):
            return FrontendState(rest, state.frames), _NO_FRAMES
        # The left edge is padded with the first frame.
        before = state.frames if len(state.frames) else np.repeat(new[:1], CONTEXT_FRAMES, axis=0)
        frames = np.concatenate((before, new))
        keep = frames[-2 * CONTEXT_FRAMES :].copy()
        return FrontendState(rest, keep), frames if len(frames) >= STACKED_FRAMES else _NO_FRAMES

    def finish(self, state: FrontendState) -> Features:
        """Frames for the last scores; the right edge is padded with the last frame."""
        if not len(state.frames):
            return _NO_FRAMES
        padding = np.repeat(state.frames[-1:], CONTEXT_FRAMES, axis=0)
        return np.concatenate((state.frames, padding))
