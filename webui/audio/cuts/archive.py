"""Cut files on their way to somebody: an archive of many, or speech in one file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator

from webui.audio.cuts.cut import Piece, Told, join
from webui.audio.cuts.deliver import cut_members
from webui.audio.cuts.spans import CutFormat, CutRate, Span
from webui.audio.cuts.table import TABLE, CutTable, Cutting
from webui.errors import StudioError
from webui.zipped import ZipStream

ERRORS = "errors.txt"

_COPIED_BYTES = 1 << 18


def archive(
    cuttings: Iterable[Cutting | StudioError],
    *,
    rate: CutRate,
    kind: CutFormat,
    told: Told,
    language: str | None = None,
) -> Iterator[bytes]:
    """Yield a ZIP archive of cut recordings, with the table and the labels beside them.

    Args:
        cuttings: the recordings, or why one cannot be cut.
        rate: as in `webui.audio.cuts.cut.cut`, and so for the others.
        kind: of file.
        told: of the progress in each recording.
        language: of the list of those that could not be cut, which is then part of the
            archive; None: the first ends it.

    Raises:
        StudioError: a recording cannot be cut, where there is no ``language``.
        OSError: there is no room for a temporary file.
    """
    made = ZipStream()
    table = CutTable()
    errors = []
    for cutting in cuttings:
        pieces: list[Piece] = []
        try:
            if isinstance(cutting, StudioError):
                raise cutting
            for name, stream, piece in cut_members(
                cutting.path, cutting.spans, cutting.names, rate=rate, kind=kind, told=told
            ):
                yield from made.add(name, stream)
                pieces.append(piece)
        except StudioError as error:
            if language is None:
                raise
            errors.append(f"{error.message(language)}\n")
        if not isinstance(cutting, StudioError):
            table.add(cutting, pieces)
            for label, content in cutting.labels:
                yield from made.add(label, content)
    yield from made.add(TABLE, table.encoded())
    if errors:
        yield from made.add(ERRORS, "".join(errors).encode("utf-8", "replace"))
    yield made.close()


def joined(
    path: str,
    spans: Iterable[Span],
    *,
    max_pause_ms: int,
    rate: CutRate,
    kind: CutFormat,
    told: Told,
) -> Iterator[bytes]:
    """Yield the speech of a recording as one file; see `webui.audio.cuts.cut.join`.

    Raises:
        AudioError, CutError: the recording cannot be read, or not be written so.
        OSError: there is no room for a temporary file.
    """
    # Its header has the length, which is known at the end.
    with tempfile.TemporaryFile() as stream:
        join(path, spans, stream, max_pause_ms=max_pause_ms, rate=rate, kind=kind, told=told)
        stream.seek(0)
        while part := stream.read(_COPIED_BYTES):
            yield part
