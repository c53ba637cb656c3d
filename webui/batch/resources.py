"""How many processes fit on this machine, by its processors and its free memory."""

from __future__ import annotations

import psutil

from webui.control_groups import memory_limit
from webui.vad.scorers.team import cores

_MIB = 1024**2
# What a process with a model takes, with room to spare; what bench measures is less.
_PROCESS_BYTES = {"funasr": 800 * _MIB, "onnx": 160 * _MIB, "onnx-int8": 160 * _MIB}
_THREAD_BYTES = 16 * _MIB
# Of free memory: the rest is for the page cache, and for whoever else works here.
_SHARE = 0.8


def worker_bytes(engine: str, threads: int) -> int:
    """Memory that a process which scores takes."""
    return _PROCESS_BYTES[engine] + threads * _THREAD_BYTES


def fitting_workers(engine: str, files: int, *, free_bytes: int, processors: int) -> int:
    """How many processes to use: no more than there are processors, files, or room for.

    Args:
        engine: that each loads.
        files: to work on.
        free_bytes: of memory.
        processors: that may be used.
    """
    by_memory = int(free_bytes * _SHARE) // worker_bytes(engine, 1)
    return max(1, min(processors, files, by_memory))


def threads_each(workers: int, processors: int) -> int:
    """Scoring threads of each process, so that together there is one for each processor."""
    return max(1, processors // workers)


def free_memory_bytes() -> int:
    """Memory that can be taken: what the system has, and no more than the container may."""
    available = psutil.virtual_memory().available
    limit = memory_limit()
    return available if limit is None else min(available, limit.free_bytes)


def processors() -> int:
    """Processors that may be used."""
    return cores()
