"""The last of a stream's bytes: in memory, and on disk what is more than a little."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 1 << 20
_BLOCKS_IN_MEMORY = 8


@dataclass
class _Block:
    """Bytes that follow each other: here, or in a file.

    Attributes:
        first: place of the first in the stream.
        size_bytes: how many.
        held: they themselves, empty where a file has them.
        file: that has them.
    """

    first: int
    size_bytes: int
    held: bytearray
    file: Path | None = None

    def read(self, first: int, end: int) -> bytes:
        """Bytes ``first`` to ``end`` - 1 of the stream, as far as they are here."""
        low, high = max(0, first - self.first), max(0, end - self.first)
        if self.file is None:
            return bytes(self.held[low:high])
        with self.file.open("rb") as stream:
            stream.seek(low)
            return stream.read(max(0, high - low))


class AudioPast:
    """A stream's bytes from some place on; what is before is forgotten.

    Most is in memory only as long as it is little (8 MB); older blocks go to files in a
    temporary directory, which disappears with the context.
    """

    def __init__(self, block_bytes: int = _BLOCK_BYTES) -> None:
        self._block_bytes = block_bytes
        self._blocks: deque[_Block] = deque()
        self._end = 0
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> AudioPast:
        return self

    def __exit__(self, *error: object) -> None:
        if self._directory is not None:
            self._directory.cleanup()

    @property
    def memory_bytes(self) -> int:
        """Bytes that are in memory."""
        return sum(len(block.held) for block in self._blocks)

    @property
    def disk_bytes(self) -> int:
        """Bytes that are in files."""
        return sum(block.size_bytes for block in self._blocks if block.file is not None)

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream.

        Raises:
            OSError: the disk is full.
        """
        taken = 0
        while taken < len(data):
            last = self._blocks[-1] if self._blocks else None
            if last is None or last.file is not None or last.size_bytes == self._block_bytes:
                last = _Block(self._end, 0, bytearray())
                self._blocks.append(last)
            piece = data[taken : taken + self._block_bytes - last.size_bytes]
            last.held += piece
            last.size_bytes += len(piece)
            taken += len(piece)
            self._end += len(piece)
        self._spool()

    def forget_before(self, first: int) -> None:
        """Keep the bytes from this place of the stream on, and no block that ends before it."""
        while self._blocks and self._blocks[0].first + self._blocks[0].size_bytes <= first:
            block = self._blocks.popleft()
            if block.file is not None:
                block.file.unlink()

    def read(self, first: int, end: int) -> Iterator[bytes]:
        """Yield bytes ``first`` to ``end`` - 1 of the stream in pieces; those that are there."""
        for block in self._blocks:
            if block.first < end and first < block.first + block.size_bytes:
                yield block.read(first, end)

    def _spool(self) -> None:
        in_memory = [block for block in self._blocks if block.file is None]
        for block in in_memory[:-_BLOCKS_IN_MEMORY]:
            if self._directory is None:
                self._directory = tempfile.TemporaryDirectory(prefix="fsmn-vad-stream-")
            file = Path(self._directory.name) / f"{block.first}"
            file.write_bytes(block.held)
            block.file, block.held = file, bytearray()
