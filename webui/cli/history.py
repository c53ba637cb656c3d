"""``fsmn-vad history``: what was run, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
import time
import unicodedata
from collections.abc import Sequence

from webui.cli.terminal import TEXTS, say
from webui.errors import SettingsError
from webui.history import History, Run
from webui.settings import Settings

_MOST = 20
_LONGEST_NAME = 40


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``history``."""
    texts = TEXTS[language]
    parser.description = texts["history_about"]
    parser.add_argument("--search", default="", metavar="TEXT", help=texts["history_search"])
    most = texts["history_limit"].format(most=_MOST)
    parser.add_argument("--limit", type=int, default=_MOST, metavar="N", help=most)
    parser.add_argument("--json", action="store_true", help=texts["history_json"])
    parser.add_argument("--clear", action="store_true", help=texts["history_clear"])


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """List or clear the history; returns the exit code."""
    if chosen.limit < 1:
        raise SettingsError(
            name="--limit",
            reason=f"{chosen.limit} is less than 1",
            reason_zh=f"{chosen.limit} 小于 1",
        )
    history = History.of(settings)
    texts = TEXTS[language]
    if chosen.clear:
        say(texts["history_cleared"].format(count=history.clear()))
        return 0
    runs = history.runs(search=chosen.search, limit=chosen.limit)
    if chosen.json:
        for each in runs:
            print(json.dumps(each.as_dict(), ensure_ascii=False))
    elif runs:
        _print_table([_cells(each) for each in runs], texts["history_columns"].split("|"))
    else:
        key = "history_none_found" if chosen.search else "history_empty"
        say(texts[key] if history.most_runs else texts["history_off"])
    return 0


def _cells(run: Run) -> list[str]:
    minutes, seconds = divmod(round(run.duration_ms / 1000), 60)
    factor = "-" if run.real_time_factor is None else f"{run.real_time_factor:.4f}"
    return [
        time.strftime("%Y-%m-%d %H:%M", time.localtime(run.time_s)),
        run.source,
        _short(run.file),
        f"{minutes}:{seconds:02d}",
        run.engine,
        str(run.segments),
        f"{run.speech_share:.1%}",
        factor,
    ]


def _print_table(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> None:
    lines = [titles, *rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        )
        print("  ".join(padded).rstrip())


def _short(name: str) -> str:
    """Return a name that fits a column and moves no cursor."""
    plain = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in name)
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


def _width(text: str) -> int:
    """Columns that a text takes in a terminal: Chinese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
