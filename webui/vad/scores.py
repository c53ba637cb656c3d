"""What scoring a recording yields: all that tuning, drawing and exporting need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from webui.vad.endpoint import Endpointer
from webui.vad.options import VadOptions
from webui.vad.postprocess import refine
from webui.vad.pyramid import Pyramid
from webui.vad.segment import Segment

if TYPE_CHECKING:
    from webui.audio.peaks import Peaks
    from webui.audio.report import AudioReport

# The endpointer's arrays are some 30 times as large as the probabilities that it is fed;
# blocks that fit into a processor's cache are also decided fastest.
_BLOCK_FRAMES = 16_384


@dataclass(frozen=True)
class EngineReceipt:
    """What made a result, so that it can be made again.

    Attributes:
        engine: name of the scorer.
        model: name of the model.
        model_sha256: of the weights' file that the scorer loaded.
        device: where it computed.
        threads: that scored.
        versions: of this program and the frameworks under it, by name.
    """

    engine: str
    model: str
    model_sha256: str
    device: str
    threads: int
    versions: Mapping[str, str]

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "engine": self.engine,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "device": self.device,
            "threads": self.threads,
            "versions": dict(self.versions),
        }


@dataclass(frozen=True, eq=False)
class SpeechScores:
    """The scores of one recording; any options can be tried on them without a model.

    Attributes:
        probabilities: P(speech) per 10 ms frame, float32, shape (frames,).
        peaks: lowest and highest sample of each 10 ms, for drawing.
        audio: how the recording was read.
        receipt: what scored it.
        timings_s: seconds spent in "decode" and in "score", which overlap, and in
            "total".
    """

    probabilities: npt.NDArray[np.float32]
    peaks: Peaks
    audio: AudioReport
    receipt: EngineReceipt
    timings_s: Mapping[str, float]

    @property
    def duration_ms(self) -> int:
        """Length of the recording in ms."""
        return self.audio.duration_ms

    @property
    def size_bytes(self) -> int:
        """Memory that the arrays take, those for drawing too, made yet or not."""
        drawn = Pyramid.bytes_for(len(self.peaks))
        return self.probabilities.nbytes + self.peaks.values.nbytes + drawn

    @cached_property
    def pyramid(self) -> Pyramid:
        """What a screen draws of it at any scale; made when it is first asked for."""
        return Pyramid.of(self.peaks, self.probabilities)

    def segments(self, options: VadOptions | None = None) -> tuple[Segment, ...]:
        """Where speech is, by these options; the defaults are FunASR's.

        Takes milliseconds and neither the audio nor the model.
        """
        options = options or VadOptions()
        endpointer = Endpointer(options)
        segments: list[Segment] = []
        for first in range(0, len(self.probabilities), _BLOCK_FRAMES):
            segments += endpointer.feed(self.probabilities[first : first + _BLOCK_FRAMES])
        segments += endpointer.flush(self.audio.samples)
        return refine(segments, options, self.duration_ms)
