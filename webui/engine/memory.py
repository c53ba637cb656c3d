"""How much memory the page's process, the engine's and the system use, as measured."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import psutil

from webui.control_groups import GroupMemory, memory_limit
from webui.engine.messages import GpuMemory
from webui.process_memory import ProcessMemory, measure, tree

_M_ARENA_MAX = -8  # of glibc's malloc.h

GpuState = Literal["present", "not_loaded", "no_driver", "not_used"]
"""Why there are GPU figures or none: "present"; "not_loaded" (a driver is there, but the
engine that would know is not); "no_driver"; "not_used" (the loaded engine computes on the CPU)."""


@dataclass(frozen=True)
class MachineMemory:
    """Memory of the whole machine, and the container's wall if there is one.

    Attributes:
        total_bytes, available_bytes: what could be had without swapping.
        swap_total_bytes, swap_used_bytes: on disk; 0 where there is none.
        group: the tightest control group with a limit, None without.
    """

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_used_bytes: int
    group: GroupMemory | None

    @property
    def used_bytes(self) -> int:
        """What could not be had without swapping."""
        return self.total_bytes - self.available_bytes


@dataclass(frozen=True)
class MemoryReading:
    """One measurement.

    Attributes:
        page: of the page's process.
        engine: of the engine's process and those below it; zeros if there is none.
        helpers: of the page's other processes: those that draw and convert.
        machine: of the whole machine.
        gpus: of each GPU that the engine sees.
        gpu_state: why there are figures or none.
        engine_parts: what each step of loading took of the engine's own memory, in
            bytes: interpreter, framework, model, warm_up; empty if there is no engine.
    """

    page: ProcessMemory
    engine: ProcessMemory
    helpers: ProcessMemory
    machine: MachineMemory
    gpus: tuple[GpuMemory, ...]
    gpu_state: GpuState
    engine_parts: Mapping[str, int] = field(default_factory=dict)


UnloadCause = Literal["idle", "replaced"]


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
        return self.before.engine.own_bytes - self.after.engine.own_bytes

    @property
    def freed_gpu_bytes(self) -> int:
        """Fall of what torch had reserved on all GPUs."""
        return sum(gpu.reserved_bytes for gpu in self.before.gpus) - sum(
            gpu.reserved_bytes for gpu in self.after.gpus
        )


@dataclass(frozen=True)
class Unloaded:
    """An engine that was unloaded without anybody's asking for it.

    Attributes:
        engine: its name.
        cause: nobody needed it, or another one was wanted.
        change: what that did to memory.
        at_s: time.monotonic() of it.
    """

    engine: str
    cause: UnloadCause
    change: MemoryChange
    at_s: float


def share_arenas() -> None:
    """Have all threads of this process allocate from two arenas (glibc; elsewhere nothing).

    By default each thread gets one of its own, up to eight a core, and what one
    thread has freed is of no use to the next: a page that had drawn a long result
    a few times held 40 MB more for good.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def give_back() -> None:
    """Return to the system what was freed here and is kept for later (glibc; elsewhere nothing)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def read_machine() -> MachineMemory:
    """Measure the whole machine; takes well below a millisecond."""
    system, swap = psutil.virtual_memory(), psutil.swap_memory()
    return MachineMemory(system.total, system.available, swap.total, swap.used, memory_limit())


def read_memory(
    engine_pid: int | None,
    gpus: tuple[GpuMemory, ...],
    gpu_state: GpuState,
    engine_parts: Mapping[str, int],
) -> MemoryReading:
    """Measure this process, those below it and the system.

    Takes about 10 ms for each process: the system has to walk its pages.
    """
    page_pid = os.getpid()
    engine = tree(engine_pid)
    helpers = [pid for pid in tree(page_pid) if pid != page_pid and pid not in engine]
    return MemoryReading(
        page=measure([page_pid]),
        engine=measure(engine),
        helpers=measure(helpers),
        machine=read_machine(),
        gpus=gpus,
        gpu_state=gpu_state,
        engine_parts=engine_parts,
    )
