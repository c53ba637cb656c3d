"""The Python face: a model in this process, recordings in, scores out."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from webui import __version__, weights
from webui.audio import SAMPLE_RATE_HZ
from webui.audio.regroup import regrouped
from webui.vad.fbank import library_version
from webui.vad.scorers import SCORERS, OnStage, Samples, load_scorer, resolve_engine
from webui.vad.scorers.team import cores
from webui.vad.scores import EngineReceipt, SpeechScores

if TYPE_CHECKING:
    from webui.audio.reader import AudioReader
    from webui.audio.report import Channel

# Long enough to be worth its warm-up, short enough that several fit into little memory.
_BLOCK_S = 30.0
_NONE = np.zeros(0, dtype=np.float32)

OnProgress = Callable[[float, "float | None"], None]
"""Told how many seconds are scored, and how many the recording has if that is known.
An exception that it raises ends the scoring and reaches the caller."""


class Detector:
    """An FSMN-VAD model, loaded in this process, that scores recordings.

    The model is looked for as everywhere: ``FSMN_VAD_MODEL_DIR``, then the model
    store. One detector may score from several threads; each call has its own state.

    Args:
        engine: "auto" or a name of `webui.vad.scorers.SCORERS`.
        model_directory: the model's files; None = look for them.
        threads: for the network; 0 = one for each core.
        device: "auto", "cpu", "cuda", "cuda:1"; only the funasr engine knows GPUs.
        prepared_directory: where graphs made from the model are kept; None = in the
            model store.
        on_stage: told each stage of loading as it begins.

    Raises:
        EngineUnavailableError: the engine's packages are not installed.
        ModelMissingError: the model has not been fetched.
        ModelAlteredError: a file of it is not the published one.
    """

    def __init__(
        self,
        engine: str = "auto",
        *,
        model_directory: Path | None = None,
        threads: int = 0,
        device: str = "auto",
        prepared_directory: Path | None = None,
        on_stage: OnStage = lambda stage: None,
    ) -> None:
        self.engine = resolve_engine(engine)
        directory = model_directory or weights.find(engine=SCORERS[self.engine].weights)
        self._scorer = load_scorer(
            self.engine,
            directory,
            threads=threads,
            device=device,
            prepared_directory=prepared_directory,
            on_stage=on_stage,
        )
        self.receipt = EngineReceipt(
            engine=self.engine,
            model=weights.DEFAULT_MODEL,
            model_sha256=weights.model_sha256(directory)[
                weights.WEIGHTS_FILES[SCORERS[self.engine].weights]
            ],
            device=self._scorer.device,
            threads=threads or cores(),
            versions={
                "fsmn-vad-studio": __version__,
                "python": platform.python_version(),
                "numpy": np.__version__,
                **library_version(),
                **self._scorer.versions,
            },
        )

    def score(
        self,
        path: str | os.PathLike[str],
        *,
        channel: Channel = "mix",
        with_peaks: bool = True,
        on_progress: OnProgress = lambda position_s, duration_s: None,
    ) -> SpeechScores:
        """Decode and score a recording, block by block, in bounded memory.

        Args:
            path: an audio or video file.
            channel: "mix" is the mean of all channels; "left" and "right" take one.
            with_peaks: keep what is needed for drawing; without, they are empty.
            on_progress: told the position after each block.

        Raises:
            AudioError: the recording cannot be read.
        """
        # Here, since PyAV is needed where audio is decoded and nowhere else.
        from webui.audio.reader import open_audio

        begin = time.perf_counter()
        with open_audio(path, channel, _BLOCK_S) as reader:
            return self._score_blocks(reader, begin, on_progress, with_peaks=with_peaks)

    def _score_blocks(
        self, reader: AudioReader, begin: float, on_progress: OnProgress, *, with_peaks: bool
    ) -> SpeechScores:
        """Score some blocks while the next one is decoded; no more than these are held."""
        from webui.audio.peaks import PeakBuilder

        peaks = PeakBuilder()
        positions_s: deque[float] = deque()
        decode_s = time.perf_counter() - begin

        def read() -> Iterator[Samples]:
            nonlocal decode_s
            while True:
                started = time.perf_counter()
                block = next(reader, None)
                if block is not None and with_peaks:
                    peaks.feed(block)
                decode_s += time.perf_counter() - started
                if block is None:
                    return
                positions_s.append(reader.position_s)
                yield block

        started = time.perf_counter()
        scored = [_NONE]
        with contextlib.closing(self._scorer.score(read())) as results:
            for probabilities in results:
                scored.append(probabilities)
                on_progress(positions_s.popleft(), reader.expected_duration_s)
        return SpeechScores(
            probabilities=np.concatenate(scored),
            peaks=peaks.finish(),
            audio=reader.report(),
            receipt=self.receipt,
            timings_s={
                "decode": decode_s,
                "score": time.perf_counter() - started,
                "total": time.perf_counter() - begin,
            },
        )

    def probabilities(self, blocks: Iterable[Samples]) -> Samples:
        """Score samples that are in memory or come from elsewhere.

        Args:
            blocks: 16 kHz mono in -1 to 1, float32, in blocks of any size.

        Returns:
            P(speech) per 10 ms frame, float32, shape (frames,).
        """
        scored = self._scorer.score(regrouped(blocks, round(_BLOCK_S * SAMPLE_RATE_HZ)))
        return np.concatenate([_NONE, *scored])
