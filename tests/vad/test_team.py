"""Threads that share the work keep its order and its bounds."""

from __future__ import annotations

import os
import threading
import time

import pytest

from webui.vad.scorers.team import Team, cores


def test_results_come_in_the_order_of_the_items():
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(Team(3).in_order(work, range(30))) == [item * item for item in range(30)]


def test_no_more_than_asked_run_at_once_and_one_more_waits():
    running, most, taken, ahead = 0, 0, 0, []
    lock = threading.Lock()

    def work(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return item

    def items():
        nonlocal taken
        for item in range(20):
            taken += 1
            yield item

    for done in Team(2).in_order(work, items()):
        ahead.append(taken - done)
    assert most == 2
    assert max(ahead) == 3


def test_an_error_reaches_the_caller_and_ends_the_rest():
    finished = []

    def work(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        finished.append(item)
        return item

    team = Team(2)
    with pytest.raises(ValueError, match="two"):
        list(team.in_order(work, range(100)))
    assert max(finished) <= 4
    assert list(team.in_order(str, [1, 2])) == ["1", "2"]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Eight processors, and control groups as the files given say."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def with_files(**files: str):
        for name, content in {"proc/self/cgroup": "0::/\n", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return with_files


V2 = {"proc/self/cgroup": "0::/user/app\n"}
V1 = {"proc/self/cgroup": "5:memory:/box\n4:cpu,cpuacct:/box\n0::/elsewhere\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3),
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        ({"sys/fs/cgroup/cpu.max": "1000 100000\n"}, 1),
        ({"sys/fs/cgroup/cpu.max": "6400000 100000\n"}, 8),
        ({**V2, "sys/fs/cgroup/user/app/cpu.max": "250000 50000\n"}, 5),
        # The tightest of the groups around it holds.
        (
            {
                **V2,
                "sys/fs/cgroup/user/app/cpu.max": "max 100000\n",
                "sys/fs/cgroup/user/cpu.max": "200000 100000\n",
            },
            2,
        ),
        (
            {
                **V1,
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
        (
            {
                **V1,
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "350000\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        # In a container the group's own name may not be mounted.
        (
            {
                **V1,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            1,
        ),
    ],
)
def test_no_more_cores_than_the_control_groups_allow(machine, files, expected):
    assert cores(machine(**files)) == expected


def test_without_control_groups_the_affinity_counts(machine, tmp_path):
    assert cores(tmp_path) == 8
