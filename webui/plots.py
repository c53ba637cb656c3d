"""Matplotlib figures of a result: waveform and speech probability on one time axis.

No pyplot: figures belong to the caller, and nothing is kept between calls. The
work depends on the width in pixels, not on the duration: three seconds and three
hours are drawn from the same number of points.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path as Outline

from webui.vad.options import VadOptions
from webui.vad.segment import EndReason, Segment
from webui.vad.timebase import FRAME_HOP_MS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from webui.vad.scores import SpeechScores

FloatArray = npt.NDArray[np.float64]

_DPI = 72  # one point is one pixel, and one unit of an SVG
_EXPORT_DPI = 144
LEFT_PX, RIGHT_PX = 40, 10  # beside the lanes
_BOTTOM, _GAP = 24, 8  # pixels below and between the lanes
_TITLE = 48  # pixels above the lanes of an exported figure
_WAVE_SHARE = 0.48
_TICK_STEPS_S = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400),
)
_PIXELS_PER_TICK = 84
_MIN_EDGE_PIXELS = 9  # closer together, edges and numbers are clutter
_MIN_NUMBER_PIXELS = 20
_CJK_FAMILIES = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("PingFang SC", "Hiragino Sans GB", "Heiti SC", "Microsoft YaHei", "SimHei", "DengXian"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Serif CJK SC", "Droid Sans Fallback"),
)
_TEXTS = {
    "en": {
        "waveform": "waveform",
        "probability": "speech probability",
        "segment": "speech segment",
        "threshold": "threshold {level}",
        "title": "{file}: {count} segments, {speech} of {duration}",
    },
    "zh": {
        "waveform": "波形",
        "probability": "语音概率",
        "segment": "语音片段",
        "threshold": "阈值 {level}",
        "title": "{file}：{count} 个片段，语音 {speech} / 共 {duration}",
    },
}
# Matplotlib's settings are global, and reading them while another thread has
# changed them for a moment would mix two figures' styles.
_style_lock = threading.Lock()


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


PRINT = Palette()


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


def encode(figure: Figure, file_format: str) -> bytes:
    """Return a figure as the bytes of a file in "svg", "png" or "pdf"."""
    if file_format == "svg":
        return _svg(figure).encode()
    stream = io.BytesIO()
    with _style_lock, matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(stream, format=file_format, dpi=_EXPORT_DPI)
    return stream.getvalue()


def draw(
    scores: SpeechScores,
    segments: Sequence[Segment],
    options: VadOptions,
    *,
    width_px: int = 1200,
    height_px: int = 400,
    language: str = "en",
    palette: Palette = PRINT,
    with_words: bool = True,
) -> Figure:
    """Draw a result: waveform above, speech probability below, segments through both.

    Args:
        scores: of the recording.
        segments: to shade, in order of time.
        options: that gave the segments.
        width_px: width, at 72 pixels an inch.
        height_px: height.
        language: of the words; Chinese needs a font that has it, else English is used.
        palette: colours.
        with_words: add a title and a legend.
    """
    figure = Figure(figsize=(width_px / _DPI, height_px / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.patch.set_visible(palette.ground is not None)
    if palette.ground:
        figure.patch.set_facecolor(palette.ground)
    top = _TITLE if with_words else 4
    wave, probability = _lanes(figure, width_px, height_px, top, palette)
    duration_s = max(scores.duration_ms, FRAME_HOP_MS) / 1000
    pixels = width_px - LEFT_PX - RIGHT_PX
    for axes in (wave, probability):
        axes.set_xlim(0, duration_s)
        _shade(axes, segments, pixels, palette)
    _number(wave, segments, duration_s / pixels, palette)
    _draw_wave(wave, scores, segments, pixels, palette)
    _draw_probability(probability, scores, options, pixels, palette)
    _mark_time(wave, probability, duration_s, pixels, palette)
    if with_words:
        _add_words(figure, scores, segments, options, language, palette)
    return figure


def _lanes(
    figure: Figure, width_px: int, height_px: int, top: int, palette: Palette
) -> tuple[Axes, Axes]:
    inner = height_px - top - _BOTTOM - _GAP
    wave_px = round(inner * _WAVE_SHARE)
    left, width = LEFT_PX / width_px, (width_px - LEFT_PX - RIGHT_PX) / width_px
    bottom_px = _BOTTOM + inner - wave_px + _GAP
    wave = figure.add_axes((left, bottom_px / height_px, width, wave_px / height_px))
    below = (left, _BOTTOM / height_px, width, (inner - wave_px) / height_px)
    probability = figure.add_axes(below)
    for axes in (wave, probability):
        axes.set_facecolor("none")
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(palette.grid)
        axes.tick_params(length=0, labelsize=11, labelcolor=palette.ink, color=palette.grid, pad=5)
        axes.margins(0)
    return wave, probability


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
            spans = _drawn_spans(segments, axes.get_xlim()[1], pixels)
            wave.set_clip_path(_boxes(spans), axes.get_xaxis_transform())


def _draw_probability(
    axes: Axes, scores: SpeechScores, options: VadOptions, pixels: int, palette: Palette
) -> None:
    probabilities = scores.probabilities
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
    level = options.speech_probability
    axes.axhline(level, color=palette.threshold, linewidth=1.2, dashes=(5, 3))
    axes.set_ylim(-0.03, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
    axes.grid(axis="y", color=palette.grid, linewidth=0.7)
    axes.set_axisbelow(True)


def _drawn_spans(segments: Sequence[Segment], duration_s: float, pixels: int) -> FloatArray:
    """Spans to shade, (n, 2) in seconds; never more than one for each pixel.

    With too many segments to tell apart, each pixel column is shaded over as much of
    its width as there is speech in it: seen from afar, the shade tells the share.
    """
    spans = np.asarray([(s.start_ms, s.end_ms) for s in segments], np.float64) / 1000
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


def _shade(axes: Axes, segments: Sequence[Segment], pixels: int, palette: Palette) -> None:
    if not segments:
        return
    across = axes.get_xaxis_transform()
    spans = _drawn_spans(segments, axes.get_xlim()[1], pixels)
    shade = PathPatch(_boxes(spans), transform=across, facecolor=palette.segment, alpha=0.14)
    shade.set_linewidth(0)
    axes.add_artist(shade)
    if len(segments) * _MIN_EDGE_PIXELS * 2 < pixels:
        axes.vlines(
            spans.ravel(), 0, 1, transform=across, colors=palette.edge, linewidth=0.8, alpha=0.6
        )
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


def _mark_time(
    wave: Axes, probability: Axes, duration_s: float, pixels: int, palette: Palette
) -> None:
    step = tick_step_s(duration_s, pixels)
    ticks = np.arange(0, duration_s + step * 1e-6, step)
    labels = [clock(tick, step, duration_s) for tick in ticks]
    wave.set_xticks(ticks, [""] * len(ticks))
    probability.set_xticks(ticks, labels)
    for label, tick in zip(probability.get_xticklabels(), ticks, strict=True):
        share = tick / duration_s
        label.set_horizontalalignment("left" if share == 0 else "center")
        # A label at the very end would be cut off.
        label.set_visible(bool(share * pixels < pixels - 14 or share == 0))
    for axes in (wave, probability):
        axes.grid(axis="x", color=palette.grid, linewidth=0.7)
        axes.set_axisbelow(True)


def _add_words(
    figure: Figure,
    scores: SpeechScores,
    segments: Sequence[Segment],
    options: VadOptions,
    language: str,
    palette: Palette,
) -> None:
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    family = next((name for name in _CJK_FAMILIES if name in installed), None)
    texts = _TEXTS[language if family and language in _TEXTS else "en"]
    file = scores.audio.file
    fonts: dict[str, Any] = {"fontfamily": [family, "DejaVu Sans"] if family else ["DejaVu Sans"]}
    if not family:
        # Without a font for them, such characters would come out as boxes.
        file = file.encode("ascii", "replace").decode()
    duration_s = scores.duration_ms / 1000
    speech_s = sum(segment.duration_ms for segment in segments) / 1000
    title = texts["title"].format(
        file=file,
        count=len(segments),
        speech=clock(speech_s, longest_s=duration_s),
        duration=clock(duration_s),
    )
    width, height = figure.get_size_inches() * _DPI
    x = LEFT_PX / width
    # A dollar sign in a file's name is no formula.
    title = title.replace("$", r"\$")
    figure.text(
        x, 1 - 17 / height, title, fontsize=13, color=palette.ink, fontweight="bold", **fonts
    )
    level = f"{options.speech_probability:.0%}"
    for name in ("waveform", "segment", "probability", "threshold"):
        words = texts[name].format(level=level)
        colour = palette.wave if name == "waveform" else getattr(palette, name)
        y = 1 - 37 / height
        figure.text(x, y, "■", color=colour, fontsize=10, fontfamily=["DejaVu Sans"])
        figure.text(x + 14 / width, y, words, color=palette.ink, fontsize=11, **fonts)
        # Chinese characters are about twice as wide.
        x += (34 + sum(12 if ord(letter) > 0x2E80 else 6.4 for letter in words)) / width


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "fsmn-vad"}
    with _style_lock, matplotlib.rc_context(style):
        figure.savefig(stream, format="svg", dpi=_DPI, metadata={"Date": None})
    return stream.getvalue()
