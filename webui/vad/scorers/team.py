"""Threads that share one scorer's work."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path, PurePosixPath
from typing import TypeVar

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
    return max(1, min([count, *map(math.ceil, _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Processors that each control group around this process allows; Linux alone has them."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # The group itself and all that it lies in. Of those, a container may see the last alone.
        group = PurePosixPath(name.lstrip("/"))
        for place in (mount / group, *(mount / parent for parent in group.parents)):
            yield from _quota(place)


def _quota(group: Path) -> Iterator[float]:
    """What one group allows, if it sets a limit: version 2 of control groups, or version 1."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="utf-8").strip()
            period = (group / "cpu.cfs_period_us").read_text(encoding="utf-8").strip()
    except OSError:
        return
    if quota not in ("max", "-1"):
        yield int(quota) / int(period)


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
        self, work: Callable[[_Item], _Made], items: Iterable[_Item]
    ) -> Generator[_Made, None, None]:
        """Do ``work`` on each item, several at once, and give the results in the items' order.

        The caller's thread gets the items while the team works. One more than there are
        threads are under way, so that no thread waits for its next one, and never more.
        """
        under_way: deque[Future[_Made]] = deque()
        try:
            for item in items:
                under_way.append(self._pool.submit(work, item))
                if len(under_way) > self.size:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
            wait(under_way)
