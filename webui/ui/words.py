"""Numbers as people read them, in the page's language."""

from __future__ import annotations

from webui.ui.i18n import Texts


def readable(text: str) -> str:
    """Return text that can be sent: names of files may hold bytes that are no text."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def size(size_bytes: int | None) -> str:
    """Write an amount of memory: "40 kB", "76 MB", "3.2 GB"; a dash where it is not known."""
    if size_bytes is None:
        return "–"
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    if 0 < size_bytes < 1e6:
        return f"{size_bytes / 1e3:.0f} kB"
    return f"{size_bytes / 1e6:.0f} MB"


def level(probability: float) -> str:
    """Write the P(speech) from which a frame counts as speech: "80%", "72.5%"."""
    return f"{probability:.1%}".replace(".0%", "%")


def position(seconds: float) -> str:
    """Write a place in a recording: "2:05", "1:02:05"."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def span(texts: Texts, seconds: float, *, whole: bool = False) -> str:
    """Write how long something takes: "0.42 s", "23.9 s", "5 min 10 s", "2 h 05 min".

    Args:
        texts: the language.
        seconds: the time.
        whole: leave decimals out.
    """
    if seconds < 59.5:
        decimals = 0 if whole else 2 if seconds < 10 else 1
        return texts("unit.s", s=f"{seconds:.{decimals}f}")
    rounded = round(seconds)
    if rounded < 3600:
        return texts("unit.min_s", min=rounded // 60, s=rounded % 60)
    return texts("unit.h_min", h=rounded // 3600, min=f"{rounded % 3600 // 60:02d}")
