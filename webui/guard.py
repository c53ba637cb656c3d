"""Says before a job whether it will fit into memory and in which blocks, and mends what did not.

The one guard of all who score: the engine's process for the page, the command line, and each
process of a batch.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from webui import weights
from webui.errors import EngineStartError, StudioError
from webui.memory_errors import (
    WALLS,
    EngineLimitError,
    MemoryExceededError,
    MemoryShortError,
)
from webui.memory_room import Room, tightest
from webui.process_memory import status_kilobytes
from webui.settings import Settings
from webui.vad.detector import Detector, Pace, Plan
from webui.vad.scorers import SCORERS
from webui.vad.scorers.team import cores
from webui.vad.scores import SpeechScores

_MB = 1_000_000
# A probability (float32) each 10 ms, and a lowest and highest sample (int16 each).
_PROBABILITIES_BYTES_PER_S = _PEAKS_BYTES_PER_S = 100 * 4
KEPT_BYTES_PER_S = _PROBABILITIES_BYTES_PER_S + _PEAKS_BYTES_PER_S
# What loading took, measured (2 cores, Linux); replaced by what it takes here once it is known.
_LOAD_BYTES = {"funasr": 560 * _MB, "onnx": 60 * _MB, "onnx-int8": 60 * _MB}
# Data of an engine's process as soon as it is loaded, and the least limit of it with which jobs
# are taken; measured likewise.
_LOADED_DATA_BYTES = {"funasr": 560 * _MB, "onnx": 135 * _MB, "onnx-int8": 135 * _MB}
_LEAST_DATA_BYTES = {"funasr": 680 * _MB, "onnx": 160 * _MB, "onnx-int8": 160 * _MB}
# What scoring takes beside that: always, and for each second of audio that is in work.
_WORK_BYTES = {"funasr": 60 * _MB, "onnx": 12 * _MB, "onnx-int8": 12 * _MB}
_BYTES_PER_BLOCK_S = {"funasr": 3_000_000, "onnx": 260_000, "onnx-int8": 260_000}
# A live stream beside what it keeps: its past here, there and on the way, and its connection.
_STREAM_BYTES = 1 * _MB
# Where rows roll by, half as much again is kept free.
_ROLLING = 1.5
# Torch, ONNX Runtime and the system's loader have no class of their own for it.
_OUT_OF_MEMORY = (
    *("bad_alloc", "bad allocation", "out of memory", "allocate memory", "failed to allocate"),
    *("can't start new thread", "failed to map segment", "status_alloc_failed"),
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keeping:
    """What of a recording is in memory until it is scored, for each second and track.

    Attributes:
        here_bytes: in the process that scores.
        page_bytes: in the page's.
    """

    here_bytes: int
    page_bytes: int = 0


FOR_PAGE = Keeping(3 * KEPT_BYTES_PER_S, 2 * KEPT_BYTES_PER_S)
"""In pieces, joined, and written for the pipe; in the page as it came, and read."""
SCORES = Keeping(2 * _PROBABILITIES_BYTES_PER_S)
"""In pieces, and joined."""
SCORES_AND_PEAKS = Keeping(2 * KEPT_BYTES_PER_S)
"""The same where the waveform is drawn."""


def load_bytes(engine: str) -> int:
    """What loading an engine takes, as it was measured for this program."""
    return _LOAD_BYTES[engine]


def process_bytes(engine: str, pace: Pace) -> int:
    """What a process takes that loads an engine and scores one track after another."""
    return load_bytes(engine) + _work_bytes(engine, pace, tracks=1)


def check_load(engine: str, known_bytes: int | None, share: float) -> None:
    """Find out whether an engine fits.

    Args:
        engine: that is to be loaded.
        known_bytes: what it took the last time; None if it was not loaded here yet.
        share: of a limit that may be in use.

    Raises:
        MemoryShortError: it does not.
    """
    wanted_bytes = known_bytes or load_bytes(engine)
    room = tightest(share, wanted_bytes)
    # Under a limit of each process for itself, what libraries take cannot be told beforehand.
    needed_bytes = 0 if room.is_own else wanted_bytes
    if needed_bytes > room.left_bytes(share):
        raise _short(needed_bytes, room, share, _smaller(engine))


def check_limit(engine: str, limit_bytes: int) -> None:
    """Find out whether an engine can work at all within the limit of its data.

    Args:
        engine: that is to be loaded, in a process of its own.
        limit_bytes: 0 = none.

    Raises:
        EngineLimitError: it cannot.
    """
    if sys.platform == "linux" and 0 < limit_bytes < _LOADED_DATA_BYTES[engine]:
        raise EngineLimitError(
            engine=engine,
            limit_mb=round(limit_bytes / _MB),
            least_mb=round(_LEAST_DATA_BYTES[engine] / _MB),
        )


def check_stream(settings: Settings) -> None:
    """Find out whether one more live stream fits, with all that it will keep.

    Raises:
        MemoryShortError: it does not.
    """
    share = settings.memory_share
    room = tightest(share)
    needed_bytes = _STREAM_BYTES + round(_ROLLING * settings.live_keep_s * KEPT_BYTES_PER_S)
    if needed_bytes > room.left_bytes(share):
        raise _short(needed_bytes, room, share, ("keep_less", "caches"))


def load_detector(engine: str, settings: Settings) -> Detector:
    """Load an engine into this process, if it fits.

    Args:
        engine: a name of `webui.vad.scorers.SCORERS`.
        settings: model, threads, device, precision, and share of the memory.

    Raises:
        MemoryShortError: it does not fit.
        EngineStartError: memory ran out nevertheless.
        ModelError: there is no model for it.
    """
    check_load(engine, None, settings.memory_share)
    directory = weights.find(engine=SCORERS[engine].weights, settings=settings)
    try:
        return Detector(
            engine,
            model_directory=directory,
            prepared_directory=settings.prepared_directory,
            threads=settings.threads,
            device=settings.device,
            precision=settings.precision,
        )
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise short_at_start(engine, error) from error


def short_at_start(engine: str, error: BaseException, limit_bytes: int = 0) -> EngineStartError:
    """Say that memory ran out while an engine was loaded.

    Args:
        engine: that was loaded.
        error: which said so.
        limit_bytes: of its data, 0 = none.
    """
    reason = f"memory ran out while it was loaded ({_said(error)})"
    reason_zh = f"加载时内存不足（{_said(error)}）"
    if limit_bytes:
        reason += f"; raise FSMN_VAD_ENGINE_MEMORY_BYTES ({round(limit_bytes / _MB)} MB)"
        reason_zh += f"，请调高 FSMN_VAD_ENGINE_MEMORY_BYTES（{round(limit_bytes / _MB)} MB）"
    return EngineStartError(engine=engine, reason=reason, reason_zh=reason_zh)


class Guard:
    """Forecasts what a job takes, and learns from those that are done.

    Args:
        engine: that scores, in this process.
        settings: share, blocks and threads.
        keeping: what of a recording is in memory.
    """

    def __init__(self, engine: str, settings: Settings, keeping: Keeping = FOR_PAGE) -> None:
        self._engine, self._settings, self._keeping = engine, settings, keeping
        self._threads = settings.threads or cores()
        self._measured: dict[Pace, int] = {}
        self._measuring_one = threading.Lock()
        self._begun = self._running = 0

    def scored(
        self,
        score: Callable[[Plan], tuple[SpeechScores, ...]],
        *,
        page: Room | None = None,
        give_back: Callable[[], None] = lambda: None,
        is_small: bool = False,
    ) -> tuple[SpeechScores, ...]:
        """Score a recording if it fits; once more in the smallest blocks if memory ran out.

        Args:
            score: does it by the plan that it is given.
            page: limits of the page's process; None without.
            give_back: has a framework give back what it keeps for later.
            is_small: memory ran out already, in another process: only in the smallest blocks.

        Raises:
            MemoryShortError: it does not fit; nothing of it was scored.
            MemoryExceededError: memory ran out both times.
            AudioError: the recording cannot be read.
        """
        chosen = Pace()

        def plan(duration_s: float | None, tracks: int) -> Pace:
            nonlocal chosen
            chosen = self.pace(duration_s, tracks, page)
            if is_small:
                chosen = self.smallest
            return chosen

        try:
            with self.measuring() as note:
                found = score(plan)
                note(chosen, sum(track.duration_ms for track in found) / 1000)
            return found
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            _log.warning("out of memory, once more in small blocks: %s", _said(error))
        # Past the handler: its traceback kept all that the first attempt had.
        gc.collect()
        give_back()
        try:
            return score(lambda duration_s, tracks: self.smallest)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise MemoryExceededError(reason=_said(error)) from error

    def pace(self, duration_s: float | None, tracks: int, page: Room | None = None) -> Pace:
        """The largest blocks and most threads with which a job fits.

        Args:
            duration_s: of the recording; None where it is not known, which leaves out
                what grows with it.
            tracks: that are scored at once.
            page: limits of the page's process; None without.

        Raises:
            MemoryShortError: it fits in no way.
        """
        share = self._settings.memory_share
        length_s = (duration_s or 0.0) * tracks
        page_bytes = int(length_s * self._keeping.page_bytes)
        if page is not None and page_bytes > page.left_bytes(share):
            raise _short(page_bytes, page, share, ("shorten", "caches"))
        room = tightest(share, page_bytes)
        kept_bytes = int(length_s * self._keeping.here_bytes)
        # Under a limit for one process what the page keeps does not count.
        kept_bytes += 0 if room.is_own else page_bytes
        work_bytes = needed_bytes = 0
        for pace in self._paces():
            # Measured here once there was such a job.
            known_bytes = self._measured.get(pace, 0)
            work_bytes = max(_work_bytes(self._engine, pace, tracks), known_bytes)
            needed_bytes = kept_bytes + work_bytes
            if needed_bytes <= room.left_bytes(share):
                return pace
        remedies = _smaller(self._engine)
        if work_bytes < room.left_bytes(share):
            remedies = ("shorten", *remedies)
        if self._keeping.page_bytes and not room.is_own:
            remedies = (*remedies, "caches")
        raise _short(needed_bytes, room, share, remedies)

    @property
    def smallest(self) -> Pace:
        """The blocks that need least memory."""
        return Pace(min(5.0, self._settings.block_s), 1)

    @contextlib.contextmanager
    def measuring(self) -> Iterator[Callable[[Pace, float], None]]:
        """Measure a job; what is yielded notes it: its pace, and seconds of all its tracks."""
        with self._measuring_one:
            self._begun += 1
            self._running += 1
            begun, is_alone = self._begun, self._running == 1
        before = status_kilobytes()

        def note(pace: Pace, scored_s: float) -> None:
            # What several took at once tells of none of them. Nor does an earlier peak that was
            # not reached again: there was room for that, and no forecast has to grow. (The system
            # could begin a new peak for each job, but then nobody would know the largest.)
            peak_kilobytes = status_kilobytes().get("VmHWM", 0)
            is_new = peak_kilobytes > before.get("VmHWM", 0)
            if is_alone and is_new and self._begun == begun:
                grown_bytes = 1024 * (peak_kilobytes - before["VmRSS"])
                kept_bytes = scored_s * self._keeping.here_bytes
                known_bytes = self._measured.get(pace, 0)
                self._measured[pace] = max(known_bytes, int(grown_bytes - kept_bytes))

        try:
            yield note
        finally:
            with self._measuring_one:
                self._running -= 1

    def _paces(self) -> Iterator[Pace]:
        block_s = self._settings.block_s
        yield Pace(block_s, self._threads)
        yield Pace(block_s, 1)
        yield Pace(min(10.0, block_s), 1)
        yield self.smallest


def _work_bytes(engine: str, pace: Pace, tracks: int) -> int:
    """What scoring takes beside its results."""
    # Those in work, the one that is decoded, and the one before for its end.
    blocks = (pace.threads or cores()) + 1 + tracks
    return _WORK_BYTES[engine] + int(pace.block_s * blocks * _BYTES_PER_BLOCK_S[engine])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory was refused, by the system or by a framework."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    # What this program raises has its class; a file may be called anything.
    if isinstance(error, (StudioError, OSError)):
        return False
    return any(words in _said(error).lower() for words in _OUT_OF_MEMORY)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _smaller(engine: str) -> tuple[str, ...]:
    """The remedy of another engine, where there is one that needs less."""
    return ("onnx",) if engine == "funasr" else ()


def _short(
    needed_bytes: int, room: Room, share: float, remedies: tuple[str, ...]
) -> MemoryShortError:
    """Say that memory is short, and what helps: the remedies, and what its limit allows."""
    if room.is_own or room.wall == "container":
        remedies = (*remedies, room.wall)
    else:
        remedies = (*remedies, "programs")
    if not room.is_own and needed_bytes <= room.left_bytes(1):
        remedies = (*remedies, "share")
    return MemoryShortError(
        needed_mb=round(needed_bytes / _MB),
        left_mb=max(0, round(room.left_bytes(share) / _MB)),
        percent=100 if room.is_own else round(100 * share),
        limit_mb=round(room.limit_bytes / _MB),
        wall=WALLS[room.wall]["en"],
        wall_zh=WALLS[room.wall]["zh"],
        remedies=remedies,
    )
