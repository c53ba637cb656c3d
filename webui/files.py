"""Files that appear when they are complete, and not before."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_READABLE_BY_ALL = 0o666
_STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)|/dev/(stdin|stdout|stderr)")


class PendingFile:
    """A file that takes its place once it is complete.

    Links are followed. A file that is there keeps its permissions. What is no regular file (a
    device, a FIFO, a descriptor such as /dev/stdout) stays what it is: it is opened at once, and
    the complete content, until then in the temporary directory, is written into it.

    Args:
        output: the place.
        directory: where it lies until then, on the same file system; None = beside the place.
            With one, what stands at the place is replaced, whatever it is.

    Attributes:
        stream: to write to, and to read what was written.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, output: Path, directory: Path | None = None) -> None:
        self._special = _special(output) if directory is None else None
        self._mode = _READABLE_BY_ALL & ~_umask()
        if directory is None and self._special is None:
            with contextlib.suppress(FileNotFoundError):
                self._mode = stat.S_IMODE(output.stat().st_mode)
            output = Path(os.path.realpath(output))
            directory = output.parent
        self._output = output
        # As many bytes of the name as leave room for the random part of the temporary one's.
        prefix = os.fsencode(output.name)[:64].decode("ascii", "ignore")
        descriptor, name = tempfile.mkstemp(dir=directory, prefix=prefix)
        self._path = Path(name)
        self.stream: BinaryIO = os.fdopen(descriptor, "w+b")

    def appear(self) -> None:
        """Close it and have it take its place.

        Raises:
            OSError: the disk is full, or the place cannot be taken.
        """
        self.stream.close()
        if self._special is None:
            self._path.chmod(self._mode)
            self._path.replace(self._output)
            return
        with self._path.open("rb") as complete, self._special:
            shutil.copyfileobj(complete, self._special)
        self._path.unlink()

    def discard(self) -> None:
        """Close and delete it; after `appear` nothing is left to delete."""
        # Closing writes what is still held, which a full disk refuses; it is not wanted.
        with contextlib.suppress(OSError):
            self.stream.close()
        if self._special is not None:
            with contextlib.suppress(OSError):
                self._special.close()
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def appearing(output: Path, directory: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``output`` once the block has ended well.

    Args:
        output: the file that is wanted.
        directory: as in `PendingFile`.

    Raises:
        OSError: it cannot be written.
    """
    pending = PendingFile(output, directory)
    try:
        yield pending.stream
        pending.appear()
    except BaseException:
        pending.discard()
        raise


def plain_path(path: Path) -> Path:
    """The same place, absolute and without detours such as "x/.."; links stay in it."""
    path = path.absolute()
    plain = Path(os.path.normpath(path))
    # Behind a link to a folder, ".." leads elsewhere than its text says.
    return plain if identity(plain) == identity(path) else path


def identity(path: Path) -> tuple[int, int] | None:
    """What a file or directory is, whatever leads to it; None if it is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def descriptor_of(path: Path) -> int | None:
    """The number of the descriptor that a path such as /dev/stdout stands for; None of others."""
    named = _DESCRIPTOR.fullmatch(str(path.absolute()))
    if named is None:
        return None
    return int(named[1]) if named[1] else _STANDARD[named[2]]


def _special(output: Path) -> BinaryIO | None:
    """Open what is no regular file for writing; None where there is none such."""
    number = descriptor_of(output)
    if number is not None:
        # Not opened anew: that would lose the place in a file behind it.
        return os.fdopen(os.dup(number), "wb")
    try:
        mode = output.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    return os.fdopen(os.open(output, os.O_WRONLY), "wb")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
