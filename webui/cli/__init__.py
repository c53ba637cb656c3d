"""The command fsmn-vad.

Standard output carries results only; progress and messages go to standard
error. Exit codes: 0 all done, 1 some files failed (each is named, the others
are written), 2 wrong usage, 130 interrupted, 141 nobody reads the results any
more (``| head``), 129 hung up (SIGHUP), 143 ended by SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from webui import __version__
from webui.cli.standard_output import output_error, tell_lost_output
from webui.cli.terminal import TEXTS, ended_as_interrupted, language_of, say, with_options
from webui.cli.words import UNRECOGNIZED, VERSION, argparse_in, translated, with_nearest
from webui.errors import OptionsError, OutputError, PortTakenError, SettingsError, StudioError
from webui.memory_errors import AddressSpaceError
from webui.memory_room import address_space_bytes
from webui.process_memory import Growth
from webui.settings import PREFIX, PROFILES, Settings

# A command's module is imported when it is the one: `models list` wants no Gradio, `serve` no
# benchmark.
_MODULES = ("detect", "batch", "stream", "bench", "models", "history", "doctor", "completion")
# What a profile sets is nothing to these.
_WITHOUT_PROFILE = ("models", "completion")

# Address space with which each begins to do its work, measured with the onnx engine, which has a
# process of its own beside the page.
_LEAST_ADDRESS_BYTES = {"page": 480_000_000, "scoring": 335_000_000}
_SCORING = ("detect", "batch", "stream")

# As a shell tells of SIGPIPE, which ends most programs there; to Python it is an error.
_UNREAD = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: arguments without the program's name; None takes the process's.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    language = "en"
    if argv is None:
        tell_lost_output()
    try:
        arguments, environment = _with_profile(arguments)
        if argv is None:
            # What this command starts, as `bench` does, reads its settings from there.
            os.environ.update(environment)
        settings = Settings.from_environment(environment)
        language = language_of(settings)
        if not arguments or (
            arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")
        ):
            arguments.insert(0, "serve")
        chosen = _parsed(arguments, language)
        # The page's server has handlers of its own.
        is_page = chosen.run is _serve
        if sys.stdout is None and not is_page:  # closed by whoever started it
            raise output_error(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        if is_page or arguments[0] in _SCORING:
            _check_address_space(_LEAST_ADDRESS_BYTES["page" if is_page else "scoring"])
        with contextlib.nullcontext() if is_page else ended_as_interrupted():
            code: int = chosen.run(chosen, settings, language)
        if not is_page:
            sys.stdout.flush()
        return code
    except OutputError as error:
        say(error.message(language))
        if sys.stdout is not None:
            _silence_output()
        return 1
    except StudioError as error:
        say(error.message(language))
        is_usage = isinstance(error, (OptionsError, SettingsError))
        return 2 if is_usage and not isinstance(error, PortTakenError) else 1
    except KeyboardInterrupt as error:
        say(TEXTS[language]["interrupted"])
        return 128 + int(error.args[0] if error.args else signal.SIGINT)
    except BrokenPipeError:
        # Whoever read the results has enough.
        _silence_output()
        return _UNREAD


def _parsed(arguments: Sequence[str], language: str) -> argparse.Namespace:
    """Parse arguments; files may stand between options, where argparse takes only the first ones.

    A command says in the default ``files`` under which name it gets them.
    """
    with argparse_in(language):
        parser = build_parser(language, arguments[0])
        try:
            chosen, more = parser.parse_known_args(arguments)
        except SystemExit:
            if sys.stdout is not None:
                sys.stdout.flush()  # a help that nobody reads is told now, not by Python at its end
            raise
        end = more.index("--") if "--" in more else len(more)
        unknown = [each for each in more[:end] if each.startswith("-") and each != "-"]
        files = [each for each in more[:end] if each not in unknown] + more[end + 1 :]
        if files and not hasattr(chosen, "files"):
            unknown = more
        if unknown:
            usage: argparse.ArgumentParser = chosen.parser
            told = " ".join(with_nearest(each, usage, language) for each in unknown)
            usage.error(translated(UNRECOGNIZED, language) % told)
    if files:
        getattr(chosen, chosen.files).extend(files)
    return chosen


def _silence_output() -> None:
    """Lead standard output nowhere: Python would complain of it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_profile(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Take --profile out of the arguments and into the variables.

    It has to be known before the settings are read, and these before the arguments are.

    Raises:
        SettingsError: there is no such profile.
    """
    command = next((each for each in arguments if not each.startswith("-")), "")
    if command in _WITHOUT_PROFILE:
        return arguments, dict(os.environ)
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--profile")
    end = arguments.index("--") if "--" in arguments else len(arguments)
    found, rest = finder.parse_known_args(arguments[:end])
    if found.profile is None:
        return arguments, dict(os.environ)
    with_options(Settings(), profile=found.profile)  # told by the option's name, not the variable's
    return rest + arguments[end:], {**os.environ, f"{PREFIX}PROFILE": found.profile}


def build_parser(language: str, command: str | None = None) -> argparse.ArgumentParser:
    """Return the command's parser.

    Args:
        language: of its help.
        command: the one whose arguments are wanted; None = those of all.
    """
    texts = TEXTS[language]
    parser = argparse.ArgumentParser(
        prog="fsmn-vad", description=texts["about"], epilog=texts["codes"]
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"fsmn-vad {__version__}",
        help=translated(VERSION, language),
    )
    _add_profile(parser, texts)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    serve = commands.add_parser("serve", help=texts["serve"], description=texts["serve"])
    serve.add_argument("--host", help=texts["host"])
    serve.add_argument("--port", type=int, help=texts["port"])
    serve.add_argument(
        "--mcp", action=argparse.BooleanOptionalAction, default=None, help=texts["mcp"]
    )
    _add_profile(serve, texts)
    serve.set_defaults(run=_serve, parser=serve)
    for name in _MODULES:
        added = commands.add_parser(name, help=texts[name], description=texts[name])
        added.set_defaults(parser=added)  # whose usage is told
        if command in (name, None):
            module = importlib.import_module(f"webui.cli.{name}")
            module.add_arguments(added, language)
            if name not in _WITHOUT_PROFILE:
                _add_profile(added, texts)
            if name != "models":
                added.set_defaults(run=module.run)
    return parser


def _check_address_space(least_bytes: int) -> None:
    """Say so now, where libraries would later fail to load and threads to start.

    Raises:
        AddressSpaceError: there is less.
    """
    limit_bytes = address_space_bytes()
    if limit_bytes is not None and limit_bytes < least_bytes:
        raise AddressSpaceError(
            limit_mb=limit_bytes // 1_000_000,
            least_mb=least_bytes // 1_000_000,
            least_kb=-(-least_bytes // 1024),
        )


def _add_profile(parser: argparse.ArgumentParser, texts: Mapping[str, str]) -> None:
    parser.add_argument("--profile", choices=tuple(PROFILES), help=texts["profile"])


def _serve(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    growth = Growth()
    growth.note("interpreter")
    from webui.ui.app import serve

    growth.note("framework")
    given = with_options(settings, host=chosen.host, port=chosen.port, mcp=chosen.mcp)
    serve(given, growth, language)
    return 0
