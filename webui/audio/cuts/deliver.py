"""Cut files where people want them: in a directory, or in a ZIP archive on its way."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from webui.audio.cuts.cut import Piece, Told, cut
from webui.audio.cuts.spans import CutFormat, CutRate, Span
from webui.files import PendingFile

# A piece for an archive is held in memory up to this size, and in a temporary file beyond it.
_HELD_BYTES = 4 << 20


def cut_to_directory(
    path: str | os.PathLike[str],
    spans: Sequence[Span],
    names: Sequence[str],
    directory: Path,
    *,
    rate: CutRate = "source",
    kind: CutFormat = "wav",
    told: Told = lambda position_s: None,
) -> Iterator[Piece]:
    """Write each span to a file; a file appears when it is complete, in place of a former one.

    Args:
        path: a local file.
        spans: as in `webui.audio.cuts.cut.cut`, and so for the others.
        names: of the files, as of `cut_names`.
        directory: that is there.
        rate: of what is written.
        kind: of file.
        told: of the progress.

    Yields:
        Each piece; its stream is closed.

    Raises:
        AudioError, CutError: as in `cut`.
        OSError: a file cannot be written.
    """
    pending: dict[int, PendingFile] = {}

    def opened(index: int) -> BinaryIO:
        pending[index] = PendingFile(directory / names[index])
        return pending[index].stream

    try:
        for piece in cut(path, spans, opened, rate=rate, kind=kind, told=told):
            pending[piece.index].appear()
            del pending[piece.index]
            yield piece
    finally:
        for file in pending.values():
            file.discard()


def cut_members(
    path: str | os.PathLike[str],
    spans: Sequence[Span],
    names: Sequence[str],
    *,
    rate: CutRate = "source",
    kind: CutFormat = "wav",
    told: Told = lambda position_s: None,
) -> Iterator[tuple[str, BinaryIO, Piece]]:
    """Write each span to a temporary stream, for `webui.zipped.zipped`, which closes it.

    Args:
        path: a local file.
        spans: as in `webui.audio.cuts.cut.cut`, and so for the others.
        names: of the files, as of `cut_names`.
        rate: of what is written.
        kind: of file.
        told: of the progress.

    Yields:
        Name, stream and what is known of it.

    Raises:
        AudioError, CutError, OSError: as in `cut`.
    """
    held: dict[int, BinaryIO] = {}

    def opened(index: int) -> BinaryIO:
        # Closed by whoever takes it, or below.
        stream = tempfile.SpooledTemporaryFile(_HELD_BYTES)  # noqa: SIM115
        held[index] = cast("BinaryIO", stream)
        return held[index]

    try:
        for piece in cut(path, spans, opened, rate=rate, kind=kind, told=told):
            yield names[piece.index], held.pop(piece.index), piece
    finally:
        for stream in held.values():
            stream.close()
