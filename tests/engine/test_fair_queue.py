"""The queue serves owners in turn and tells the truth about who is ahead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.engine.fair_queue import FairQueue
from webui.errors import EngineBusyError

OWNERS = st.lists(st.sampled_from("abcd"), max_size=30)


def filled(owners) -> tuple[FairQueue[int], list[int]]:
    queue: FairQueue[int] = FairQueue(100)
    for number, owner in enumerate(owners):
        queue.put(owner, number)
    return queue, list(range(len(owners)))


def drained(queue) -> list[int]:
    return [queue.get() for _ in range(len(queue))]


@given(OWNERS)
def test_ahead_is_the_number_served_before(owners):
    queue, items = filled(owners)
    said = {item: queue.ahead(item) for item in items}
    served = drained(queue)
    assert sorted(served) == items
    assert said == {item: place for place, item in enumerate(served)}
    assert queue.get() is None


@given(OWNERS)
def test_nobody_is_served_twice_while_another_waits_unserved(owners):
    queue, _ = filled(owners)
    served = [owners[item] for item in drained(queue)]
    for place in range(len(served)):
        for owner in set(served[place:]):
            first = served.index(owner)
            assert all(served[:first].count(other) <= 1 for other in set(served[:first]))


@given(OWNERS)
def test_first_come_first_served_within_an_owner(owners):
    queue, _ = filled(owners)
    served = drained(queue)
    for owner in set(owners):
        mine = [item for item in served if owners[item] == owner]
        assert mine == sorted(mine)


@given(OWNERS, st.integers(0, 29))
def test_remove(owners, item):
    queue, items = filled(owners)
    assert queue.remove(item) == (item in items)
    assert sorted(drained(queue)) == [other for other in items if other != item]


def test_capacity():
    queue: FairQueue[int] = FairQueue(2)
    queue.put("a", 1)
    queue.put("b", 2)
    with pytest.raises(EngineBusyError):
        queue.put("c", 3)
    assert len(queue) == 2
