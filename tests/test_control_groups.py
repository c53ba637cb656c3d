"""What control groups allow, of both versions; tests/vad/test_team.py has their processors."""

from __future__ import annotations

from pathlib import Path

import pytest

from webui.control_groups import GroupMemory, memory_limit, out_of_memory_kills

MIB = 1024**2
V1_NONE = "9223372036854771712\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def v2(group: str, limit: str, used: int, inactive: int = 0) -> dict[str, str]:
    place = f"sys/fs/cgroup/{group}"
    return {
        f"{place}memory.max": f"{limit}\n",
        f"{place}memory.current": f"{used}\n",
        f"{place}memory.stat": f"anon 1\nfile 2\ninactive_file {inactive}\n",
    }


def v1(group: str, limit: str, used: int, inactive: int = 0) -> dict[str, str]:
    place = f"sys/fs/cgroup/memory/{group}"
    return {
        f"{place}memory.limit_in_bytes": limit,
        f"{place}memory.usage_in_bytes": f"{used}\n",
        f"{place}memory.stat": f"inactive_file 7\ntotal_inactive_file {inactive}\n",
    }


HERE_V2 = {"proc/self/cgroup": "0::/user/app\n"}
HERE_V1 = {"proc/self/cgroup": "5:memory:/box\n4:cpu,cpuacct:/box\n0::/elsewhere\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        (HERE_V2, None),
        ({**HERE_V2, **v2("user/app/", "max", 5)}, None),
        ({**HERE_V2, **v2("user/app/", str(512 * MIB), 100 * MIB)}, (512 * MIB, 100 * MIB)),
        # What was read from files goes first when room is needed.
        ({**HERE_V2, **v2("", str(512 * MIB), 500 * MIB, 450 * MIB)}, (512 * MIB, 50 * MIB)),
        # Of the groups around it, the one with least room.
        (
            {
                **HERE_V2,
                **v2("user/app/", str(512 * MIB), 10 * MIB),
                **v2("user/", str(1024 * MIB), 1000 * MIB),
            },
            (1024 * MIB, 1000 * MIB),
        ),
        ({**HERE_V1, **v1("box/", V1_NONE, 5)}, None),
        ({**HERE_V1, **v1("box/", f"{64 * MIB}\n", 40 * MIB, 10 * MIB)}, (64 * MIB, 30 * MIB)),
        # In a container the group's own name may not be mounted.
        ({**HERE_V1, **v1("", f"{64 * MIB}\n", 40 * MIB)}, (64 * MIB, 40 * MIB)),
    ],
)
def test_memory_limit(
    tmp_path: Path, files: dict[str, str], expected: tuple[int, int] | None
) -> None:
    limit = memory_limit(tree(tmp_path, files))
    assert limit == (None if expected is None else GroupMemory(*expected))


EVENTS = "low 0\noom 3\noom_kill 2\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"
MACHINE = {"proc/vmstat": "pgfault 1\noom_kill 7\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 0),
        (MACHINE, 7),
        ({**HERE_V2, **MACHINE, "sys/fs/cgroup/user/app/memory.events": EVENTS}, 2),
        ({**HERE_V2, **MACHINE, "sys/fs/cgroup/memory.events": EVENTS}, 2),
        ({**HERE_V1, **MACHINE, "sys/fs/cgroup/memory/box/memory.oom_control": CONTROL}, 5),
        # Kernels before 4.13 do not count.
        ({**HERE_V1, "sys/fs/cgroup/memory/box/memory.oom_control": "under_oom 0\n"}, 0),
    ],
)
def test_what_was_ended_for_want_of_memory_is_counted(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    assert out_of_memory_kills(tree(tmp_path, files)) == expected


def test_a_full_group_has_nothing_free() -> None:
    assert GroupMemory(limit_bytes=10, used_bytes=25).free_bytes == 0
