"""Files that appear when they are complete, and not before."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


class PendingFile:
    """A file beside the place that it takes once it is complete.

    Args:
        output: the place.
        directory: where it lies until then, on the same file system; None = beside the place.

    Attributes:
        stream: to write to, and to read what was written.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, output: Path, directory: Path | None = None) -> None:
        self._output = output
        # As many bytes of the name as leave room for the random part of the temporary one's.
        prefix = os.fsencode(output.name)[:64].decode("ascii", "ignore")
        place = directory or output.absolute().parent
        descriptor, name = tempfile.mkstemp(dir=place, prefix=prefix)
        self._path = Path(name)
        self.stream: BinaryIO = os.fdopen(descriptor, "w+b")

    def appear(self) -> None:
        """Close it and have it take its place.

        Raises:
            OSError: the disk is full, or the place cannot be taken.
        """
        self.stream.close()
        self._path.chmod(0o666 & ~_umask())
        self._path.replace(self._output)

    def discard(self) -> None:
        """Close and delete it; after `appear` nothing is left to delete."""
        # Closing writes what is still held, which a full disk refuses; it is not wanted.
        with contextlib.suppress(OSError):
            self.stream.close()
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


def identity(path: Path) -> tuple[int, int] | None:
    """What a file or directory is, whatever leads to it; None if it is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
