"""The measurements as Markdown and as a figure."""

from __future__ import annotations

from typing import Any, BinaryIO

from webui.bench.texts import TEXTS, label_text, spread_text

_MB = 1_000_000
# Key, divisor, text of the label and colour of what the figure shows.
_MEASURES = {
    "subjects": (
        ("total_s", 1, "axis_subjects", "#0f766e"),
        ("peak_rss_bytes", _MB, "axis_memory", "#4f6bd8"),
    ),
    "growth": (
        ("wall_s", 1, "axis_time", "#0f766e"),
        ("peak_rss_bytes", _MB, "axis_memory", "#4f6bd8"),
    ),
}


def markdown(measured: dict[str, Any], language: str = "en") -> str:
    """Write the tables that the README shows.

    Args:
        measured: as `webui.bench.run.run` returns it.
        language: "en" or "zh".
    """
    texts = TEXTS[language]
    first = measured["subjects"][0]
    is_absent = first["engine"] != "automodel"
    reference = first["label"] if is_absent else "FunASR"
    hours = f"{measured['duration_s'] / 3600:g}"
    machine = texts["machine"].format(hours=hours, rounds=measured["rounds"], **measured["machine"])
    rows = [_row(subject, measured["duration_s"], language) for subject in measured["subjects"]]
    growth = [
        f"| {_length(row['duration_s'])} | {spread_text(row['wall_s'], '.2f', 's', language)} "
        f"| {spread_text(row['peak_rss_bytes'], '.0f', 'MB', language, _MB)} |"
        for row in _commands(measured)
    ]
    return "\n".join(
        [
            *(machine, ""),
            *([texts["absent"].format(reference=reference), ""] if is_absent else []),
            *(texts["head"].format(reference=reference), "|---" * 9 + "|", *rows, ""),
            f"| {texts['whole']} | {texts['time']} | {texts['peak']} |",
            *("|---" * 3 + "|", *growth, "", *_findings(measured, language), ""),
        ]
    )


def _row(subject: dict[str, Any], duration_s: float, language: str) -> str:
    total = subject["total_s"]
    same = TEXTS[language]["share"].format(
        share=f"{subject['same_segments']:.1%}", count=subject["segments"]
    )
    cells = (
        label_text(subject["label"], language),
        spread_text(subject["load_s"], ".1f", "s", language),
        spread_text(total, ".2f", "s", language),
        _stages(subject),
        f"{total['median'] / duration_s:.5f}",
        f"{subject['times_faster']:.1f}",
        spread_text(subject["peak_rss_bytes"], ".0f", "MB", language, _MB),
        same,
        f"{subject['near_segments']:.1%}",
    )
    return f"| {' | '.join(cells)} |"


def _findings(measured: dict[str, Any], language: str) -> tuple[str, str, str]:
    """What is said below the tables: two paragraphs and what parts them."""
    texts = TEXTS[language]
    retuned, page, int8 = (measured[key] for key in ("retune_1_h_s", "page_uss_bytes", "int8"))
    return (
        texts["retuned"].format(
            count=len(retuned["changes"]),
            spread=spread_text(retuned, ".1f", "ms", language, 0.001),
            slowest=retuned["slowest"],
            both=f"{(page['page'] + page['engine']) / _MB:.0f}",
            page=f"{page['page'] / _MB:.0f}",
            engine=f"{page['engine'] / _MB:.0f}",
        ),
        "",
        texts["int8"].format(
            mean=f"{int8['mean']:.4f}",
            percentile=f"{int8['percentile_99']:.3f}",
            largest=f"{int8['largest']:.2f}",
            otherwise=f"{int8['decided_otherwise']:.2%}",
            int8=f"{int8['bytes']['int8'] / 1000:.0f}",
            fp32=f"{int8['bytes']['fp32'] / 1000:.0f}",
        ),
    )


def save_figure(measured: dict[str, Any], stream: BinaryIO, language: str = "en") -> None:
    """Draw speed and memory of all subjects, and how they grow, as PNG.

    Bars and points are medians, lines on them reach from the smallest to the largest value.

    Args:
        measured: as `webui.bench.run.run` returns it.
        stream: where the picture is written.
        language: of the words; Chinese needs a font that has it, else English is used.
    """
    import matplotlib

    from webui.plots.fonts import chinese_family

    family = chinese_family() if language == "zh" else None
    with matplotlib.rc_context({"font.family": [family, "DejaVu Sans"]} if family else {}):
        _figure(measured, language if family else "en").savefig(stream, dpi=150, format="png")


def _figure(measured: dict[str, Any], language: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    texts = TEXTS[language]
    every = measured["subjects"][::-1]
    figure = Figure(figsize=(10, 4.8 + 0.45 * len(every)), layout="constrained")
    FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.2 + 0.45 * len(every), 3.6))
    above, below = parts
    hours = f"{measured['duration_s'] / 3600:g}"
    _bars(above.subplots(1, 2, sharey=True), every, hours, language)
    below.suptitle(texts["axis_whole"], fontsize="medium")
    rows = _commands(measured)
    durations_s = [row["duration_s"] for row in rows]
    for axes, (key, scale, label, colour) in zip(
        below.subplots(1, 2), _MEASURES["growth"], strict=True
    ):
        medians, errors = _with_errors([row[key] for row in rows], scale)
        axes.errorbar(durations_s, medians, errors, color=colour, marker="o", capsize=3)
        axes.set(xscale="log", xlabel=texts["axis_length"], ylabel=texts[label])
        axes.minorticks_off()
        axes.set_xticks(durations_s, [_length(duration_s) for duration_s in durations_s])
        highest = max(row[key]["maximum"] for row in rows) / scale
        axes.set_ylim(0, 1.1 * highest)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _bars(panels: Any, every: list[dict[str, Any]], hours: str, language: str) -> None:
    labels = [label_text(subject["label"], language) for subject in every]
    for axes, (key, scale, label, colour) in zip(panels, _MEASURES["subjects"], strict=True):
        medians, errors = _with_errors([subject[key] for subject in every], scale)
        bars = axes.barh(labels, medians, xerr=errors, color=colour, ecolor="#1f2937", capsize=3)
        axes.set_xlabel(TEXTS[language][label].format(hours=hours))
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


def _length(duration_s: float) -> str:
    for size_s, unit in ((3600, "h"), (60, "min")):
        if duration_s >= size_s:
            return f"{duration_s / size_s:g} {unit}"
    return f"{duration_s:g} s"
