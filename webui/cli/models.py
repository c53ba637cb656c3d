"""``fsmn-vad models``: what is known, what is here, fetch, prepare, verify, remove."""

from __future__ import annotations

import argparse

from webui import weights
from webui.cli.terminal import TEXTS, say, show
from webui.settings import Settings
from webui.system_errors import system_reason_zh
from webui.vad.scorers import SCORERS, missing_package


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the actions of ``models``."""
    texts = TEXTS[language]
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, action in (
        ("list", _list),
        ("fetch", _fetch),
        ("prepare", _prepare),
        ("verify", _verify),
        ("remove", _remove),
    ):
        added = actions.add_parser(name, help=texts[name], description=texts[name])
        added.set_defaults(run=action, parser=added)
        if name != "list":
            default = weights.DEFAULT_MODEL
            text = texts["model"].format(model=default)
            added.add_argument("model", nargs="?", default=default, help=text)


def _list(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    for record in weights.list_models(settings=settings):
        hindered = _hindered(record, language)
        engines = [engine for engine in SCORERS if engine not in hindered]
        state = "unusable" if record.state == "ready" and not engines else record.state
        names = ",".join(engines) or "-"
        print(f"{record.name}\t{TEXTS[language][state]}\t{names}\t{record.directory}")
        print(f"  {record.title[language]}; {record.licence}")
        if record.state != "absent":
            for engine, why in hindered.items():
                print("  " + TEXTS[language]["cannot_run"].format(engine=engine, why=why))
    return 0


def _hindered(record: weights.ModelRecord, language: str) -> dict[str, str]:
    """Why each engine that cannot run here cannot: a file, or a package."""
    texts = TEXTS[language]
    reasons = {}
    for engine, info in SCORERS.items():
        needed = [problem for problem in record.problems if info.weights in problem.engines]
        if needed:
            key = "file_missing" if needed[0].kind == "missing" else "file_altered"
            reasons[engine] = texts[key].format(file=needed[0].file)
        elif package := missing_package(engine):
            reasons[engine] = texts["package_missing"].format(package=package)
    return reasons


def _fetch(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    def on_progress(progress: weights.Progress) -> None:
        if progress.total_bytes:
            percent = round(100 * progress.done_bytes / progress.total_bytes)
            text = TEXTS[language]["fetching"]
            show(text.format(model=progress.model, source=progress.source, percent=percent))

    try:
        directory = weights.fetch(chosen.model, on_progress, settings=settings)
    finally:
        show("")
    say(TEXTS[language]["fetched"].format(model=chosen.model, directory=directory))
    _prepare(chosen, settings, language)
    return 0  # graphs that could not be kept are made when they are needed


def _prepare(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui.vad.scorers.onnx_prepare import PRECISIONS, prepared_graph

    directory = weights.find(chosen.model, "onnx", settings=settings)
    refused: list[OSError] = []
    for precision in PRECISIONS:
        kept = settings.prepared_directory
        graph = prepared_graph(directory, precision, kept, refused.append)
        text = TEXTS[language]["not_kept" if refused else "prepared"]
        say(
            text.format(
                model=chosen.model,
                precision=precision,
                kilobytes=len(graph) // 1000,
                directory=kept,
                why=_why(refused[-1], language) if refused else "",
            )
        )
    return 1 if refused else 0


def _why(error: OSError, language: str) -> str:
    return system_reason_zh(error) if language == "zh" else error.strerror or str(error)


def _verify(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    problems = weights.verify(chosen.model, settings=settings)
    for problem in problems:
        say(TEXTS[language][problem.kind].format(model=chosen.model, file=problem.file))
    if not problems:
        say(TEXTS[language]["verified"].format(model=chosen.model))
    return 1 if problems else 0


def _remove(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    weights.remove(chosen.model, settings=settings)
    say(TEXTS[language]["removed"].format(model=chosen.model))
    return 0
