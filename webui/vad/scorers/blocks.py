"""What scorers on the CPU share: blocks of a recording on several threads, streams in order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from webui.vad.fbank import BLOCK_FRAMES, Features
from webui.vad.frontend import Frontend, FrontendState, Stretch
from webui.vad.scorers import Probabilities, Samples
from webui.vad.scorers.team import Team

LAYERS = 4
PAST_FRAMES = 19  # that each layer's FIR memory of 20 taps looks back
WARM_UP_FRAMES = LAYERS * PAST_FRAMES
"""After so many frames the scores no longer depend on what was before them."""

_NO_SAMPLES = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class BlockState:
    """One stream's past.

    Attributes:
        frontend: pending samples.
        past: what each layer of the network looks back on; the scorer's own.
    """

    frontend: FrontendState
    past: Any


class BlockScorer:
    """A `webui.vad.scorers.Scorer` but for its framework.

    Each block of a recording is scored by one thread, from samples to scores. It
    starts a few frames early, since the network's memory ends after
    `WARM_UP_FRAMES`, so that no block waits for the one before it. The matrix products
    are too small to be worth sharing between threads (docs/onnx.md).

    Args:
        threads: that score; 0 = one for each core.
        call_frames: given to the network at once, a multiple of `BLOCK_FRAMES`.
    """

    def __init__(self, threads: int, call_frames: int = BLOCK_FRAMES) -> None:
        self._team = Team(threads)
        self._call_frames = call_frames
        self._frontend = Frontend()

    def no_past(self) -> Any:
        """What the network looks back on at the beginning of a stream."""
        raise NotImplementedError

    def run(self, past: Any, frames: Features) -> tuple[Any, Probabilities]:
        """Run the network.

        Args:
            past: from the call before; it is not changed.
            frames: log-mel frames with their context, float32, shape (n + 4, 80).

        Returns:
            The new past, and P(speech), float32, shape (n,).
        """
        raise NotImplementedError

    def start(self) -> BlockState:
        """State of a new stream."""
        return BlockState(FrontendState(), self.no_past())

    def feed(self, state: BlockState, samples: Samples) -> tuple[BlockState, Probabilities]:
        """Score what the next samples complete."""
        frontend, stretch = self._frontend.feed(state.frontend, samples)
        past, probabilities = self._score(state.past, stretch)
        return BlockState(frontend, past), probabilities

    def finish(self, state: BlockState) -> Probabilities:
        """P(speech) of the last frames."""
        _, stretch = self._frontend.feed(state.frontend, _NO_SAMPLES, is_last=True)
        return self._score(state.past, stretch)[1]

    def score(
        self, blocks: Iterator[Samples], tracks: int = 1, threads: int = 0
    ) -> Generator[Probabilities, None, None]:
        """P(speech) of a whole recording, block by block; tracks take turns."""
        return self._team.in_order(self._score_block, self._with_lead(blocks, tracks), threads)

    def _with_lead(
        self, blocks: Iterator[Samples], tracks: int
    ) -> Iterator[tuple[Stretch | None, Stretch]]:
        """The frames of each block, with those of the block before it in its track."""
        states = [FrontendState()] * tracks
        leads: list[Stretch | None] = [None] * tracks
        round_ = list(islice(blocks, tracks))
        while round_:
            following = list(islice(blocks, tracks))
            for track, block in enumerate(round_):
                states[track], stretch = self._frontend.feed(
                    states[track], block, is_last=not following
                )
                yield leads[track], stretch
                leads[track] = stretch
            round_ = following

    def _score_block(self, block: tuple[Stretch | None, Stretch]) -> Probabilities:
        lead, stretch = block
        past = self.no_past()
        if lead is not None:
            for frames in lead.blocks(lead.scores - WARM_UP_FRAMES, lead.scores, BLOCK_FRAMES):
                past, _ = self.run(past, frames)
        return self._score(past, stretch)[1]

    def _score(self, past: Any, stretch: Stretch) -> tuple[Any, Probabilities]:
        probabilities = np.empty(stretch.scores, dtype=np.float32)
        begin = 0
        for frames in stretch.blocks(0, stretch.scores, self._call_frames):
            past, speech = self.run(past, frames)
            probabilities[begin : begin + len(speech)] = speech
            begin += len(speech)
        return past, probabilities
