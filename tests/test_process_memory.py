"""What processes take, measured on real ones that hold a known amount."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from webui.process_memory import Growth, ProcessMemory, measure, peak_rss_bytes, tree

MB = 1_000_000
LEAF = (
    "import sys; held = bytearray(b'1') * 30_000_000; print('ready', flush=True); sys.stdin.read()"
)
PARENT = f"""
import subprocess, sys
held = bytearray(b"1") * 60_000_000
more = bytearray(b"1") * 60_000_000
del more
child = subprocess.Popen([sys.executable, "-c", {LEAF!r}])
sys.stdin.read()
child.wait()
"""


@pytest.fixture
def parent() -> Iterator[int]:
    """Id of a process that holds 60 MB, had 120, and has a child that holds 30."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        yield process.pid
        assert process.stdin
        process.stdin.close()


def test_a_tree_is_measured_with_all_below_it(parent: int) -> None:
    family = tree(parent)
    assert family[0] == parent and len(family) == 2
    alone, both = measure([parent]), measure(family)
    assert (alone.processes, both.processes) == (1, 2)
    assert 60 * MB < alone.own_bytes < 90 * MB
    assert 90 * MB < both.own_bytes < 140 * MB
    if both.pss_bytes is not None:
        assert both.own_bytes <= both.pss_bytes <= both.rss_bytes


@pytest.mark.skipif(sys.platform == "darwin", reason="tells no other process's peak")
def test_the_peak_stays_when_memory_is_given_back(parent: int) -> None:
    memory = measure([parent])
    assert memory.peak_rss_bytes is not None
    assert memory.peak_rss_bytes > 120 * MB > memory.own_bytes


def test_what_does_not_run_takes_nothing(parent: int) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not psutil.pid_exists(gone.pid)
    assert tree(None) == tree(gone.pid) == []
    assert measure([gone.pid]) == measure([]) == ProcessMemory()
    assert measure([gone.pid, parent]).processes == 1


def test_where_uss_is_not_told_rss_stands_for_it() -> None:
    hidden = ProcessMemory(None, None, 50, 60, 1)
    assert hidden.own_bytes == 50
    both = hidden + ProcessMemory(10, 20, 30, 40, 1)
    assert both == ProcessMemory(None, None, 80, 100, 2)


def test_growth_names_the_step_that_took_it() -> None:
    growth = Growth()
    growth.note("before")
    ballast = np.ones(40 * MB, dtype=np.uint8)
    growth.note("ballast")
    growth.note("nothing")
    parts = growth.parts
    assert list(parts) == ["before", "ballast", "nothing"]
    assert 39 * MB < parts["ballast"] < 45 * MB
    assert parts["nothing"] < 5 * MB
    assert peak_rss_bytes(os.getpid()) == peak_rss_bytes()
    assert sum(parts.values()) > ballast.nbytes
