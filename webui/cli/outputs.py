"""Where the segments go: standard output, a file, or a directory with a file for each recording."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from webui.cli.files import appearing, spare
from webui.errors import SettingsError
from webui.files import plain_path
from webui.formats import Format, Outcome
from webui.formats.format import Together, same_name

OPTION = "--output"

Write = Callable[[Iterable[Outcome]], None]
"""Writes outcomes as they come, each with its path."""


def destination(form: Format, output: str | None, recordings: Sequence[str]) -> Write:
    """Say how the outcomes of recordings are written, before any is scored.

    Args:
        form: the format.
        output: a file, or a directory that exists; None is standard output. One that ends
            as a directory does is meant as such.
        recordings: paths of all of them.

    Raises:
        SettingsError: the format cannot hold them in one file, or two would have the same
            name. What it returns raises it where a file cannot be written.
    """
    path = None if output is None else Path(output)
    directory = path if path is not None and path.is_dir() else None
    if path is not None and directory is None and str(output).endswith(("/", os.sep)):
        raise SettingsError(
            name=OPTION,
            reason=f"there is no directory {path}; make it first, or leave the / out for a file",
            reason_zh=f"目录 {path} 不存在，请先创建；若要写成文件，请去掉末尾的 /",
        )
    if directory is not None and form.together is None:
        paths = _paths(form, directory, recordings)
        spare(OPTION, paths.values(), recordings)
        return _apart(form, paths)
    if len(recordings) > 1 and not form.holds_several:
        raise SettingsError(name=f"--format {form.name}", reason=_ONE[0], reason_zh=_ONE[1])
    if form.identify is not None:
        _distinct(recordings, form.identify)
    if directory is not None and form.together is not None:
        spare(OPTION, (directory / name for name in form.together.names), recordings)
        return _together(form, form.together, directory)
    if path is not None:
        spare(OPTION, [path], recordings)
    return _into_one(form, path)


_ONE = (
    f"such a file holds one recording; name a directory that exists in {OPTION} "
    "to have one file for each",
    f"一个文件只能存放一个录音；请用 {OPTION} 指定一个已存在的目录，每个录音将写入一个文件",
)


def _into_one(form: Format, output: Path | None) -> Write:
    def write(outcomes: Iterable[Outcome]) -> None:
        if output is None:
            with _standard_output() as stream:
                form.write(outcomes, stream)
        else:
            with _file(output) as stream:
                form.write((_placed(outcome, output) for outcome in outcomes), stream)

    return write


def _apart(form: Format, paths: dict[str, Path]) -> Write:
    def write(outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            path = paths[outcome.path or ""]
            with _file(path) as stream:
                form.write([_placed(outcome, path)], stream)

    return write


def _placed(outcome: Outcome, path: Path) -> Outcome:
    """The same, with where its file goes."""
    return replace(outcome, directory=str(path.absolute().parent))


def _together(form: Format, together: Together, directory: Path) -> Write:
    def write(outcomes: Iterable[Outcome]) -> None:
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(_file(directory / n)) for n in together.names]
            together.write(form.checked(outcomes), files)

    return write


def _paths(form: Format, directory: Path, recordings: Sequence[str]) -> dict[str, Path]:
    """Say where the file of each recording goes, by the recording's absolute path."""
    _distinct(recordings, lambda file: Path(file).stem + form.suffix)
    return {
        str(plain_path(Path(recording))): directory / f"{Path(recording).stem}{form.suffix}"
        for recording in recordings
    }


def _distinct(recordings: Sequence[str], name_of: Callable[[str], str]) -> None:
    owners: dict[str, str] = {}
    for recording in recordings:
        name = name_of(Path(recording).name)
        if name in owners:
            reason, reason_zh = same_name(owners[name], recording, name)
            raise SettingsError(name="AUDIO", reason=reason, reason_zh=reason_zh)
        owners[name] = recording


@contextlib.contextmanager
def _standard_output() -> Iterator[TextIO]:
    # The formats end their lines themselves; names may be in any language.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    yield sys.stdout
    sys.stdout.flush()


@contextlib.contextmanager
def _file(path: Path) -> Iterator[TextIO]:
    """Open a file that appears when it is complete and not before."""
    with (
        appearing(path, OPTION) as file,
        io.TextIOWrapper(file, encoding="utf-8", newline="") as stream,
    ):
        yield stream
