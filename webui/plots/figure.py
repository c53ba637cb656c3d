"""A result as one figure: for each track its waveform and speech probability on one time axis.

No pyplot: figures belong to the caller, and nothing is kept between calls.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from webui.formats import Outcome
from webui.plots.axis import clock, tick_step_s
from webui.plots.fonts import chinese_family
from webui.plots.lanes import draw_kept, draw_track
from webui.plots.palette import PRINT, Palette
from webui.vad.segment import EndReason
from webui.vad.timebase import FRAME_HOP_MS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 72  # one point is one pixel, and one unit of an SVG
_EXPORT_DPI = 144
LEFT_PX, RIGHT_PX = 40, 10  # beside the lanes
_BOTTOM, _GAP, _TRACK_GAP = 24, 8, 18  # pixels below the lanes, between them and between tracks
_TITLE = 48  # pixels above the lanes of an exported figure
_WAVE_SHARE = 0.48
_TRACK_PX = 328  # height of a track's two lanes
_KEPT_PX = 14  # height of the lane of other options between them
_TEXTS = {
    "en": {
        "waveform": "waveform",
        "probability": "speech probability",
        "segment": "speech segment",
        "threshold": "threshold {level}",
        "overlap": "both speak",
        "by_hand": "by hand",
        "cut": "cut at the longest length",
        "kept": "segments of A",
        "title": "{file}: {tracks} of {duration}",
        "track": "{channel}{count} segments, {speech}",
        "left": "left",
        "right": "right",
        "space": " ",
        "and": "; ",
        "list": ", ",
    },
    "zh": {
        "waveform": "波形",
        "probability": "语音概率",
        "segment": "语音片段",
        "threshold": "阈值 {level}",
        "overlap": "同时说话",
        "by_hand": "人工标注",
        "cut": "在最大时长处切断",
        "kept": "A 的片段",
        "title": "{file}：{tracks} / 共 {duration}",
        "track": "{channel}{count} 个片段，语音 {speech}",
        "left": "左声道",
        "right": "右声道",
        "space": " ",
        "and": "；",
        "list": "、",
    },
}
# Matplotlib's settings are global, and reading them while another thread has
# changed them for a moment would mix two figures' styles.
_style_lock = threading.Lock()


def encode(figure: Figure, file_format: str) -> bytes:
    """Return a figure as the bytes of a file in "svg", "png" or "pdf"."""
    if file_format == "svg":
        return _svg(figure).encode()
    stream = io.BytesIO()
    with _style_lock, matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(stream, format=file_format, dpi=_EXPORT_DPI)
    return stream.getvalue()


def draw(
    outcome: Outcome,
    *,
    kept: Outcome | None = None,
    width_px: int = 1200,
    height_px: int | None = None,
    language: str = "en",
    palette: Palette = PRINT,
    with_words: bool = True,
) -> Figure:
    """Draw a recording: of each track the waveform above, speech probability below it.

    Segments are shaded through both, and where both channels speak through all.

    Args:
        outcome: of the recording.
        kept: of the same tracks with other options, "A"; its segments get a lane of their own.
        width_px: width, at 72 pixels an inch.
        height_px: height; None gives every track the same room.
        language: of the words; Chinese needs a font that has it, else English is used.
        palette: colours.
        with_words: add a title, a legend and the names of the channels.
    """
    count = len(outcome.results)
    top = _TITLE if with_words else 4
    if height_px is None:
        track_px = _TRACK_PX + (_KEPT_PX + _GAP if kept else 0)
        height_px = top + count * track_px + (count - 1) * _TRACK_GAP + _BOTTOM
    figure = Figure(figsize=(width_px / _DPI, height_px / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.patch.set_visible(palette.ground is not None)
    if palette.ground:
        figure.patch.set_facecolor(palette.ground)
    duration_s = max(outcome.audio.duration_ms, FRAME_HOP_MS) / 1000
    pixels = width_px - LEFT_PX - RIGHT_PX
    lanes = [
        [_lane(figure, box, duration_s, palette) for box in boxes]
        for boxes in _boxes(height_px, top, count, with_kept=kept is not None)
    ]
    for track, result in enumerate(outcome.results):
        wave, *between, probability = lanes[track]
        draw_track(wave, probability, result, outcome.overlap, pixels, palette)
        if kept:
            draw_kept(between[0], kept.results[track].segments, pixels, palette)
    _mark_time([axes for track in lanes for axes in track], duration_s, pixels, palette)
    if with_words:
        words = _Words(figure, outcome, language, palette)
        words.write([track[0] for track in lanes], [track[1] for track in lanes] if kept else [])
    return figure


def _boxes(
    height_px: int, top: int, tracks: int, *, with_kept: bool
) -> Iterator[list[tuple[int, int]]]:
    """Where the lanes of each track lie, from above: bottom and height in pixels."""
    room = height_px - top - _BOTTOM - (tracks - 1) * _TRACK_GAP
    for track in range(tracks):
        ceiling = height_px - top - track * _TRACK_GAP - room * track // tracks
        floor = height_px - top - track * _TRACK_GAP - room * (track + 1) // tracks
        between_px = _GAP + (_KEPT_PX + _GAP if with_kept else 0)
        wave_px = round((ceiling - floor - between_px) * _WAVE_SHARE)
        wave = ceiling - wave_px
        own = [(wave - _GAP - _KEPT_PX, _KEPT_PX)] if with_kept else []
        yield [(wave, wave_px), *own, (floor, wave - between_px - floor)]


def _lane(figure: Figure, box: tuple[int, int], duration_s: float, palette: Palette) -> Axes:
    width_px, height_px = figure.get_size_inches() * _DPI
    left, width = LEFT_PX / width_px, (width_px - LEFT_PX - RIGHT_PX) / width_px
    axes = figure.add_axes((left, box[0] / height_px, width, box[1] / height_px))
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(palette.grid)
    axes.tick_params(length=0, labelsize=11, labelcolor=palette.ink, color=palette.grid, pad=5)
    axes.margins(0)
    axes.set_xlim(0, duration_s)
    return axes


def _mark_time(lanes: list[Axes], duration_s: float, pixels: int, palette: Palette) -> None:
    """Mark the time in all lanes; the last one carries the labels."""
    step = tick_step_s(duration_s, pixels)
    ticks = np.arange(0, duration_s + step * 1e-6, step)
    for axes in lanes:
        axes.set_xticks(ticks, [""] * len(ticks))
        axes.grid(axis="x", color=palette.grid, linewidth=0.7)
        axes.set_axisbelow(True)
    lowest = lanes[-1]
    lowest.set_xticks(ticks, [clock(tick, step, duration_s) for tick in ticks])
    for label, tick in zip(lowest.get_xticklabels(), ticks, strict=True):
        share = tick / duration_s
        label.set_horizontalalignment("left" if share == 0 else "center")
        # A label at the very end would be cut off.
        label.set_visible(bool(share * pixels < pixels - 14 or share == 0))


class _Words:
    """Title, legend and names of channels, in a language that there is a font for."""

    def __init__(self, figure: Figure, outcome: Outcome, language: str, palette: Palette) -> None:
        family = chinese_family()
        self._figure, self._outcome, self._palette = figure, outcome, palette
        self._texts = _TEXTS[language if family and language in _TEXTS else "en"]
        # Without a font for them, such characters would come out as boxes.
        file = outcome.audio.file
        self._file = file if family else file.encode("ascii", "replace").decode()
        families = [family, "DejaVu Sans"] if family else ["DejaVu Sans"]
        self._fonts: dict[str, Any] = {"fontfamily": families, "color": palette.ink}
        self._width, self._height = figure.get_size_inches() * _DPI

    def write(self, waves: list[Axes], kept: list[Axes]) -> None:
        """Write all.

        Args:
            waves: the uppermost lanes of the tracks.
            kept: their lanes of other options; none where there are no such.
        """
        # A dollar sign in a file's name is no formula.
        title = self._title().replace("$", r"\$")
        self._text(LEFT_PX, 17, title, fontsize=13, fontweight="bold")
        self._legend(with_kept=bool(kept))
        for axes in kept:
            self._text(LEFT_PX - 8, self._middle(axes), "A", ha="right", va="center", fontsize=11)
        if not self._outcome.is_apart:
            return
        for wave, result in zip(waves, self._outcome.results, strict=True):
            name = self._texts[result.scores.audio.channel]
            middle = self._middle(wave)
            self._text(20, middle, name, rotation=90, ha="center", va="center", fontsize=11)

    def _middle(self, axes: Axes) -> float:
        box = axes.get_position()
        return float(1 - box.y0 - box.height / 2) * float(self._height)

    def _text(self, x: float, below_top: float, words: str, **style: Any) -> None:
        y = 1 - below_top / self._height
        self._figure.text(x / self._width, y, words, **{**self._fonts, **style})

    def _title(self) -> str:
        texts = self._texts
        duration_s = self._outcome.audio.duration_ms / 1000
        tracks = []
        for result in self._outcome.results:
            name = result.scores.audio.channel if self._outcome.is_apart else ""
            speech_s = sum(segment.duration_ms for segment in result.segments) / 1000
            tracks.append(
                texts["track"].format(
                    channel=texts[name] + texts["space"] if name else "",
                    count=len(result.segments),
                    speech=clock(speech_s, longest_s=duration_s),
                )
            )
        told = texts["and"].join(tracks)
        return texts["title"].format(file=self._file, tracks=told, duration=clock(duration_s))

    def _level(self) -> str:
        """The threshold, of each channel where they differ."""
        results = self._outcome.results
        levels = [f"{result.options.speech_probability:.0%}" for result in results]
        if len(set(levels)) == 1:
            return levels[0]
        names = [self._texts[result.scores.audio.channel] for result in results]
        return self._texts["list"].join(map(" ".join, zip(names, levels, strict=True)))

    def _legend(self, *, with_kept: bool) -> None:
        outcome, palette = self._outcome, self._palette
        entries = {
            "waveform": palette.wave,
            "segment": palette.segment,
            "probability": palette.probability,
            "threshold": palette.threshold,
        }
        if any(s.end_reason is EndReason.MAX_LENGTH for _, s in outcome.segments):
            entries["cut"] = palette.cut
        if outcome.overlap:
            entries["overlap"] = palette.overlap
        if outcome.is_edited:
            entries["by_hand"] = palette.by_hand
        if with_kept:
            entries["kept"] = palette.kept
        level = self._level()
        x: float = LEFT_PX
        for name, colour in entries.items():
            words = self._texts[name].format(level=level)
            self._text(x, 37, "■", color=colour, fontsize=10, fontfamily=["DejaVu Sans"])
            self._text(x + 14, 37, words, fontsize=11)
            # Chinese characters are about twice as wide.
            x += 34 + sum(12 if ord(letter) > 0x2E80 else 6.4 for letter in words)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "fsmn-vad"}
    with _style_lock, matplotlib.rc_context(style):
        figure.savefig(stream, format="svg", dpi=_DPI, metadata={"Date": None})
    return stream.getvalue()
