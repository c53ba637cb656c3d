"""The time axis: where its ticks stand and what is written at them."""

from __future__ import annotations

import math

_TICK_STEPS_S = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400),
)
_PIXELS_PER_TICK = 84


def clock(seconds: float, step_s: float = 1.0, longest_s: float | None = None) -> str:
    """Write a time for an axis: "2.5 s" below a minute, else "1:30" or "1:02:30".

    Args:
        seconds: the time.
        step_s: distance between ticks; below one second decimals are shown.
        longest_s: duration of the axis, so that all its ticks look alike.
    """
    longest_s = seconds if longest_s is None else longest_s
    decimals = max(0, -math.floor(math.log10(step_s))) if step_s < 1 else 0
    if longest_s < 60:
        return f"{seconds:.{decimals}f} s"
    units = round(seconds * 10**decimals)
    whole, rest = divmod(units, 10**decimals)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if longest_s < 3600:
        return f"{minutes}:{second:02d}{fraction}"
    return f"{hours}:{minute:02d}:{second:02d}{fraction}"


def tick_step_s(duration_s: float, pixels: float) -> float:
    """Choose the distance between time ticks so that their labels do not touch."""
    wanted = duration_s / max(2.0, pixels / _PIXELS_PER_TICK)
    return next((step for step in _TICK_STEPS_S if step >= wanted), _TICK_STEPS_S[-1])
