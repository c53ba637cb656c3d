"""The latest sound of a live stream, on disk as it was sent, in pieces of whole seconds."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from webui.audio.pcm import PcmFormat
from webui.audio.wav import LARGEST_BYTES, wav_header

_log = logging.getLogger(__name__)

_PIECE_S = 60
# At most so much of what may be kept goes at once.
_PIECES = 10
_COPY_BYTES = 1024**2
_HEADER_ROOM_BYTES = 1024


class Shelf(Protocol):
    """Where the sound lies, and who counts its bytes."""

    @property
    def path(self) -> Path:
        """Where the whole recording is to lie in the end; the pieces lie beside it."""

    def grow(self, more_bytes: int) -> bool:
        """Take room for so many bytes, or give it back; False if there is none."""


@dataclass(frozen=True)
class Span:
    """A part of a file.

    Attributes:
        path: of the file.
        offset_bytes, size_bytes: where the part lies in it.
    """

    path: Path
    offset_bytes: int
    size_bytes: int


class KeptAudio:
    """The latest sound of one stream.

    What goes, goes in whole seconds, so that frames of 10 ms and samples of any rate begin
    together with what is left. Its methods may be called from any thread.

    Args:
        shelf: where it lies.
        pcm: format of the sound.
        most_s: seconds that are kept at most.
    """

    def __init__(self, shelf: Shelf, pcm: PcmFormat, most_s: float) -> None:
        self._shelf, self._pcm = shelf, pcm
        self._piece_s = max(1, min(_PIECE_S, int(most_s) // _PIECES))
        self._piece_bytes = self._piece_s * pcm.bytes_per_s
        self._most_bytes = min(int(most_s) * pcm.bytes_per_s, LARGEST_BYTES - _HEADER_ROOM_BYTES)
        self._sizes: deque[int] = deque()  # of the pieces, from the first one that is kept
        self._size_bytes = 0  # of them all
        self._first = 0  # its number
        self._received_bytes = 0
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()

    @property
    def from_s(self) -> int:
        """Second of the stream from which on it is kept; not yet there if there is no room."""
        return self._first * self._piece_s

    @property
    def size_bytes(self) -> int:
        """Bytes that are kept; whoever asks does not wait for the disk."""
        return self._size_bytes

    def append(self, data: bytes) -> None:
        """Keep what was received next; what is too old goes, and so does what has no room."""
        with self._lock:
            at = 0
            while at < len(data):
                number, offset = divmod(self._received_bytes, self._piece_bytes)
                part = data[at : at + self._piece_bytes - offset]
                if number >= self._first:
                    self._keep(number, part)
                at += len(part)
                self._received_bytes += len(part)

    def spans(self, first_byte: int, end_byte: int) -> list[Span] | None:
        """Say where bytes of the stream lie; what is not yet there is left out.

        Returns:
            None if some of them are not kept any more, or none are there.
        """
        with self._lock:
            first_kept = self._first * self._piece_bytes
            end_byte = min(end_byte, first_kept + self._size_bytes)
            end_byte -= end_byte % self._pcm.frame_bytes
            if not first_kept <= first_byte < end_byte:
                return None
            found = []
            while first_byte < end_byte:
                number, offset = divmod(first_byte, self._piece_bytes)
                size = min(self._piece_bytes - offset, end_byte - first_byte)
                found.append(Span(self._path(number), offset, size))
                first_byte += size
            return found

    def collect(self, frames: int) -> None:
        """Make the recording of the pieces; nothing can be kept afterwards.

        Args:
            frames: samples of each channel that it is to have, at most those that are kept.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            self._close()
            left = size = frames * self._pcm.frame_bytes
            with self._shelf.path.open("wb") as target:
                target.write(header_of(self._pcm, size))
                for number in range(self._first, self._first + len(self._sizes)):
                    path = self._path(number)
                    with path.open("rb") as source:
                        left -= _copy(source, target, left)
                    path.unlink()
                target.write(b"\0" * (size % 2))  # RIFF wants even sizes
            self._shelf.grow(self._shelf.path.stat().st_size - self._size_bytes)
            self._sizes.clear()
            self._size_bytes = 0

    def close(self) -> None:
        """Let the file go that is being written."""
        with self._lock:
            self._close()

    def _keep(self, number: int, part: bytes) -> None:
        self._make_room(number, len(part))
        if number < self._first:
            return
        try:
            if number == self._first + len(self._sizes):
                self._close()
                self._file = self._path(number).open("wb", buffering=0)
                self._sizes.append(0)
            assert self._file is not None
            if self._file.write(part) < len(part):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._sizes[-1] += len(part)
            self._size_bytes += len(part)
        except OSError as error:
            _log.warning("the sound of a live stream is not kept on: %s", error)
            self._shelf.grow(-len(part))
            self._drop_all(number)

    def _make_room(self, number: int, more_bytes: int) -> None:
        while self._size_bytes + more_bytes > self._most_bytes and self._first < number:
            self._drop()
        while not self._shelf.grow(more_bytes):
            if self._sizes and self._first < number:
                self._drop()
            else:
                self._drop_all(number)
                return

    def _drop_all(self, number: int) -> None:
        """Forget everything; what follows is kept again from the next piece on."""
        self._close()
        while self._sizes:
            self._drop()
        self._first = number + 1

    def _drop(self) -> None:
        with contextlib.suppress(OSError):  # open elsewhere, on Windows; it goes with the rest
            self._path(self._first).unlink(missing_ok=True)
        size_bytes = self._sizes.popleft()
        self._shelf.grow(-size_bytes)
        self._size_bytes -= size_bytes
        self._first += 1

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _path(self, number: int) -> Path:
        return self._shelf.path.with_name(f"{number:08}.pcm")


def header_of(pcm: PcmFormat, size_bytes: int) -> bytes:
    """Return the header of a WAV file with so many bytes of samples in this format."""
    return wav_header(
        pcm.rate_hz,
        pcm.channels,
        pcm.frame_bytes // pcm.channels * 8,
        is_float=pcm.sample_format == "f32le",
        size_bytes=size_bytes,
    )


def _copy(source: BinaryIO, target: BinaryIO, most_bytes: int) -> int:
    """Copy what a file has, or less; return how much it was."""
    if source.seek(0, 2) <= most_bytes:
        source.seek(0)
        shutil.copyfileobj(source, target, _COPY_BYTES)
        return source.tell()
    source.seek(0)
    return target.write(source.read(most_bytes))


def read_spans(spans: list[Span]) -> Iterator[bytes]:
    """Open all parts at once, then yield what is in them, a block at a time.

    Raises:
        OSError: one of them is gone.
    """
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(span.path.open("rb")) for span in spans]
        for file, span in zip(files, spans, strict=True):
            file.seek(span.offset_bytes)
            left = span.size_bytes
            while left > 0 and (block := file.read(min(left, _COPY_BYTES))):
                yield block
                left -= len(block)
