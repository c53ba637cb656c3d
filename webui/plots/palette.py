"""Colours of a figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Colours of a figure, as "#rrggbb".

    Attributes:
        ground: behind everything; None leaves it transparent.
        ink: numbers and words.
        grid: lines between and around the lanes.
        wave: of the sound.
        segment: behind speech.
        edge: where segments start and end, and the sound within them.
        cut: an end that was forced by the longest segment allowed.
        probability: of speech.
        threshold: from which a frame counts as speech.
        overlap: behind what both channels speak in.
        by_hand: behind speech that a person marked.
        kept: segments of other options that are shown beside.
    """

    ground: str | None = "#ffffff"
    ink: str = "#3f4a5a"
    grid: str = "#d5dbe4"
    wave: str = "#7d8ba1"
    segment: str = "#12a594"
    edge: str = "#0b7d70"
    cut: str = "#d6409f"
    probability: str = "#3e63dd"
    threshold: str = "#e5690c"
    overlap: str = "#8e4ec6"
    by_hand: str = "#ad7f00"
    kept: str = "#6f7782"


PRINT = Palette()
