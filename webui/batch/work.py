"""One recording of a batch: scored, decided and written, as bytes.

What runs here needs neither the output directory nor the other recordings, so it runs on any
machine that sees the recording.
"""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from typing import Any

from webui import weights
from webui.batch.order import Order
from webui.batch_errors import SomeFormatsError, UnforeseenError
from webui.errors import AudioError, EngineStartError, NotRepresentableError, StudioError
from webui.formats import FORMATS, Format, Outcome
from webui.guard import SCORES, Guard, load_detector
from webui.memory_errors import MemoryExceededError, MemoryShortError
from webui.settings import Settings
from webui.vad.detector import Detector, Plan
from webui.vad.scorers import SCORERS
from webui.vad.scores import SpeechScores
from webui.vad.summary import summarise_tracks

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One recording to work on.

    Attributes:
        number: by which its result is told.
        path: absolute.
        shown_name: what its results call it, None = its own name.
        size_bytes: of the file; 0 if it is not there.
        directory: that its results are written to, absolute.
        recording_id: what a wav.scp calls it, without the side, None elsewhere.
    """

    number: int
    path: str
    shown_name: str | None = None
    size_bytes: int = 0
    directory: str | None = None
    recording_id: str | None = None


@dataclass(frozen=True)
class Figures:
    """What the summary says of a recording that was done.

    Attributes:
        duration_ms: of the recording.
        speech_ms: in segments, of all channels together.
        speech_share: of the duration, 0 to 1; of several channels, the mean.
        segments: how many.
        sample_rate_hz: of the file.
        channels: of the file.
        codec: of the file.
        notices: what a person should know of how it was read, in English.
        notices_zh: the same in Chinese.
    """

    duration_ms: int
    speech_ms: int
    speech_share: float
    segments: int
    sample_rate_hz: int
    channels: int
    codec: str
    notices: tuple[str, ...]
    notices_zh: tuple[str, ...]

    @classmethod
    def of(cls, outcome: Outcome) -> Figures:
        """Sum up a result."""
        tracks = [result.segments for result in outcome.results]
        total = summarise_tracks(tracks, outcome.audio.duration_ms)
        return cls(
            duration_ms=outcome.audio.duration_ms,
            speech_ms=total.speech_ms,
            speech_share=round(total.speech_share, 4),
            segments=total.count,
            sample_rate_hz=outcome.audio.sample_rate_hz,
            channels=outcome.audio.channels,
            codec=outcome.audio.codec,
            notices=tuple(outcome.notices("en")),
            notices_zh=tuple(outcome.notices("zh")),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        lists = {"notices": list(self.notices), "notices_zh": list(self.notices_zh)}
        return {**asdict(self), **lists}


@dataclass(frozen=True)
class Done:
    """What came of a task.

    Attributes:
        number: of the task.
        files: the content of each result file by its ending, of the formats that can hold it;
            empty if it failed.
        figures: for the summary; None if it could not be scored.
        error: why it failed, or which format cannot hold it; None if it was done.
    """

    number: int
    files: dict[str, bytes]
    figures: Figures | None = None
    error: StudioError | None = None


def process(task: Task, order: Order) -> Done:
    """Work on one recording in this process; the model is loaded once.

    Raises:
        EngineError, ModelError: no recording can be scored here; MemoryShortError: now.
    """
    detector, guard = _scoring(order)
    try:
        tracks = guard.scored(partial(_score, detector, task, order))
    except (AudioError, MemoryShortError, MemoryExceededError) as error:
        return Done(task.number, {}, error=error)
    outcome = Outcome.of(tracks, order.options, path=task.path)
    return finished(task, replace(outcome, directory=task.directory), order.formats)


def _score(detector: Detector, task: Task, order: Order, plan: Plan) -> tuple[SpeechScores, ...]:
    return detector.score_tracks(task.path, channel=order.channel, with_peaks=False, plan=plan)


def failed(task: Task, error: BaseException) -> Done:
    """What is told of a recording that an error ended which says nothing of the others.

    Args:
        task: that it is of.
        error: which nobody thought of; too little memory for its results, too.

    Raises:
        StudioError: it is one of these, which tells of what no recording can be without.
    """
    if isinstance(error, StudioError):
        raise error
    if not isinstance(error, MemoryError):
        # The recording is told of; where it went wrong, only whoever mends this wants to know.
        _log.info("unforeseen, with %s", task.path, exc_info=error)
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return Done(task.number, {}, error=UnforeseenError(reason=reason))


def finished(task: Task, outcome: Outcome, formats: Sequence[str]) -> Done:
    """Write a result in each format, without what differs from run to run (timings).

    Args:
        task: that it is of.
        outcome: the result.
        formats: names of `webui.formats.FORMATS`.
    """
    told = outcome.reproducible()
    if task.shown_name is not None:
        told = told.renamed(task.shown_name)
    told = replace(told, recording_id=task.recording_id)
    files: dict[str, bytes] = {}
    refusals: list[NotRepresentableError] = []
    for name in formats:
        try:
            files.update(_written(FORMATS[name], told))
        except NotRepresentableError as refusal:
            refusals.append(refusal)
    error = SomeFormatsError.of(refusals) if refusals else None
    return Done(task.number, files, Figures.of(outcome), error)


def _written(form: Format, outcome: Outcome) -> dict[str, bytes]:
    """The content of a format's files by their endings."""
    texts = [io.StringIO(newline="") for _ in form.suffixes]
    form.write_apart(outcome, texts)
    contents = (text.getvalue().encode() for text in texts)
    return dict(zip(form.suffixes, contents, strict=True))


_loading = threading.Lock()


def _scoring(order: Order) -> tuple[Detector, Guard]:
    # A worker of a cluster may have several threads, which share one model.
    with _loading:
        return _loaded(
            order.engine,
            order.model_sha256,
            os.getpid(),
            # Of this machine is only where things are.
            replace(
                Settings.from_environment(),
                device=order.device,
                threads=order.threads,
                block_s=order.block_s,
                memory_share=order.memory_share,
            ),
        )


@lru_cache(maxsize=1)
def _loaded(engine: str, model_sha256: str, pid: int, settings: Settings) -> tuple[Detector, Guard]:
    kind = SCORERS[engine].weights
    directory = weights.find(engine=kind, settings=settings)
    found = weights.model_sha256(directory)[weights.WEIGHTS_FILES[kind]]
    if found != model_sha256:
        raise EngineStartError(
            engine=engine,
            reason=f"the model in {directory} is another one than that of the batch",
            reason_zh=f"{directory} 中的模型与本次批处理所用的不同",
        )
    return load_detector(engine, settings), Guard(engine, settings, SCORES)
