"""How much memory the page's process, the engine's and the system use, as measured."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import os
import sys
from dataclasses import dataclass
from typing import Literal

import psutil

from webui.engine.messages import GpuMemory

_M_ARENA_MAX = -8  # of glibc's malloc.h

GpuState = Literal["present", "not_loaded", "no_driver", "not_used"]
"""Why there are GPU figures or none: "present"; "not_loaded" (a driver is there, but the
engine that would know is not); "no_driver"; "not_used" (the loaded engine computes on the CPU)."""


@dataclass(frozen=True)
class ProcessMemory:
    """Memory of a process and its children.

    Attributes:
        uss_bytes: what would be given back if it ended; None where the system does not tell.
        rss_bytes: what it has in memory, shared pages included.
    """

    uss_bytes: int | None
    rss_bytes: int


@dataclass(frozen=True)
class MemoryReading:
    """One measurement.

    Attributes:
        page_uss_bytes, page_rss_bytes: of the page's process; USS is what would
            be given back if it ended, None where the system does not tell.
        engine_uss_bytes, engine_rss_bytes: of the engine's process; 0 if there is none.
        system_used_bytes, system_total_bytes: of the whole machine.
        gpus: of each GPU that the engine sees.
        gpu_state: why there are figures or none.
    """

    page_uss_bytes: int | None
    page_rss_bytes: int
    engine_uss_bytes: int | None
    engine_rss_bytes: int
    system_used_bytes: int
    system_total_bytes: int
    gpus: tuple[GpuMemory, ...]
    gpu_state: GpuState


@dataclass(frozen=True)
class MemoryChange:
    """What an action did to memory.

    Attributes:
        before, after: measured right before and right after.
    """

    before: MemoryReading
    after: MemoryReading

    @property
    def freed_engine_bytes(self) -> int:
        """Fall of the engine's own memory (USS; RSS where the system does not tell USS)."""
        return _own(self.before) - _own(self.after)

    @property
    def freed_gpu_bytes(self) -> int:
        """Fall of what torch had reserved on all GPUs."""
        return sum(gpu.reserved_bytes for gpu in self.before.gpus) - sum(
            gpu.reserved_bytes for gpu in self.after.gpus
        )


def _own(reading: MemoryReading) -> int:
    if reading.engine_uss_bytes is None:
        return reading.engine_rss_bytes
    return reading.engine_uss_bytes


@functools.cache
def has_cuda_driver() -> bool:
    """Whether NVIDIA's driver library is on this machine, without loading it."""
    return ctypes.util.find_library("nvcuda" if os.name == "nt" else "cuda") is not None


def share_arenas() -> None:
    """Have all threads of this process allocate from two arenas (glibc; elsewhere nothing).

    By default each thread gets one of its own, up to eight a core, and what one
    thread has freed is of no use to the next: a page that had drawn a long result
    a few times held 40 MB more for good.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def process_memory(pid: int | None, *, with_children: bool) -> ProcessMemory:
    """Measure a process; zeros if it does not run.

    Args:
        pid: process id, or None for none.
        with_children: add those of its child processes.
    """
    uss_bytes: int | None = 0
    rss_bytes = 0
    for process in _family(pid, with_children=with_children):
        try:
            rss_bytes += process.memory_info().rss
            if uss_bytes is not None:
                uss_bytes += process.memory_full_info().uss
        except psutil.AccessDenied:
            uss_bytes = None
        except psutil.NoSuchProcess:
            continue
    return ProcessMemory(uss_bytes, rss_bytes)


def _family(pid: int | None, *, with_children: bool) -> list[psutil.Process]:
    if pid is None:
        return []
    try:
        process = psutil.Process(pid)
        return [process, *(process.children(recursive=True) if with_children else [])]
    except psutil.NoSuchProcess:
        return []


def read_memory(
    engine_pid: int | None, gpus: tuple[GpuMemory, ...], gpu_state: GpuState
) -> MemoryReading:
    """Measure this process, the engine's process and the system.

    Takes about 10 ms for each process: the system has to walk its pages.
    """
    page = process_memory(os.getpid(), with_children=False)
    engine = process_memory(engine_pid, with_children=True)
    system = psutil.virtual_memory()
    return MemoryReading(
        page_uss_bytes=page.uss_bytes,
        page_rss_bytes=page.rss_bytes,
        engine_uss_bytes=engine.uss_bytes,
        engine_rss_bytes=engine.rss_bytes,
        system_used_bytes=system.total - system.available,
        system_total_bytes=system.total,
        gpus=gpus,
        gpu_state=gpu_state,
    )
