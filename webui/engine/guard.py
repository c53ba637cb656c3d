"""Says before a job whether it will fit into memory, and in which blocks."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path

from webui.memory_errors import WALLS, MemoryShortError
from webui.memory_room import Room, tightest
from webui.process_memory import peak_rss_bytes, status_kilobytes
from webui.settings import Settings
from webui.vad.detector import Pace
from webui.vad.scorers.team import cores

_MB = 1_000_000
# A probability (float32) each 10 ms, and a lowest and highest sample (int16 each).
KEPT_BYTES_PER_S = 100 * (4 + 4)
# In the engine: in pieces, joined, and written for the pipe. In the page: as it came, and read.
_ENGINE_COPIES, _PAGE_COPIES = 3, 2
# What loading took, measured (2 cores, Linux); replaced by what it takes here once it is known.
_LOAD_BYTES = {"funasr": 560 * _MB, "onnx": 60 * _MB, "onnx-int8": 60 * _MB}
# What scoring takes beside that: always, and for each second of audio that is in work.
_WORK_BYTES = {"funasr": 60 * _MB, "onnx": 12 * _MB, "onnx-int8": 12 * _MB}
_BYTES_PER_BLOCK_S = {"funasr": 3_000_000, "onnx": 260_000, "onnx-int8": 260_000}
_OUT_OF_MEMORY = ("alloc", "out of memory", "can't start new thread")


def load_bytes(engine: str) -> int:
    """What loading an engine takes, as it was measured for this program."""
    return _LOAD_BYTES[engine]


def check_load(engine: str, known_bytes: int | None, share: float) -> None:
    """Find out whether an engine fits.

    Args:
        engine: that is to be loaded.
        known_bytes: what it took the last time; None if it was not loaded here yet.
        share: of a limit that may be in use.

    Raises:
        MemoryShortError: it does not.
    """
    room = tightest(share)
    # A limit of each process for itself is not the engine's affair before it runs.
    needed_bytes = 0 if room.wall == "process" else known_bytes or load_bytes(engine)
    if needed_bytes > room.left_bytes(share):
        raise _short(needed_bytes, room, share)


class Guard:
    """Forecasts what a job takes, and learns from those that are done. For the engine's process.

    Args:
        engine: that scores.
        settings: share, blocks and threads.
    """

    def __init__(self, engine: str, settings: Settings) -> None:
        self._engine, self._settings = engine, settings
        self._threads = settings.threads or cores()
        self._measured: dict[Pace, int] = {}

    def pace(self, duration_s: float | None, tracks: int, page: Room | None) -> Pace:
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
        kept_bytes = int((duration_s or 0.0) * tracks * KEPT_BYTES_PER_S)
        if page is not None and _PAGE_COPIES * kept_bytes > page.left_bytes(share):
            raise _short(_PAGE_COPIES * kept_bytes, page, share)
        room = tightest(share)
        # Under a limit for one process the page's copies do not count.
        copies = _ENGINE_COPIES + (0 if room.wall == "process" else _PAGE_COPIES)
        needed_bytes = 0
        for pace in self._paces():
            needed_bytes = copies * kept_bytes + self._work_bytes(pace, tracks)
            if needed_bytes <= room.left_bytes(share):
                return pace
        raise _short(needed_bytes, room, share)

    @property
    def smallest(self) -> Pace:
        """The blocks that need least memory."""
        return Pace(min(5.0, self._settings.block_s), 1)

    @contextlib.contextmanager
    def measuring(self) -> Iterator[Callable[[Pace, float], None]]:
        """Measure a job; what is yielded notes it: its pace, and seconds of all its tracks."""
        begin_bytes = 1024 * status_kilobytes().get("VmRSS", 0)
        can_measure = _forget_peak()

        def note(pace: Pace, scored_s: float) -> None:
            if can_measure:
                grown_bytes = (peak_rss_bytes() or 0) - begin_bytes
                kept_bytes = _ENGINE_COPIES * scored_s * KEPT_BYTES_PER_S
                known_bytes = self._measured.get(pace, 0)
                self._measured[pace] = max(known_bytes, int(grown_bytes - kept_bytes))

        yield note

    def _paces(self) -> Iterator[Pace]:
        block_s = self._settings.block_s
        yield Pace(block_s, self._threads)
        yield Pace(block_s, 1)
        yield Pace(min(10.0, block_s), 1)
        yield self.smallest

    def _work_bytes(self, pace: Pace, tracks: int) -> int:
        """What scoring takes beside its results; measured here once there was such a job."""
        # Those in work, the one that is decoded, and the one before for its end.
        blocks = pace.threads + 1 + tracks
        expected = pace.block_s * blocks * _BYTES_PER_BLOCK_S[self._engine]
        return max(_WORK_BYTES[self._engine] + int(expected), self._measured.get(pace, 0))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory was refused, by the system or by a framework."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    # Torch and ONNX Runtime have no class of their own for it on the CPU.
    said = f"{type(error).__name__}: {error}".lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _OUT_OF_MEMORY)


def _forget_peak() -> bool:
    """Have the system's peak of this process begin anew; False where it cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _short(needed_bytes: int, room: Room, share: float) -> MemoryShortError:
    return MemoryShortError(
        needed_mb=round(needed_bytes / _MB),
        left_mb=max(0, round(room.left_bytes(share) / _MB)),
        percent=100 if room.wall == "process" else round(100 * share),
        limit_mb=round(room.limit_bytes / _MB),
        wall=WALLS[room.wall]["en"],
        wall_zh=WALLS[room.wall]["zh"],
    )
