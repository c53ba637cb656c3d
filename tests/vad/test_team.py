"""Threads that share the work keep its order and its bounds."""

from __future__ import annotations

import threading
import time

import pytest

from webui.vad.scorers.team import Team


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
