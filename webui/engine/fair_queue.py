"""A bounded queue that serves its owners in turn, so that nobody waits for another's heap."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from webui.errors import EngineBusyError

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """First come, first served within an owner; owners take turns. Not thread-safe.

    Args:
        capacity: items that may wait at once.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # Owners in the order of their turns; an owner without items has no entry.
        self._waiting: dict[str, deque[Item]] = {}

    def __len__(self) -> int:
        return sum(len(items) for items in self._waiting.values())

    def put(self, owner: str, item: Item) -> None:
        """Add an item at the end of its owner's line.

        Raises:
            EngineBusyError: the queue is full.
        """
        if len(self) >= self._capacity:
            raise EngineBusyError(waiting=len(self))
        self._waiting.setdefault(owner, deque()).append(item)

    def get(self) -> Item | None:
        """Take the next item; its owner goes to the end of the turns. None if empty."""
        if not self._waiting:
            return None
        owner = next(iter(self._waiting))
        items = self._waiting.pop(owner)
        item = items.popleft()
        if items:
            self._waiting[owner] = items
        return item

    def remove(self, item: Item) -> bool:
        """Take an item out; False if it does not wait here."""
        for owner, items in self._waiting.items():
            if item in items:
                items.remove(item)
                if not items:
                    del self._waiting[owner]
                return True
        return False

    def ahead(self, item: Item) -> int:
        """Number of items that will be served before this one; 0 if it does not wait here."""
        owners = list(self._waiting.values())
        for turn, items in enumerate(owners):
            if item not in items:
                continue
            rounds = items.index(item)
            earlier = sum(min(len(other), rounds + 1) for other in owners[:turn])
            later = sum(min(len(other), rounds) for other in owners[turn + 1 :])
            return rounds + earlier + later
        return 0
