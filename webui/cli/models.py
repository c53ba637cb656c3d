"""``fsmn-vad models``: what is known, what is here, fetch, prepare, verify, remove."""

from __future__ import annotations

import argparse

from webui import weights
from webui.cli.terminal import TEXTS, say, show
from webui.settings import Settings


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
        added.set_defaults(run=action)
        if name != "list":
            default = weights.DEFAULT_MODEL
            text = texts["model"].format(model=default)
            added.add_argument("model", nargs="?", default=default, help=text)


def _list(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    for record in weights.list_models(settings=settings):
        engines = ",".join(record.engines) or "-"
        print(f"{record.name}\t{TEXTS[language][record.state]}\t{engines}\t{record.directory}")
        print(f"  {record.title[language]}; {record.licence}")
    return 0


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
    return _prepare(chosen, settings, language)


def _prepare(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui.vad.scorers.onnx_prepare import PRECISIONS, prepared_graph

    directory = weights.find(chosen.model, "onnx", settings=settings)
    for precision in PRECISIONS:
        graph = prepared_graph(directory, precision, settings.prepared_directory)
        text = TEXTS[language]["prepared"]
        say(text.format(model=chosen.model, precision=precision, kilobytes=len(graph) // 1000))
    return 0


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
