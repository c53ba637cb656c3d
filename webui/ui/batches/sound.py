"""The cut audio of a whole batch, with its labels, for a process that makes the archive."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from webui.audio.cuts.names import cut_names, name_stem
from webui.audio.cuts.spans import CutFormat, CutRate, Span
from webui.audio.cuts.table import Cutting
from webui.errors import AudioError, StudioError
from webui.formats import Outcome
from webui.vad.options import VadOptions


@dataclass(frozen=True)
class CutRow:
    """One file of a batch whose sound is wanted.

    Attributes:
        path: of the recording.
        scores: path of what was scored of it.
        stem: names its results, from the archive's root on.
        labels: name in the archive and path of each result.
    """

    path: str
    scores: str
    stem: str
    labels: tuple[tuple[str, str], ...]


def cut_batch(
    rows: Sequence[CutRow],
    options: VadOptions,
    *,
    rate: CutRate,
    kind: CutFormat,
    language: str,
    told: Callable[[float], None],
) -> Iterator[bytes]:
    """Yield an archive of the segments of many recordings; a work for `CutProcess`."""
    # Not at the top: the page's process stays without FFmpeg.
    from webui.audio.cuts.archive import archive

    cuttings = (_cutting(row, options, kind) for row in rows)
    return archive(cuttings, rate=rate, kind=kind, told=told, language=language)


def spans_of(outcome: Outcome) -> list[Span]:
    """Return what is cut of a recording."""
    duration_ms = outcome.audio.duration_ms
    return [Span.within(duration_ms, s.start_ms, s.end_ms, c) for c, s in outcome.segments]


def _cutting(row: CutRow, options: VadOptions, kind: CutFormat) -> Cutting | StudioError:
    try:
        outcome = Outcome.of(pickle.loads(Path(row.scores).read_bytes()), options)
        labels = [(name, Path(path).read_bytes()) for name, path in row.labels]
        spans = spans_of(outcome)
        # A folder of its own for each: their names may be the same.
        folder = PurePosixPath(row.stem)
        names = cut_names(name_stem(row.stem), spans, f".{kind}")
    except OSError as error:
        return AudioError(file=row.stem, reason=str(error), reason_zh=str(error))
    except StudioError as error:
        return error
    return Cutting(
        row.path,
        outcome.audio.file,
        spans,
        [str(folder / name) for name in names],
        [segment.confidence for _, segment in outcome.segments],
        labels,
    )
