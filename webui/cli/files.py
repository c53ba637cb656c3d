"""Files that the command writes: they appear when they are complete, and not before."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from webui import files
from webui.errors import SettingsError, StudioError
from webui.system_errors import system_reason_zh

NAME = "{name}"
"""In the name of a file of which each recording has its own, its name without its ending."""


def each_path(
    option: str, wanted: str, recordings: Sequence[str], suffixes: Sequence[str]
) -> Mapping[str, Path]:
    """Say where the file of each recording goes.

    Args:
        option: that wants it, for the error.
        wanted: a file; `NAME` in it stands for a recording's.
        recordings: paths of all of them.
        suffixes: what the file may end with.

    Raises:
        SettingsError: no file can have this ending, two recordings would have the same
            file, or a directory is missing.
    """
    if Path(wanted).suffix.lower() not in suffixes:
        known = ", ".join(suffixes)
        raise SettingsError(
            name=option,
            reason=f"{wanted} must end with one of {known}",
            reason_zh=f"{wanted} 的扩展名必须是 {known} 之一",
        )
    owners: dict[Path, str] = {}
    for recording in recordings:
        path = Path(wanted.replace(NAME, Path(recording).stem))
        if path in owners:
            raise _shared(option, path, (owners[path], recording), is_named=NAME in wanted)
        if not path.absolute().parent.is_dir():
            missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            raise unwritable(path, option, missing)
        owners[path] = recording
    spare(option, owners, recordings)
    return {recording: path for path, recording in owners.items()}


def _shared(
    option: str, path: Path, recordings: tuple[str, str], *, is_named: bool
) -> SettingsError:
    first, second = recordings
    if is_named:
        reason = f"{first} and {second} would both be written to {path}; do them one by one"
        reason_zh = f"{first} 和 {second} 会写入同一个文件 {path}，请分别处理"
    else:
        reason = f"with several files, put {NAME} in its name: {NAME}-{path.name}"
        reason_zh = f"多个文件时，文件名中须含 {NAME}，例如 {NAME}-{path.name}"
    return SettingsError(name=option, reason=reason, reason_zh=reason_zh)


def spare(option: str, places: Iterable[Path], recordings: Sequence[str]) -> None:
    """Make sure that no file takes the place of a recording.

    Args:
        option: that wants them, for the error.
        places: of the files.
        recordings: paths of all of them.

    Raises:
        SettingsError: one does.
    """
    known = {files.identity(Path(recording)) for recording in recordings} - {None}
    for place in places:
        if files.identity(place) in known:
            raise SettingsError(
                name=option,
                reason=f"{place} is a recording and would be overwritten; choose another name",
                reason_zh=f"{place} 是录音文件，会被覆盖，请换一个文件名",
            )


def check_recordings(recordings: Iterable[str]) -> None:
    """Refuse what names no file.

    Raises:
        SettingsError: a name is empty, or stands for standard input.
    """
    for recording in recordings:
        if not recording:
            raise SettingsError(
                name="AUDIO",
                reason='a name is empty (""); name a file',
                reason_zh='文件名为空（""），请给出文件',
            )
        if recording == "-":
            raise SettingsError(
                name="AUDIO",
                reason="-: files are read here; `fsmn-vad stream` reads standard input, and a file "
                "of this name is ./-",
                reason_zh="-：此命令只读取文件；读取标准输入请用 fsmn-vad stream，"
                "若文件确实名为 -，请写成 ./-",
            )


def named_as_given(error: StudioError, recording: str) -> StudioError:
    """The same error with the path that the user wrote in place of the file's name alone."""
    if error.details.get("file") != Path(recording).name:
        return error
    return type(error)(**{**error.details, "file": recording})


@contextlib.contextmanager
def appearing(output: Path, option: str) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``output`` once the block has ended well.

    Args:
        output: the file that is wanted.
        option: that named it, for the error.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        with files.appearing(output) as stream:
            yield stream
    except OSError as error:
        raise unwritable(output, option, error) from error


def unwritable(output: Path, option: str, error: OSError) -> SettingsError:
    """Say that a file cannot be written, and why."""
    directory = output.absolute().parent
    if not directory.exists():
        return SettingsError(
            name=option,
            reason=f"{output}: there is no directory {directory}; make it first",
            reason_zh=f"无法写入 {output}：目录 {directory} 不存在，请先创建",
        )
    return SettingsError(
        name=option,
        reason=f"{output} cannot be written: {error.strerror or error}",
        reason_zh=f"无法写入 {output}（{system_reason_zh(error)}）",
    )
