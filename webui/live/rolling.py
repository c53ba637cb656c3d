"""Rows that come in at one end and go at the other, in one array that does not grow for ever."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_ROWS = 256


class Rolling:
    """The latest rows of something endless, each with its number from the beginning.

    Args:
        like: an array of no rows whose type and shape the rows have.
    """

    def __init__(self, like: NDArray[Any]) -> None:
        self._rows = np.empty((_FIRST_ROWS, *like.shape[1:]), like.dtype)
        self._begin = self._end = 0  # within the array
        self._first = 0

    @property
    def first(self) -> int:
        """Number of the oldest row that is kept, or of the next one that will be."""
        return self._first

    @property
    def end(self) -> int:
        """Number after the latest row."""
        return self._first + self._end - self._begin

    @property
    def size_bytes(self) -> int:
        """Memory that it takes."""
        return self._rows.nbytes

    def append(self, rows: NDArray[Any]) -> None:
        """Take rows (n, ...) that follow the latest one."""
        count = self._end - self._begin
        if self._end + len(rows) > len(self._rows):
            wanted = max(_FIRST_ROWS, count + len(rows))
            # Half as much again is kept free, so that rows move seldom and room is given back.
            moved = np.empty((wanted + wanted // 2, *self._rows.shape[1:]), self._rows.dtype)
            moved[:count] = self._rows[self._begin : self._end]
            self._rows, self._begin, self._end = moved, 0, count
        self._rows[self._end : self._end + len(rows)] = rows
        self._end += len(rows)

    def drop_before(self, number: int) -> None:
        """Forget the rows before this one, as far as they have come."""
        gone = min(max(0, number - self._first), self._end - self._begin)
        self._begin += gone
        self._first += gone

    def since(self, number: int) -> NDArray[Any]:
        """Return the kept rows from this one on; they are good until the next change."""
        skipped = min(max(0, number - self._first), self._end - self._begin)
        return self._rows[self._begin + skipped : self._end]
