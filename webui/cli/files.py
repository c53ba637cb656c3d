"""Files that the command writes: they appear when they are complete, and not before."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from webui.errors import SettingsError, system_reason_zh


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
        with _temporary(output) as stream:
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


@contextlib.contextmanager
def _temporary(output: Path) -> Iterator[BinaryIO]:
    descriptor, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=output.name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
