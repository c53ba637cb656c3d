"""The table of ``bench --memory``: each figure beside what it must reach."""

from __future__ import annotations

from typing import Any

import pytest

from webui.bench import footprint

MB = 1_000_000
MEASURED: dict[str, Any] = {
    "machine": {"cores": 2},
    "version": "1",
    "hours": 1.0,
    "page_and_engine_peak_bytes": 210 * MB,
    "peak_rss_bytes": 283 * MB,
    "command_peak_bytes": 117 * MB,
    "page_after_unload_bytes": 125 * MB,
    "page_rss_after_unload_bytes": 161 * MB,
    "given_back_engine": "funasr",
    "given_back_of_bytes": 575 * MB,
    "given_back_share": 1.0,
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_stands_beside_what_it_must_reach(language: str) -> None:
    rows = footprint.markdown(MEASURED, language).splitlines()[4:]
    assert [row.split("|")[2].strip() for row in rows] == [
        *("210 MB", "283 MB", "117 MB", "125 MB", "161 MB", "100 %"),
    ]
    assert "350 MB" in rows[0] and "575 MB" in rows[5] and "98 %" in rows[5]


def test_what_is_missed_is_named() -> None:
    assert footprint.missed(MEASURED) == []
    worse = {**MEASURED, "command_peak_bytes": 131 * MB, "given_back_share": 0.97}
    assert footprint.missed(worse) == ["command_peak_bytes", "given_back_share"]
