"""Milliseconds and the decimal numbers that stand for them in files, without rounding errors."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

# Thirty years: what is beyond is no time in a recording.
_LATEST_S = 10**9


def seconds(ms: int, decimals: int = 3) -> str:
    """Write a time in seconds: 70 as "0.070".

    Args:
        ms: not negative.
        decimals: places; at least three, so that nothing is lost.
    """
    return f"{ms // 1000}.{ms % 1000:03d}" + "0" * (decimals - 3)


def milliseconds(*texts: str) -> int | None:
    """Read a time in seconds, or the sum of several; None if one is none, negative or absurd.

    What is finer than a millisecond is rounded, halves up, after the sum: segments that
    touch in a file of starts and durations touch still.
    """
    total = Decimal(0)
    for text in texts:
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        if not (value.is_finite() and 0 <= value < _LATEST_S):
            return None
        total += value
    return int((total * 1000).to_integral_value(ROUND_HALF_UP))


def clock(ms: int, mark: str) -> str:
    """Write a time as subtitles do: hours, minutes, seconds, ``mark``, milliseconds."""
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"
