"""The measurements as Markdown and as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MB = 1_000_000


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
            f"| {subject['label']} | {subject['load_s']['median']:.1f} s "
            f"| {total['median']:.2f} s ({total['minimum']:.2f} to {total['maximum']:.2f}) "
            f"| {_stages(subject)} "
            f"| {total['median'] / measured['duration_s']:.5f} "
            f"| {subject['times_faster']:.1f} "
            f"| {subject['peak_rss_bytes']['median'] / _MB:.0f} MB "
            f"| {subject['same_segments']:.1%} of {subject['segments']} "
            f"| {subject['near_segments']:.1%} |"
        )
    lines += [
        "",
        "| `fsmn-vad detect --engine onnx`, whole process | time | peak RSS |",
        "|---|---|---|",
    ]
    lines += [
        f"| {_length(row['duration_s'])} | {row['wall_s']:.2f} s "
        f"| {row['peak_rss_bytes'] / _MB:.0f} MB |"
        for row in measured["growth"]
    ]
    retune, short = measured["retune_1_h_s"], measured["command_5_s"]["wall_s"]
    page, int8 = measured["page_uss_bytes"], measured["int8"]
    both_mb = (page["page"] + page["engine"]) / _MB
    lines += [
        "",
        "Decoding and scoring overlap. "
        f"Deciding again over 1 h of kept probabilities, one option moved: "
        f"{retune['median'] * 1000:.1f} ms "
        f"({retune['minimum'] * 1000:.1f} to {retune['maximum'] * 1000:.1f}). "
        f"A 5 s file through the whole command: {short['median']:.2f} s. "
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
    """Draw speed and memory of all subjects side by side, as PNG, SVG or PDF."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    every = measured["subjects"][::-1]
    labels = [subject["label"] for subject in every]
    figure = Figure(figsize=(10, 1.2 + 0.4 * len(every)), layout="constrained")
    FigureCanvasAgg(figure)
    speed, memory = figure.subplots(1, 2, sharey=True)
    totals = [subject["total_s"]["median"] for subject in every]
    speed.barh(labels, totals, color="#0f766e")
    speed.set_xlabel(f"seconds for {measured['duration_s'] / 3600:g} h of audio")
    rss = [subject["peak_rss_bytes"]["median"] / _MB for subject in every]
    memory.barh(labels, rss, color="#4f6bd8")
    memory.set_xlabel("peak RSS, MB")
    for axes, values, form in ((speed, totals, "{:.1f}"), (memory, rss, "{:.0f}")):
        axes.bar_label(axes.containers[0], [form.format(value) for value in values], padding=3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.15)
    figure.savefig(path, dpi=150)


def _stages(subject: dict[str, Any]) -> str:
    if "decode_s" not in subject:
        return ""
    times = (subject[f"{stage}_s"]["median"] for stage in ("decode", "score", "endpoint"))
    return " / ".join(f"{time_s:.2f}" for time_s in times) + " s"


def _length(duration_s: float) -> str:
    return f"{duration_s / 3600:g} h" if duration_s >= 3600 else f"{duration_s / 60:g} min"
