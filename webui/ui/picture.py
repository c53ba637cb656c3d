"""A result's figure as the page shows it: one SVG for light and dark, for every language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

from webui import plots
from webui.formats import Outcome, Result
from webui.vad.options import VadOptions
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment

# Each of these colours becomes a CSS variable.
_MARKS = plots.Palette(
    ground=None,
    ink="#0a0b01",
    grid="#0a0b02",
    wave="#0a0b03",
    segment="#0a0b04",
    edge="#0a0b05",
    cut="#0a0b06",
    probability="#0a0b07",
    threshold="#0a0b08",
)


@dataclass(frozen=True)
class Lanes:
    """Where the time axis lies in a picture.

    Attributes:
        left: left edge of the lanes, as a share of the picture's width.
        right: right edge.
        duration_ms: what lies between them.
    """

    left: float
    right: float
    duration_ms: int


def picture(
    scores: SpeechScores,
    segments: Sequence[Segment],
    options: VadOptions,
    *,
    width_px: int,
    height_px: int,
) -> tuple[str, Lanes]:
    """Draw a result for the page.

    The picture has no words, so that the page can set them in its language and
    fonts; its colours are the CSS variables ``--vad-ink``, ``--vad-wave`` and so on.

    Returns:
        An ``<svg>`` element without prolog, and where its time axis lies.
    """
    figure = plots.draw(
        Outcome((Result(scores, options, tuple(segments)),)),
        width_px=width_px,
        height_px=height_px,
        palette=_MARKS,
        with_words=False,
    )
    svg = plots.encode(figure, "svg").decode()
    # A style element would hold for the whole page.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg[svg.index("<svg") :], flags=re.S)
    # Hundredths of a pixel are enough.
    svg = re.sub(r"(\.\d\d)\d+", r"\1", svg)
    for field in fields(_MARKS):
        if mark := getattr(_MARKS, field.name):
            svg = svg.replace(mark, f"var(--vad-{field.name})")
    svg = re.sub(r'<svg([^>]*?) width="[^"]*" height="[^"]*"', r"<svg\1", svg, count=1)
    lanes = Lanes(plots.LEFT_PX / width_px, 1 - plots.RIGHT_PX / width_px, scores.duration_ms)
    return svg, lanes
