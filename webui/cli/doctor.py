"""``fsmn-vad doctor``: what is well here, and what to mend."""

from __future__ import annotations

import argparse
import json
import logging
from typing import TYPE_CHECKING

from webui import __version__
from webui.cli.terminal import TEXTS, show
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.doctor import Finding


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``doctor``."""
    parser.description = TEXTS[language]["doctor_about"]
    parser.add_argument("--json", action="store_true", help=TEXTS[language]["doctor_json"])
    parser.add_argument("--memory", action="store_true", help=TEXTS[language]["doctor_memory"])


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Check this installation; returns 1 if something fails, else 0."""
    log = logging.getLogger("webui.engine")
    level = log.level
    # What it would log of a model that does not load, the report says.
    log.setLevel(logging.ERROR)
    try:
        return _report(chosen, settings, language)
    finally:
        log.setLevel(level)


def _report(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui.doctor import examine, examine_memory, worst

    texts = TEXTS[language]
    if chosen.memory:
        show(texts["doctor_loading"])
        try:
            report = examine_memory(settings)
        finally:
            show("")
        lines = report.pop("lines")
        print(json.dumps(report) if chosen.json else "\n".join(lines[language]))
        return 0
    findings = []
    under_way = ""

    def begin(check: str) -> None:
        nonlocal under_way
        under_way = texts["doctor_checking"].format(check=check)
        show(under_way)

    try:
        for finding in examine(settings, begin):
            findings.append(finding)
            if not chosen.json:
                show("")
                _tell(finding, language)
                show(under_way)  # it may find more, and take its time
    finally:
        show("")
    level = worst(findings)
    if chosen.json:
        checks = [finding.as_dict(language) for finding in findings]
        found = {"level": level, "version": __version__, "checks": checks}
        print(json.dumps(found, ensure_ascii=False))
    return 1 if level == "fail" else 0


def _tell(finding: Finding, language: str) -> None:
    print(f"{finding.level:<4}  {finding.check}: {finding.text[language]}", flush=True)
    if finding.advice[language]:
        print(f"      -> {finding.advice[language]}", flush=True)
