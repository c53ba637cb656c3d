"""``fsmn-vad completion``: a script that completes the command in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from webui.cli.terminal import TEXTS
from webui.cli.words import argparse_in
from webui.settings import Settings

SHELLS = ("bash", "zsh", "fish")
# What an argument that names a file or a directory is called in the usage.
_PATHS = {"AUDIO": "FILE", "INPUT": "FILE", "FILE": "FILE", "DIR": "DIRECTORY"}


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``completion``."""
    parser.description = TEXTS[language]["completion_about"]
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Write the script to standard output; returns the exit code."""
    import shtab

    from webui.cli import build_parser

    with argparse_in(language):
        parser = build_parser(language)
    for action in _actions(parser):
        kind = _PATHS.get(str(action.metavar))
        if kind and action.nargs != 0:
            # Where shtab looks for it.
            vars(action)["complete"] = getattr(shtab, kind)
    print(shtab.complete(parser, shell=chosen.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _actions(each)
