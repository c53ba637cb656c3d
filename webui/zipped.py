"""A ZIP archive as a stream of bytes, for downloads: it is never held as a whole."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_COPIED_BYTES = 1 << 18
# What every archive has in place of the time at which it was made, so that the same files give
# the same bytes; the earliest that the format can tell.
_DATE_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


class _Outbox(io.RawIOBase):
    """What was written and not yet taken; it cannot be sought, as a download cannot."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class ZipStream:
    """An archive in the making; its parts are taken as they come.

    Nothing is compressed: sound hardly gets smaller, and labels are short. Archives and
    members beyond 4 GiB become ZIP64. The same members give the same bytes.
    """

    def __init__(self) -> None:
        self._outbox = _Outbox()
        self._archive = zipfile.ZipFile(self._outbox, "w")

    def add(self, name: str, content: bytes | BinaryIO) -> Iterator[bytes]:
        """Yield the parts of a member; all of them have to be taken.

        Args:
            name: "/" separates folders.
            content: a stream is read from its beginning and closed.
        """
        info = zipfile.ZipInfo(_printable(name), _DATE_TIME)
        info.external_attr = _MODE
        with _stream(content) as stream:
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            large = size >= zipfile.ZIP64_LIMIT
            with self._archive.open(info, "w", force_zip64=large) as member:
                while part := stream.read(_COPIED_BYTES):
                    member.write(part)
                    yield self._outbox.take()
        yield self._outbox.take()

    def close(self) -> bytes:
        """Give the end of the archive."""
        self._archive.close()
        return self._outbox.take()


def zipped(members: Iterable[tuple[str, bytes | BinaryIO]]) -> Iterator[bytes]:
    """Yield a ZIP archive part by part, while its members come; see `ZipStream`."""
    archive = ZipStream()
    try:
        for name, content in members:
            yield from archive.add(name, content)
    finally:
        end = archive.close()
    yield end


def _stream(content: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else content


def _printable(name: str) -> str:
    # Bytes of a name that are no text have no place in an archive, whose names are UTF-8.
    return name.encode("utf-8", "replace").decode("utf-8")
