"""The measurements as Markdown and as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MB = 1_000_000
# Key, divisor, label and colour of what the figure shows.
_MEASURES = {
    "subjects": (
        ("total_s", 1, "seconds for {hours} of audio", "#0f766e"),
        ("peak_rss_bytes", _MB, "peak RSS, MB", "#4f6bd8"),
    ),
    "growth": (
        ("wall_s", 1, "seconds", "#0f766e"),
        ("peak_rss_bytes", _MB, "peak RSS, MB", "#4f6bd8"),
    ),
}


def markdown(measured: dict[str, Any]) -> str:
    """Write the tables that the README shows.

    Args:
        measured: as `webui.bench.run.run` returns it.
    """
    machine = measured["machine"]
    hours = measured["duration_s"] / 3600
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; {hours:g} h of 16 kHz WAV; "
        f"medians of {measured['rounds']} runs, each in a fresh process.",
        "",
        "| | import and load | file -> segments | of it: decode / score / endpoint "
        "| real-time factor | times FunASR's speed | peak RSS | same segments | within 50 ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for subject in measured["subjects"]:
        total = subject["total_s"]
        lines.append(
            f"| {subject['label']} | {_spread(subject['load_s'], '.1f', 's')} "
            f"| {_spread(total, '.2f', 's')} "
            f"| {_stages(subject)} "
            f"| {total['median'] / measured['duration_s']:.5f} "
            f"| {subject['times_faster']:.1f} "
            f"| {_spread(subject['peak_rss_bytes'], '.0f', 'MB', _MB)} "
            f"| {subject['same_segments']:.1%} of {subject['segments']} "
            f"| {subject['near_segments']:.1%} |"
        )
    lines += [
        "",
        "| `fsmn-vad detect --engine onnx`, whole process | time | peak RSS |",
        "|---|---|---|",
    ]
    lines += [
        f"| {_length(row['duration_s'])} | {_spread(row['wall_s'], '.2f', 's')} "
        f"| {_spread(row['peak_rss_bytes'], '.0f', 'MB', _MB)} |"
        for row in _commands(measured)
    ]
    retuned = measured["retune_1_h_s"]
    page, int8 = measured["page_uss_bytes"], measured["int8"]
    both_mb = (page["page"] + page["engine"]) / _MB
    lines += [
        "",
        "Decoding and scoring overlap. "
        f"Deciding again over 1 h of kept probabilities, {len(retuned['changes'])} changes of the "
        f"options: {_spread(retuned, '.1f', 'ms', 0.001)}; slowest: `{retuned['slowest']}`. "
        f"Page and onnx engine after the long recording: {both_mb:.0f} MB USS "
        f"({page['page'] / _MB:.0f} + {page['engine'] / _MB:.0f}).",
        "",
        f"8-bit against exact scores: P(speech) differs by {int8['mean']:.4f} on average, "
        f"{int8['percentile_99']:.3f} at the 99th percentile, {int8['largest']:.2f} at most; "
        f"{int8['decided_otherwise']:.2%} of the frames lie on the other side of the default "
        f"threshold; the graph has {int8['bytes']['int8'] / 1000:.0f} kB instead of "
        f"{int8['bytes']['fp32'] / 1000:.0f} kB.",
        "",
    ]
    return "\n".join(lines)


def save_figure(measured: dict[str, Any], path: Path) -> None:
    """Draw speed and memory of all subjects, and how they grow, as PNG, SVG or PDF.

    Bars and points are medians, lines on them reach from the smallest to the largest value.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    every = measured["subjects"][::-1]
    figure = Figure(figsize=(10, 4.8 + 0.45 * len(every)), layout="constrained")
    FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.2 + 0.45 * len(every), 3.6))
    above, below = parts
    hours = f"{measured['duration_s'] / 3600:g} h"
    _bars(above.subplots(1, 2, sharey=True), every, hours)
    below.suptitle("fsmn-vad detect --engine onnx, whole process", fontsize="medium")
    rows = _commands(measured)
    durations_s = [row["duration_s"] for row in rows]
    for axes, (key, scale, label, colour) in zip(
        below.subplots(1, 2), _MEASURES["growth"], strict=True
    ):
        medians, errors = _with_errors([row[key] for row in rows], scale)
        axes.errorbar(durations_s, medians, errors, color=colour, marker="o", capsize=3)
        axes.set(xscale="log", xlabel="length of the recording", ylabel=label)
        axes.minorticks_off()
        axes.set_xticks(durations_s, [_length(duration_s) for duration_s in durations_s])
        highest = max(row[key]["maximum"] for row in rows) / scale
        axes.set_ylim(0, 1.1 * highest)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def _bars(panels: Any, every: list[dict[str, Any]], hours: str) -> None:
    labels = [subject["label"] for subject in every]
    for axes, (key, scale, label, colour) in zip(panels, _MEASURES["subjects"], strict=True):
        medians, errors = _with_errors([subject[key] for subject in every], scale)
        bars = axes.barh(labels, medians, xerr=errors, color=colour, ecolor="#1f2937", capsize=3)
        axes.set_xlabel(label.format(hours=hours))
        form = "%.1f" if scale == 1 else "%.0f"
        axes.bar_label(bars, fmt=form, padding=4)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.15)


def _with_errors(
    spreads: list[dict[str, float]], scale: float
) -> tuple[list[float], tuple[list[float], list[float]]]:
    """Medians, and how far the smallest and the largest values are from them."""
    medians = [spread["median"] / scale for spread in spreads]
    less = [(spread["median"] - spread["minimum"]) / scale for spread in spreads]
    more = [(spread["maximum"] - spread["median"]) / scale for spread in spreads]
    return medians, (less, more)


def _commands(measured: dict[str, Any]) -> list[dict[str, Any]]:
    """What the whole command took, by rising length of the recording."""
    rows = [{"duration_s": 5, **measured["command_5_s"]}, *measured["growth"]]
    return sorted(rows, key=lambda row: float(row["duration_s"]))


def _stages(subject: dict[str, Any]) -> str:
    if "decode_s" not in subject:
        return ""
    times = (subject[f"{stage}_s"]["median"] for stage in ("decode", "score", "endpoint"))
    return " / ".join(f"{time_s:.2f}" for time_s in times) + " s"


def _spread(values: dict[str, Any], form: str, unit: str, scale: float = 1.0) -> str:
    """Median with smallest and largest, in a unit of so many seconds or bytes."""
    median, low, high = (
        format(values[key] / scale, form) for key in ("median", "minimum", "maximum")
    )
    return f"{median} {unit} ({low} to {high})"


def _length(duration_s: float) -> str:
    for size_s, unit in ((3600, "h"), (60, "min")):
        if duration_s >= size_s:
            return f"{duration_s / size_s:g} {unit}"
    return f"{duration_s:g} s"
