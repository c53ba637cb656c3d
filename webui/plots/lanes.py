"""What is drawn in the lanes of one track: sound, probability, segments.

The work depends on the width in pixels, not on the duration: three seconds and three
hours are drawn from the same number of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path as Outline

from webui.formats import Result
from webui.plots.palette import Palette
from webui.vad.segment import EndReason, Segment
from webui.vad.timebase import FRAME_HOP_MS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from webui.vad.scores import SpeechScores

FloatArray = npt.NDArray[np.float64]

_MIN_EDGE_PIXELS = 9  # closer together, edges and numbers are clutter
_MIN_NUMBER_PIXELS = 20


def draw_track(
    wave: Axes,
    probability: Axes,
    result: Result,
    overlap: Sequence[tuple[int, int]],
    pixels: int,
    palette: Palette,
) -> None:
    """Draw one track into its two lanes, whose time axes are set already.

    Args:
        wave: lane of the sound.
        probability: lane of the speech probability.
        result: of the track.
        overlap: where both channels speak, start and end in ms.
        pixels: width of the lanes.
        palette: colours.
    """
    segments = result.segments
    for axes in (wave, probability):
        for is_edited, colour in ((False, palette.segment), (True, palette.by_hand)):
            found = [(s.start_ms, s.end_ms) for s in segments if s.edited is is_edited]
            _shade(axes, found, pixels, colour, 0.14)
        _shade(axes, overlap, pixels, palette.overlap, 0.24)
        _mark_edges(axes, segments, pixels, palette)
    duration_s = wave.get_xlim()[1]
    _number(wave, segments, duration_s / pixels, palette)
    _draw_wave(wave, result.scores, segments, pixels, palette)
    _draw_probability(probability, result, pixels, palette)


def draw_kept(axes: Axes, segments: Sequence[Segment], pixels: int, palette: Palette) -> None:
    """Draw the segments that other options give into a lane of their own.

    Args:
        axes: the lane, whose time axis is set already.
        segments: in order of time.
        pixels: width of the lane.
        palette: colours.
    """
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    _shade(axes, [(s.start_ms, s.end_ms) for s in segments], pixels, palette.kept, 0.55)
    if segments and len(segments) * _MIN_EDGE_PIXELS * 2 < pixels:
        edges = [ms / 1000 for s in segments for ms in (s.start_ms, s.end_ms)]
        across = axes.get_xaxis_transform()
        axes.vlines(edges, 0, 1, transform=across, colors=palette.kept, linewidth=0.8)


def _draw_wave(
    axes: Axes, scores: SpeechScores, segments: Sequence[Segment], pixels: int, palette: Palette
) -> None:
    axes.set_yticks([])
    axes.set_ylim(-1, 1)
    if not (count := len(scores.peaks)):
        return
    columns = min(pixels, count)
    envelope = scores.peaks.reduce(columns).astype(np.float64)
    x = (np.arange(columns) + 0.5) * (count * FRAME_HOP_MS / 1000 / columns)
    # Quiet recordings are stretched, so that something can be seen; noise at the
    # bottom of the scale is not blown up to look like speech.
    loudest = max(float(np.abs(envelope).max()), 0.02)
    axes.set_ylim(-1.2 * loudest, 1.2 * loudest)
    outline = np.concatenate((envelope[:, 1], envelope[::-1, 0]))
    points = np.column_stack((np.concatenate((x, x[::-1])), outline))
    for colour in (palette.wave, palette.edge):
        is_speech = colour == palette.edge
        if is_speech and not segments:
            break
        wave = Polygon(points, closed=True, facecolor=colour, edgecolor=colour, linewidth=0.7)
        axes.add_artist(wave)
        if is_speech:
            spans = _drawn_spans(
                [(s.start_ms, s.end_ms) for s in segments], axes.get_xlim()[1], pixels
            )
            wave.set_clip_path(_boxes(spans), axes.get_xaxis_transform())


def _draw_probability(axes: Axes, result: Result, pixels: int, palette: Palette) -> None:
    probabilities = result.scores.probabilities
    count = len(probabilities)
    if count:
        columns = min(pixels, count)
        edges = np.arange(columns) * count // columns
        sizes = np.diff(np.append(edges, count))
        mean = np.add.reduceat(probabilities.astype(np.float64), edges) / sizes
        x = (edges + sizes / 2) * (FRAME_HOP_MS / 1000)
        if columns < count:
            low = np.minimum.reduceat(probabilities, edges).astype(np.float64)
            high = np.maximum.reduceat(probabilities, edges).astype(np.float64)
            band = np.concatenate((high, low[::-1]))
            points = np.column_stack((np.concatenate((x, x[::-1])), band))
            patch = Polygon(points, closed=True, facecolor=palette.probability, alpha=0.25)
            patch.set_linewidth(0)
            axes.add_artist(patch)
        axes.plot(x, mean, color=palette.probability, linewidth=1.2)
    level = result.options.speech_probability
    axes.axhline(level, color=palette.threshold, linewidth=1.2, dashes=(5, 3))
    axes.set_ylim(-0.03, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
    axes.grid(axis="y", color=palette.grid, linewidth=0.7)
    axes.set_axisbelow(True)


def _drawn_spans(spans_ms: Sequence[tuple[int, int]], duration_s: float, pixels: int) -> FloatArray:
    """Spans to shade, (n, 2) in seconds; never more than one for each pixel.

    With too many spans to tell apart, each pixel column is shaded over as much of
    its width as there is speech in it: seen from afar, the shade tells the share.
    """
    spans = np.asarray(spans_ms, np.float64).reshape(-1, 2) / 1000
    if len(spans) * 3 <= pixels:
        return spans
    # Speech up to each column's edge, from which follows the speech in each column.
    edges = np.linspace(0, duration_s, pixels + 1)
    lengths = np.concatenate(([0.0], np.cumsum(spans[:, 1] - spans[:, 0])))
    before = np.searchsorted(spans[:, 0], edges, side="right")
    latest = np.maximum(before - 1, 0)
    inside = np.minimum(edges, spans[latest, 1]) - spans[latest, 0]
    speech = np.where(before > 0, lengths[latest] + inside, 0.0)
    columns = np.column_stack((edges[:-1], edges[:-1] + np.diff(speech)))
    return columns[np.diff(speech) > 0]


def _shade(
    axes: Axes, spans_ms: Sequence[tuple[int, int]], pixels: int, colour: str, alpha: float
) -> None:
    if not spans_ms:
        return
    spans = _drawn_spans(spans_ms, axes.get_xlim()[1], pixels)
    across = axes.get_xaxis_transform()
    shade = PathPatch(_boxes(spans), transform=across, facecolor=colour, alpha=alpha)
    shade.set_linewidth(0)
    axes.add_artist(shade)


def _mark_edges(axes: Axes, segments: Sequence[Segment], pixels: int, palette: Palette) -> None:
    across = axes.get_xaxis_transform()
    if segments and len(segments) * _MIN_EDGE_PIXELS * 2 < pixels:
        edges = [ms / 1000 for s in segments for ms in (s.start_ms, s.end_ms)]
        axes.vlines(edges, 0, 1, transform=across, colors=palette.edge, linewidth=0.8, alpha=0.6)
    cut = [s.end_ms / 1000 for s in segments if s.end_reason is EndReason.MAX_LENGTH]
    if cut:
        axes.vlines(cut, 0, 1, transform=across, colors=palette.cut, linewidth=1.4)


def _boxes(spans: FloatArray) -> Outline:
    """One outline of many boxes that reach over the whole height (0 to 1)."""
    corners: FloatArray = np.empty((len(spans), 5, 2))
    corners[:, :, 0] = spans[:, [0, 0, 1, 1, 0]]
    corners[:, :, 1] = [0, 1, 1, 0, 0]
    step = [Outline.MOVETO, *[Outline.LINETO] * 3, Outline.CLOSEPOLY]
    return Outline(corners.reshape(-1, 2), step * len(spans))


def _number(axes: Axes, segments: Sequence[Segment], pixel_s: float, palette: Palette) -> None:
    """Write each segment's number at its start where there is room for all of them."""
    lengths = [segment.duration_ms / 1000 / pixel_s for segment in segments]
    if not lengths or sorted(lengths)[len(lengths) // 4] < _MIN_NUMBER_PIXELS:
        return
    for number, (segment, length) in enumerate(zip(segments, lengths, strict=True), 1):
        if length >= _MIN_NUMBER_PIXELS:
            axes.annotate(
                str(number),
                (segment.start_ms / 1000, 1),
                xycoords=axes.get_xaxis_transform(),
                xytext=(4, -3),
                textcoords="offset points",
                va="top",
                fontsize=10.5,
                color=palette.edge,
            )
