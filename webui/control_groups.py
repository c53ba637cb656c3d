"""Limits that Linux control groups, versions 1 and 2, set to this process: a container's walls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Version 1 writes the largest number of whole pages for "no limit"; no machine has so much.
_NO_LIMIT_BYTES = 2**60
_ROOT = Path("/")


@dataclass(frozen=True)
class GroupMemory:
    """Memory of a control group that has a limit.

    Attributes:
        limit_bytes: more it may not have.
        used_bytes: what it has, without the files' contents that the system would drop first.
    """

    limit_bytes: int
    used_bytes: int

    @property
    def free_bytes(self) -> int:
        """What may be added, 0 or more."""
        return max(0, self.limit_bytes - self.used_bytes)


def processor_quotas(root: Path = _ROOT) -> Iterator[float]:
    """Processors that each control group around this process allows, where one sets a limit.

    Args:
        root: of the file system in which the groups are looked up.
    """
    for group in _groups("cpu", root):
        quota = _quota(group)
        if quota is not None:
            yield quota


def memory_limit(root: Path = _ROOT) -> GroupMemory | None:
    """Of the control groups with a memory limit around this process, the one with least room.

    Args:
        root: of the file system in which the groups are looked up.
    """
    limited = (memory for group in _groups("memory", root) if (memory := _memory(group)))
    return min(limited, key=lambda memory: memory.free_bytes, default=None)


def out_of_memory_kills(root: Path = _ROOT) -> int:
    """Processes that the system has ended for want of memory, in the group around this one.

    Where no group tells, those of the whole machine; 0 where nothing does.

    Args:
        root: of the file system in which the groups are looked up.
    """
    for group in _groups("memory", root):
        # Version 2, version 1.
        for name in ("memory.events", "memory.oom_control"):
            count = _figure(group / name, "oom_kill")
            if count is not None:
                return count
    return _figure(root / "proc/vmstat", "oom_kill") or 0


def _figure(file: Path, name: str) -> int | None:
    """A figure of a file that has one in each line, behind its name."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [name]), None)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Directories of the groups around this process that a controller knows, on Linux."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / (controller if controllers else "")
        # The group itself and all that it lies in. Of those, a container may see the last alone.
        group = PurePosixPath(name.lstrip("/"))
        yield from (mount / group, *(mount / parent for parent in group.parents))


def _quota(group: Path) -> float | None:
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="utf-8").strip()
            period = (group / "cpu.cfs_period_us").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)


def _memory(group: Path) -> GroupMemory | None:
    try:
        if (group / "memory.max").exists():
            limit = (group / "memory.max").read_text(encoding="utf-8").strip()
            used = (group / "memory.current").read_text(encoding="utf-8")
            reclaimable = "inactive_file"
        else:
            limit = (group / "memory.limit_in_bytes").read_text(encoding="utf-8").strip()
            used = (group / "memory.usage_in_bytes").read_text(encoding="utf-8")
            reclaimable = "total_inactive_file"
        lines = (group / "memory.stat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    if limit == "max" or int(limit) >= _NO_LIMIT_BYTES:
        return None
    figures = dict(line.split() for line in lines)
    return GroupMemory(int(limit), max(0, int(used) - int(figures.get(reclaimable, 0))))
