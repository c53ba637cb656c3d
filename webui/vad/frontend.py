"""Samples to features: Kaldi log-mel fbank, stacked over 5 frames (LFR), normalised (CMVN).

All scorers share it. The energies themselves come from `webui.vad.fbank`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from webui.audio import FRAME_HOP_SAMPLES
from webui.vad.fbank import MEL_BINS, Each, Features, Samples, fbank, in_turn

STACKED_FRAMES = 5  # LFR: the frame itself, two before and two after
CONTEXT_FRAMES = (STACKED_FRAMES - 1) // 2
FEATURE_SIZE = MEL_BINS * STACKED_FRAMES  # 400


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

    def __init__(self, each: Each = in_turn) -> None:
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
