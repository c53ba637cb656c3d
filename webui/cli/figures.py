"""``fsmn-vad detect --figure``: one figure for each file."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from webui.cli.files import appearing, unwritable
from webui.errors import SettingsError
from webui.formats import Outcome

OPTION = "--figure"
SUFFIXES = (".svg", ".png", ".pdf")
NAME = "{name}"


def figure_paths(wanted: str, recordings: Sequence[str]) -> Mapping[str, Path]:
    """Say where the figure of each recording goes.

    Args:
        wanted: a file; "{name}" in it stands for a recording's name without its ending.
        recordings: paths of all of them.

    Raises:
        SettingsError: no figure can have this ending, two recordings would have the same
            file, or a directory is missing.
    """
    if Path(wanted).suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise SettingsError(
            name=OPTION,
            reason=f"{wanted} must end with one of {known}",
            reason_zh=f"{wanted} 的扩展名必须是 {known} 之一",
        )
    owners: dict[Path, str] = {}
    for recording in recordings:
        path = Path(wanted.replace(NAME, Path(recording).stem))
        if path in owners:
            raise _shared(path, owners[path], recording, is_named=NAME in wanted)
        if not path.absolute().parent.is_dir():
            missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            raise unwritable(path, OPTION, missing)
        owners[path] = recording
    return {recording: path for path, recording in owners.items()}


def write_figure(outcome: Outcome, path: Path, language: str) -> None:
    """Draw a recording's result into a file, in the format of its ending.

    Raises:
        SettingsError: it cannot be written.
    """
    # Here, since Matplotlib takes half a second and few want figures.
    from webui.plots.figure import draw, encode

    content = encode(draw(outcome, language=language), path.suffix[1:].lower())
    with appearing(path, OPTION) as stream:
        stream.write(content)


def _shared(path: Path, first: str, second: str, *, is_named: bool) -> SettingsError:
    if is_named:
        reason = f"{first} and {second} would both be drawn to {path}; draw them one by one"
        reason_zh = f"{first} 和 {second} 会写入同一个文件 {path}，请分别绘制"
    else:
        reason = f"with several files, put {NAME} in the figure's name: {NAME}-{path.name}"
        reason_zh = f"多个文件时，图的文件名中须含 {NAME}，例如 {NAME}-{path.name}"
    return SettingsError(name=OPTION, reason=reason, reason_zh=reason_zh)
