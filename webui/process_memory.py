"""What processes take of the memory, as the system tells it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# psutil is imported where it is needed: the benchmark's subjects are measured without it.
if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True)
class ProcessMemory:
    """Memory of a process, or of several together.

    Attributes:
        uss_bytes: what would be given back if it ended; None where the system does not tell.
        pss_bytes: that, and its share of what it has in common with others; None likewise.
        rss_bytes: what it has in memory, shared pages included.
        peak_rss_bytes: the most that it ever had in memory; of several, the sum of each
            one's own; None where the system does not tell.
        processes: how many.
    """

    uss_bytes: int | None = 0
    pss_bytes: int | None = 0
    rss_bytes: int = 0
    peak_rss_bytes: int | None = 0
    processes: int = 0

    @property
    def own_bytes(self) -> int:
        """USS, or RSS where the system does not tell USS."""
        return self.rss_bytes if self.uss_bytes is None else self.uss_bytes

    def __add__(self, other: ProcessMemory) -> ProcessMemory:
        return ProcessMemory(
            _sum(self.uss_bytes, other.uss_bytes),
            _sum(self.pss_bytes, other.pss_bytes),
            self.rss_bytes + other.rss_bytes,
            _sum(self.peak_rss_bytes, other.peak_rss_bytes),
            self.processes + other.processes,
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def tree(pid: int | None) -> list[int]:
    """Ids of a process and all below it; empty if it does not run or is None."""
    import psutil

    if pid is None:
        return []
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def measure(pids: Iterable[int]) -> ProcessMemory:
    """Measure processes together; those that do not run (any more) count nothing.

    Takes up to 10 ms for each: the system has to walk its pages.
    """
    import psutil

    total = ProcessMemory()
    for pid in pids:
        try:
            total += _one(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    return total


def _one(process: psutil.Process) -> ProcessMemory:
    import psutil

    peak_bytes = peak_rss_bytes(process.pid)
    try:
        full = process.memory_full_info()
    except psutil.AccessDenied:
        return ProcessMemory(None, None, process.memory_info().rss, peak_bytes, 1)
    return ProcessMemory(full.uss, getattr(full, "pss", None), full.rss, peak_bytes, 1)


def peak_rss_bytes(pid: int | None = None) -> int | None:
    """Largest resident set of a process so far.

    Linux keeps a parent's peak in a child's ``ru_maxrss``, even when that runs another
    program; ``VmHWM`` belongs to the program itself.

    Args:
        pid: of the process; None = this one.

    Returns:
        Bytes; 0 if it does not run; None where the system does not tell.
    """
    if Path("/proc/self/status").exists():
        return 1024 * status_kilobytes(pid).get("VmHWM", 0)
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process(pid).memory_info().peak_wset)
    if pid not in (None, os.getpid()):
        return None
    import resource

    # Bytes on macOS, kilobytes elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def status_kilobytes(pid: int | None = None) -> dict[str, int]:
    """Linux: the sizes in a process's status, in kB: VmHWM, VmSize, ...; elsewhere empty."""
    status = Path(f"/proc/{'self' if pid is None else pid}/status")
    try:
        lines = status.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}


class Growth:
    """Which steps of a start took how much of this process's own memory."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    @property
    def parts(self) -> Mapping[str, int]:
        """Growth in bytes by step, in their order; 0 for one that gave some back."""
        return dict(self._taken)

    def note(self, step: str) -> None:
        """Note the end of a step: what came since the last one is its own."""
        came = measure([os.getpid()]).own_bytes - sum(self._taken.values())
        self._taken[step] = self._taken.get(step, 0) + max(0, came)
