"""Threads that share one scorer's work."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

from webui.control_groups import processor_quotas

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def cores(root: Path = Path("/")) -> int:
    """Processors that this process may use; a container may have fewer than the machine.

    Args:
        root: of the file system in which the control groups are looked up.

    Returns:
        The processors of the affinity mask, and no more than a CPU quota allows, rounded
        up; at least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min([count, *map(math.ceil, processor_quotas(root))]))


class Team:
    """A fixed number of threads, set explicitly and nowhere exceeded.

    Args:
        threads: how many; 0 = one for each core.
    """

    def __init__(self, threads: int) -> None:
        # Here, since importing it searches the process for libraries.
        from threadpoolctl import threadpool_limits

        self.size = threads or cores()
        self._pool = ThreadPoolExecutor(self.size, "score")
        # NumPy's own threads would spin against these.
        threadpool_limits(1, user_api="blas")

    def in_order(
        self, work: Callable[[_Item], _Made], items: Iterable[_Item], threads: int = 0
    ) -> Generator[_Made, None, None]:
        """Do ``work`` on each item, several at once, and give the results in the items' order.

        The caller's thread gets the items while the team works. One more than there are
        threads are under way, so that no thread waits for its next one, and never more.

        Args:
            work: is done on each item, in one of the threads.
            items: taken in the caller's thread.
            threads: that work on these at once, at most; 0 = all.
        """
        under_way: deque[Future[_Made]] = deque()
        # Fewer are wanted where memory is short: then none is taken ahead of its turn.
        most = threads - 1 if 0 < threads < self.size else self.size
        try:
            for item in items:
                under_way.append(self._pool.submit(work, item))
                if len(under_way) > most:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
            wait(under_way)
