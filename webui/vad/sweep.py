"""How a result depends on one option: segments and speech share over its range.

Where both hardly change over many neighbouring values, the choice of the option
does not matter much, and a value in the middle of such a plateau is a safe one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from webui.vad.options import VadOptions, option_info
from webui.vad.scores import SpeechScores
from webui.vad.summary import summarise

NAMES = ("speech_noise_thres", "max_end_silence_time")
_SILENCE_VALUES = 30

# Within a plateau the count may differ by this share of the largest one, and the
# share of speech by so much.
COUNT_TOLERANCE = 0.05
SHARE_TOLERANCE = 0.03
# No speech at all, or nothing but speech: such results are stable, and of no use.
TRIVIAL_SHARE = 0.98
MIN_VALUES = 3

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Plateau:
    """Neighbouring values that give nearly the same result.

    Attributes:
        first, last: indices of the first and the last of the values.
        middle: index of the value in the middle.
    """

    first: int
    last: int

    @property
    def middle(self) -> int:
        """Index of the value in the middle; of two, the first."""
        return (self.first + self.last) // 2


@dataclass(frozen=True)
class Sweep:
    """A result at each value of one option, all other options as they are.

    Attributes:
        name: of the option.
        values: of the option, rising.
        counts: segments at each value.
        shares: speech, as a share of the duration, at each value.
        plateau: the most stable range; None if there is none.
    """

    name: str
    values: tuple[float, ...]
    counts: tuple[int, ...]
    shares: tuple[float, ...]
    plateau: Plateau | None


def sweep_values(name: str) -> tuple[float, ...]:
    """Return the values that are tried, rising, all within the option's range.

    The threshold goes in even steps of 0.05; the end silence in even ratios, since
    the step from 200 to 300 ms matters as much as that from 2 to 3 s.

    Raises:
        ValueError: ``name`` is none of `NAMES`.
    """
    info = option_info(name) if name in NAMES else None
    if info is None:
        raise ValueError(f"no sweep over {name!r}")
    if name == "speech_noise_thres":
        steps = round((info.maximum - info.minimum) / 0.05)
        return tuple(round(info.minimum + 0.05 * step, 2) for step in range(steps + 1))
    ratios = np.geomspace(info.minimum, info.maximum, _SILENCE_VALUES)
    return tuple(sorted({int(round(ms / info.step) * info.step) for ms in ratios}))


def sweep(
    tracks: Sequence[SpeechScores],
    options: VadOptions,
    name: str,
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> Sweep | None:
    """Decide at each value of one option.

    Takes one run of the endpointer for each value: about half a second for an hour.

    Args:
        tracks: of one recording; counts are summed over them, shares averaged.
        options: what the other options are.
        name: of the option, one of `NAMES`.
        go_on: asked before each value; where it says False, the sweep is given up.

    Returns:
        The sweep, None if it was given up.

    Raises:
        ValueError: ``name`` is none of `NAMES`.
    """
    values = sweep_values(name)
    counts: list[int] = []
    shares: list[float] = []
    for value in values:
        if not go_on():
            return None
        tried = VadOptions.from_mapping({**options.as_dict(), name: value})
        figures = [summarise(track.segments(tried), track.duration_ms) for track in tracks]
        counts.append(sum(each.count for each in figures))
        shares.append(sum(each.speech_share for each in figures) / max(1, len(figures)))
    return Sweep(name, values, tuple(counts), tuple(shares), find_plateau(counts, shares))


def is_stable(counts: Sequence[int], shares: Sequence[float]) -> bool:
    """Tell whether results are nearly the same, and none of them trivial.

    They are where the counts differ by at most 5 % of the largest one, the shares
    by at most 3 points of a hundred, and each has some speech and some pause.
    """
    trivial = any(
        not count or share >= TRIVIAL_SHARE for count, share in zip(counts, shares, strict=True)
    )
    return (
        not trivial
        and _span(counts) <= COUNT_TOLERANCE * max(counts)
        and _span(shares) <= SHARE_TOLERANCE
    )


def find_plateau(counts: Sequence[int], shares: Sequence[float]) -> Plateau | None:
    """Find the longest run of neighbours that `is_stable`, of at least three values.

    Of two runs that are as long, the one within which count and share change less
    is taken, and of those the first.

    Args:
        counts: segments at each value.
        shares: of speech at each value, 0 to 1.
    """
    best: tuple[tuple[float, ...], Plateau] | None = None
    for first in range(len(counts)):
        for end in range(first + MIN_VALUES, len(counts) + 1):
            # What lies in a run's way lies in the way of all longer ones, too.
            if not is_stable(counts[first:end], shares[first:end]):
                break
            change = _span(counts[first:end]) / max(counts) + _span(shares[first:end])
            rank = (first - end, change, first)
            if best is None or rank < best[0]:
                best = rank, Plateau(first, end - 1)
    return best[1] if best else None


def _span(values: Sequence[_Number]) -> _Number:
    return max(values) - min(values)
