"""How much memory may still be taken, under the tightest of all limits around this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from webui.control_groups import memory_limit
from webui.process_memory import status_kilobytes

Wall = Literal["machine", "container", "process", "engine"]
# What `limit_data` has set in this process.
_data_limit_bytes: int | None = None


@dataclass(frozen=True)
class Room:
    """Memory under one limit.

    Attributes:
        wall: the machine's memory, the container's limit, this process's own (``ulimit``), or
            that which was set for the engine's process.
        limit_bytes: all of it.
        used_bytes: what is in use.
    """

    wall: Wall
    limit_bytes: int
    used_bytes: int

    @property
    def is_own(self) -> bool:
        """Whether it is one process's limit, which has it to itself."""
        return self.wall in ("process", "engine")

    def left_bytes(self, share: float) -> int:
        """What may be added until ``share`` of the limit is in use; below 0 if it is already.

        Of a limit of its own, a process may use all.
        """
        most = self.limit_bytes if self.is_own else int(self.limit_bytes * share)
        return most - self.used_bytes


def tightest(share: float, others_bytes: int = 0) -> Room:
    """Of all limits around this process the one under which least may be added.

    Args:
        share: of a limit that may be in use, above 0 to 1.
        others_bytes: what another process is about to take; it counts under the limits that
            all have in common, not under this process's own.
    """

    def left_bytes(room: Room) -> int:
        return room.left_bytes(share) - (0 if room.is_own else others_bytes)

    return min(_rooms(), key=left_bytes)


def left_bytes_of_all(share: float) -> int:
    """What may be added under the tightest limit that all processes have in common, 0 or more."""
    return max(0, min(room.left_bytes(share) for room in _common()))


def own_limits(share: float) -> Room | None:
    """The same among this process's own limits; None if it has none."""
    return min(_process(), key=lambda room: room.left_bytes(share), default=None)


def address_space_bytes() -> int | None:
    """Most address space that this process may have, as ``ulimit -v`` sets it; None = any."""
    if sys.platform != "linux":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def limit_data(most_bytes: int) -> None:
    """Have this process's data never exceed so much; what would, fails. Where the system can.

    Linux counts what a process may write to, without the files and libraries that it only
    reads and without the address space that CUDA reserves and does not use.
    """
    global _data_limit_bytes
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    _data_limit_bytes = most_bytes


def engine_room(pid: int | None, limit_bytes: int) -> Room | None:
    """What `limit_data` leaves an engine's process; None without a limit or where there is none.

    Args:
        pid: of the engine's process.
        limit_bytes: of its data, 0 = none.
    """
    used_bytes = 1024 * status_kilobytes(pid).get("VmData", 0)
    return Room("engine", limit_bytes, used_bytes) if limit_bytes and used_bytes else None


def _rooms() -> Iterator[Room]:
    yield from _common()
    yield from _process()


def _common() -> Iterator[Room]:
    import psutil

    machine = psutil.virtual_memory()
    yield Room("machine", machine.total, machine.total - machine.available)
    group = memory_limit()
    if group is not None:
        yield Room("container", group.limit_bytes, group.used_bytes)


def _process() -> Iterator[Room]:
    """Limits of this process alone, as ``ulimit`` and ``prlimit`` set them; Linux only."""
    if sys.platform != "linux":
        return
    import resource

    taken = status_kilobytes()
    for kind, name in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            is_ours = kind == resource.RLIMIT_DATA and soft == _data_limit_bytes
            yield Room("engine" if is_ours else "process", soft, 1024 * taken[name])
