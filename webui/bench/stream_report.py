"""The measurements of live streams as Markdown."""

from __future__ import annotations

from typing import Any

from webui.bench.chunks import CHUNKS_MS
from webui.bench.texts import TEXTS, label_text, spread_text

_MB = 1_000_000


def markdown(measured: dict[str, Any], language: str = "en") -> str:
    """Write the tables.

    Args:
        measured: as `webui.bench.streaming.run` returns it.
        language: "en" or "zh".
    """
    texts = TEXTS[language]
    first = measured["subjects"][0]
    is_absent = first["engine"] != "automodel"
    reference = first["label"] if is_absent else "FunASR"
    rows = [
        _row(subject, str(chunk_ms), language)
        for chunk_ms in CHUNKS_MS
        for subject in measured["subjects"]
    ]
    crowd = [
        f"| {row['count']} | {row['median_s'] * 1000:.2f} ms | {row['percentile_95_s'] * 1000:.2f} "
        f"ms | {row['maximum_s'] * 1000:.1f} ms | {row['processors']:.2f} |"
        for row in measured["crowd"]["streams"]
    ]
    return "\n".join(
        [
            texts["stream_machine"].format(rounds=measured["rounds"], **measured["machine"]),
            "",
            *([texts["absent"].format(reference=reference), ""] if is_absent else []),
            *(texts["stream_head"].format(reference=reference), "|---" * 7 + "|", *rows, ""),
            *(texts["stream_delays"], "", *_memory(measured, language), ""),
            *(texts["stream_crowd_head"], "|---" * 5 + "|", *crowd, ""),
            *(texts["stream_most"].format(most=measured["crowd"]["most"]), ""),
        ]
    )


def _row(subject: dict[str, Any], chunk_ms: str, language: str) -> str:
    row = subject["chunks"][chunk_ms]
    cells = (
        f"{chunk_ms} ms",
        label_text(subject["label"], language),
        spread_text(row["chunk_s"], ".2f", "ms", language, 0.001),
        f"{row['percentile_95_s']['median'] * 1000:.2f} ms",
        f"{row['times_faster']:.1f}",
        *(_delay(row.get(f"speech_{edge}_delay_ms")) for edge in ("start", "end")),
    )
    return f"| {' | '.join(cells)} |"


def _delay(delay_ms: dict[str, float] | None) -> str:
    return f"{delay_ms['median']:.0f} / {delay_ms['maximum']:.0f} ms" if delay_ms else ""


def _memory(measured: dict[str, Any], language: str) -> list[str]:
    soak = measured["soak"]
    sizes = next(each["state_bytes"] for each in measured["subjects"] if each["state_bytes"])
    return [
        TEXTS[language]["stream_memory"].format(
            hours=f"{soak['hours']:g}",
            first=f"{soak['first_h']:g}",
            wall_min=f"{soak['wall_s'] / 60:.1f}",
            engine_growth=f"{soak['engine_growth_bytes'] / _MB:.2f}",
            page_growth=f"{soak['page_growth_bytes'] / _MB:.2f}",
            page_swing=f"{soak['page_swing_bytes'] / _MB:.1f}",
            engine=f"{soak['engine_bytes'] / _MB:.0f}",
            page=f"{soak['page_bytes'] / _MB:.0f}",
            state=", ".join(f"{size / 1000:.1f} kB ({form})" for form, size in sizes.items()),
        )
    ]
