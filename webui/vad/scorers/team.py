"""Threads that share one scorer's work."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def cores() -> int:
    """Processors that this process may use; a container may have fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Team:
    """A fixed number of threads, set explicitly and nowhere exceeded.

    Args:
        threads: how many; 0 = one for each core.
    """

    def __init__(self, threads: int) -> None:
        # Here, since importing it searches the process for libraries.
        from threadpoolctl import threadpool_limits

        self.size = threads or cores()
        self._pool = ThreadPoolExecutor(self.size, "score") if self.size > 1 else None
        # NumPy's own threads would spin against these.
        threadpool_limits(1, user_api="blas")

    def each(self, work: Callable[[int], None], count: int) -> None:
        """Do ``work(0)`` to ``work(count - 1)``, in any order and at once where that pays."""
        if self._pool is None or count == 1:
            for index in range(count):
                work(index)
        else:
            for _ in self._pool.map(work, range(count)):
                pass
