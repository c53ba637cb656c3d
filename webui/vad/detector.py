"""The Python face: a model in this process, recordings in, scores out."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from webui import __version__, weights
from webui.audio import SAMPLE_RATE_HZ
from webui.audio.pcm import PcmFormat
from webui.audio.regroup import regrouped
from webui.vad.fbank import library_version
from webui.vad.scorers import SCORERS, OnStage, Samples, load_scorer, resolve_engine
from webui.vad.scorers.team import cores
from webui.vad.scores import EngineReceipt, SpeechScores
from webui.vad.stream import Decider, SpeechStream, SpeechStreamState, StreamScorer

if TYPE_CHECKING:
    from webui.audio.reader import ChannelsReader
    from webui.audio.report import Channel, ChannelChoice
    from webui.vad.options import VadOptions

# Long enough to be worth its warm-up, short enough that several fit into little memory.
_BLOCK_S = 30.0
_NONE = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Pace:
    """In which pieces a recording is scored; the scores do not depend on it.

    Attributes:
        block_s: seconds of audio that are scored at a time.
        threads: that work at once, at most; 0 = all of the detector's.
    """

    block_s: float = _BLOCK_S
    threads: int = 0


Plan = Callable[["float | None", int], Pace]
"""Told how many seconds a recording has, if that is known, and how many tracks are scored;
says in which pieces. An exception that it raises reaches the caller."""

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
        threads: that score; 0 = one for each core.
        device: "auto", "cpu", "cuda", "cuda:1"; only the funasr engine knows GPUs.
        prepared_directory: where graphs made from the model are kept; None = in the
            model store.
        on_stage: told each stage of loading as it begins.
        precision: that the funasr engine computes in on a GPU: "fp32" or "fp16".

    Attributes:
        engine: name of the engine.
        receipt: what scores.
        stream_scorer: for streams whose state somebody else keeps; `stream` is for all others.

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
        precision: str = "fp32",
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
            precision=precision,
        )
        self.stream_scorer = StreamScorer(self._scorer)
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
        (scores,) = self.score_tracks(
            path, channel=channel, with_peaks=with_peaks, on_progress=on_progress
        )
        return scores

    def score_tracks(
        self,
        path: str | os.PathLike[str],
        *,
        channel: ChannelChoice = "each",
        with_peaks: bool = True,
        plan: Plan = lambda duration_s, tracks: Pace(),
        on_progress: OnProgress = lambda position_s, duration_s: None,
    ) -> tuple[SpeechScores, ...]:
        """Decode a recording once and score one track, or one for each channel.

        Args:
            path: an audio or video file.
            channel: "each" gives two tracks, left and right, of a recording that has
                more than one channel; whatever else gives one track, as in `score`.
            with_peaks: as in `score`.
            plan: asked once the recording is open.
            on_progress: as in `score`.

        Returns:
            Equally long tracks, each of which names its channel in ``audio.channel``.
            Their ``timings_s`` are of all together.

        Raises:
            AudioError: the recording cannot be read.
        """
        # Here, since PyAV is needed where audio is decoded and nowhere else.
        from webui.audio.reader import open_channels

        begin = time.perf_counter()
        with open_channels(path, channel, _BLOCK_S) as reader:
            pace = plan(reader.expected_duration_s, len(reader.channels))
            reader.cut_into(pace.block_s)
            return self._score_blocks(reader, begin, pace, on_progress, with_peaks=with_peaks)

    def _score_blocks(
        self,
        reader: ChannelsReader,
        begin: float,
        pace: Pace,
        on_progress: OnProgress,
        *,
        with_peaks: bool,
    ) -> tuple[SpeechScores, ...]:
        """Score some blocks while the next one is decoded; no more than these are held."""
        from webui.audio.peaks import PeakBuilder

        tracks = len(reader.channels)
        peaks = [PeakBuilder() for _ in range(tracks)]
        positions_s: deque[float] = deque()
        decode_s = time.perf_counter() - begin

        def read() -> Iterator[Samples]:
            nonlocal decode_s
            while True:
                started = time.perf_counter()
                before_s = reader.position_s
                block = next(reader, None)
                if block is not None and with_peaks:
                    for builder, samples in zip(peaks, block, strict=True):
                        builder.feed(samples)
                decode_s += time.perf_counter() - started
                if block is None:
                    return
                # Each track's block is its share of the way.
                step_s = (reader.position_s - before_s) / tracks
                positions_s.extend(before_s + step_s * (1 + row) for row in range(tracks))
                yield from block

        started = time.perf_counter()
        scored: list[list[Samples]] = [[_NONE] for _ in range(tracks)]
        with contextlib.closing(self._scorer.score(read(), tracks, pace.threads)) as results:
            for number, probabilities in enumerate(results):
                scored[number % tracks].append(probabilities)
                on_progress(positions_s.popleft(), reader.expected_duration_s)
        timings_s = {
            "decode": decode_s,
            "score": time.perf_counter() - started,
            "total": time.perf_counter() - begin,
        }
        return tuple(
            SpeechScores(np.concatenate(parts), builder.finish(), report, self.receipt, timings_s)
            for parts, builder, report in zip(scored, peaks, reader.reports(), strict=True)
        )

    def stream(
        self,
        options: VadOptions | None = None,
        *,
        format: PcmFormat | None = None,
        state: SpeechStreamState | None = None,
    ) -> SpeechStream:
        """Detect speech while it is spoken.

        Any number of streams share the detector, from any thread; each holds its own state,
        which does not grow with the length of the stream.

        Args:
            options: thresholds and times; None = FunASR's.
            format: of what is fed; None = 16 kHz, one channel, 16 bits.
            state: of a stream of this engine to go on from, which brings its options and format.

        Raises:
            ValueError: a state comes with options or a format.
        """
        if state is None:
            start = self.stream_scorer.start(format or PcmFormat(SAMPLE_RATE_HZ))
            state = SpeechStreamState(start, Decider(options))
        elif options is not None or format is not None:
            raise ValueError("a state brings its own options and format")
        return SpeechStream(self.stream_scorer, state)

    def probabilities(self, blocks: Iterable[Samples]) -> Samples:
        """Score samples that are in memory or come from elsewhere.

        Args:
            blocks: 16 kHz mono in -1 to 1, float32, in blocks of any size.

        Returns:
            P(speech) per 10 ms frame, float32, shape (frames,).
        """
        scored = self._scorer.score(regrouped(blocks, round(_BLOCK_S * SAMPLE_RATE_HZ)))
        return np.concatenate([_NONE, *scored])
