"""Samples to features: Kaldi log-mel fbank, stacked over 5 frames (LFR), normalised (CMVN).

All scorers share it. The energies themselves come from `webui.vad.fbank`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from webui.audio import FRAME_HOP_SAMPLES, FRAME_LENGTH_SAMPLES
from webui.vad.fbank import MEL_BINS, Features, Samples, fbank
from webui.vad.timebase import frames_in

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
        samples: samples from the first frame that later scores need on, float32,
            fewer than 400 + 5 * 160.
        padding: copies of the first frame that belong before those frames, 0 to 2.
    """

    samples: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    padding: int = CONTEXT_FRAMES


@dataclass(frozen=True)
class Stretch:
    """Log-mel frames for a number of scores in a row, computed when and where they are wanted.

    A score needs five frames: its own, two before and two after. So n scores need
    n + 4 frames. Several threads may each compute a part.

    Attributes:
        scores: how many scores the frames are for.
        samples: that the frames are made of, float32.
        padding: copies of the first frame that stand before it; beyond the last
            frame, copies of that one stand in.
    """

    scores: int
    samples: Samples
    padding: int = 0

    def frames(self, first: int = 0, end: int | None = None) -> Features:
        """Frames of the scores ``first`` to ``end`` - 1.

        Returns:
            Log-mel energies, float32, shape (scores + 4, 80); (0, 80) for no score.
        """
        end = self.scores if end is None else end
        if end <= first:
            return np.zeros((0, MEL_BINS), dtype=np.float32)
        return self._rows(first, end + 2 * CONTEXT_FRAMES)

    def blocks(self, first: int, end: int, size: int) -> Iterator[Features]:
        """The same in blocks of at most ``size`` scores; no frame is computed twice.

        A block is good until the next one is asked for. Multiples of
        `webui.vad.fbank.BLOCK_FRAMES` are computed with the least work.
        """
        context = 2 * CONTEXT_FRAMES
        block = np.empty((size + context, MEL_BINS), dtype=np.float32)
        held = 0
        while first < end:
            rows = min(held + size, end - first + context)
            block[held:rows] = self._rows(first + held, first + rows)
            yield block[:rows]
            first += rows - context
            held = context
            block[:held] = block[rows - held : rows]

    def _rows(self, first: int, stop: int) -> Features:
        """Frames and copies, counted from the first copy on."""
        wanted = np.arange(first, stop) - self.padding
        wanted = wanted.clip(0, frames_in(len(self.samples)) - 1)
        begin, last = int(wanted[0]), int(wanted[-1])
        last_sample = last * FRAME_HOP_SAMPLES + FRAME_LENGTH_SAMPLES
        frames = fbank(self.samples[begin * FRAME_HOP_SAMPLES : last_sample])
        return frames if len(frames) == len(wanted) else frames[wanted - begin]


class Frontend:
    """Incremental frames with the context that scores need.

    What `feed` returns follows upon each other; the offline form is one feed,
    the last, and gives the same frames.
    """

    def feed(
        self, state: FrontendState, samples: Samples, *, is_last: bool = False
    ) -> tuple[FrontendState, Stretch]:
        """Frames for the scores whose right context is known by now.

        Args:
            state: of this stream; `FrontendState()` at its beginning.
            samples: the next samples, 16 kHz mono, float32.
            is_last: no more will come: the last frame stands for those after it.
        """
        pending = np.concatenate((state.samples, samples))
        whole = frames_in(len(pending))
        rows = state.padding + whole
        if is_last and whole:
            rows += CONTEXT_FRAMES
        scores = max(0, rows - 2 * CONTEXT_FRAMES)
        if not scores:
            return FrontendState(pending, state.padding), Stretch(0, pending)
        # The last four frames are context of what comes next.
        rest = pending[max(0, whole - 2 * CONTEXT_FRAMES) * FRAME_HOP_SAMPLES :].copy()
        padding = max(0, 2 * CONTEXT_FRAMES - whole)
        return FrontendState(rest, padding), Stretch(scores, pending, state.padding)
