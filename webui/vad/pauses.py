"""The silences between two stretches of speech, found for a whole block at once.

The endpointer's machine is in speech or in silence. At a frame whose window sum says
"up" silence becomes speech, at one that says "down" speech becomes silence; where both
thresholds are equal a frame may say both, and then the state turns at every such frame.
Frames that say the same are taken together as runs, so that the work in Python is for
the silences that are long enough to matter, not for every change.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

_Flags: TypeAlias = npt.NDArray[np.bool_]
_UP, _DOWN = 1, 2


class Pauses:
    """The silences of a machine that is in speech before the frame ``first``.

    Args:
        is_up: whether each frame turns silence into speech.
        is_down: whether it turns speech into silence.
        first: number of the frame that both begin with.
    """

    def __init__(self, is_up: _Flags, is_down: _Flags, first: int) -> None:
        code = is_up.view(np.int8) * _UP + is_down.view(np.int8) * _DOWN
        starts = np.flatnonzero(code[1:] != code[:-1]) + 1
        starts = np.concatenate((np.zeros(min(1, len(code)), np.intp), starts))
        self._code = code[starts]
        self._starts = starts + first
        self._end = first + len(code)
        self._is_speech = _states(self._code, np.diff(starts, append=len(code)))
        self._is_before = np.concatenate(([True], self._is_speech[:-1]))
        self._begins, self._ends = self._all()
        self._long: dict[int, list[int]] = {}

    def _all(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """First frame of each silence that outlasts its run, and the frame that ends it."""
        is_both = self._code == _UP | _DOWN
        begins = ~self._is_speech & (is_both | self._is_before & (self._code == _DOWN))
        runs = np.flatnonzero(begins)
        nexts = np.append(self._starts[1:], self._end)
        # In a run of both the state turns with each frame, so with the last one, too.
        begin = np.where(is_both[runs], nexts[runs] - 1, self._starts[runs])
        ups = np.flatnonzero(self._code & _UP)
        end = np.append(self._starts[ups], self._end)[np.searchsorted(ups, runs, side="right")]
        return begin, end

    def first_long(self, frame: int, silence: int) -> int | None:
        """First frame from ``frame`` on that turns to more than ``silence`` frames of silence.

        Args:
            frame: before which it is speech.
            silence: frames, at least 1.
        """
        if silence not in self._long:
            is_long = self._ends - self._begins > silence
            self._long[silence] = self._begins[is_long].tolist()
        begins = self._long[silence]
        following = bisect_left(begins, frame)
        return begins[following] if following < len(begins) else None

    def before(self, frame: int) -> int | None:
        """Frame that turned to the silence in which the frame before ``frame`` lies, if it does."""
        last = frame - 1
        run = int(np.searchsorted(self._starts, last, side="right")) - 1
        if run < 0:
            return None
        if self._code[run] == _UP | _DOWN:
            turns = last - int(self._starts[run]) + 1
            return None if bool(self._is_before[run]) ^ bool(turns % 2) else last
        if self._is_speech[run]:
            return None
        index = int(np.searchsorted(self._begins, last, side="right")) - 1
        return int(self._begins[index]) if index >= 0 else None


def _states(code: npt.NDArray[np.int8], lengths: npt.NDArray[np.intp]) -> _Flags:
    """State after each run: what the last run of one kind says, turned since then or not."""
    numbers = np.arange(len(code))
    is_sure = (code == _UP) | (code == _DOWN)
    last = np.maximum.accumulate(np.where(is_sure, numbers, -1))
    turns = np.cumsum(np.where(code == _UP | _DOWN, lengths, 0))
    since = turns - np.where(last >= 0, turns[last], 0)
    state = (last < 0) | (code[last] == _UP)
    return np.asarray(state ^ (since % 2 == 1), dtype=np.bool_)
