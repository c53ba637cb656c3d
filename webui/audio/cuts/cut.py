"""Stretches of a recording into files, from one decoding."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from webui.audio.cuts.source import MonoSource, Rows, SampleFormat, StoredSource
from webui.audio.cuts.spans import CutFormat, CutRate, Span, kept_spans, sample_at
from webui.audio.cuts.writers import WRITERS, Writer
from webui.audio.report import Channel

Told = Callable[[float], None]
"""Told how many seconds are decoded; an exception that it raises ends the work."""


@dataclass(frozen=True)
class Piece:
    """One stretch that was written.

    Attributes:
        index: of its span.
        first_sample: at which it begins in the recording, at the rate of ``format``.
        samples: how many it has; fewer than its span where the recording ended before.
        format: how they are stored.
        stream: that it was written to, open.
    """

    index: int
    first_sample: int
    samples: int
    format: SampleFormat
    stream: BinaryIO


def cut(
    path: str | os.PathLike[str],
    spans: Sequence[Span],
    opened: Callable[[int], BinaryIO],
    *,
    rate: CutRate = "source",
    kind: CutFormat = "wav",
    told: Told = lambda position_s: None,
) -> Iterator[Piece]:
    """Write each span to a stream of its own, as the recording goes by.

    Args:
        path: a local file.
        spans: in any order; they may overlap.
        opened: gives the stream for a span's index, writable and seekable; called when its
            beginning is reached.
        rate: of what is written.
        kind: of file, of `WRITERS`.
        told: of the progress.

    Yields:
        Each piece when it is complete, in the order of the ends.

    Raises:
        AudioError: the recording cannot be read.
        CutError: it cannot be written so.
        OSError: of a stream.
    """
    with _source(path, rate, {span.channel for span in spans}) as source:
        rate_hz = source.format.rate_hz
        waiting = sorted(
            (sample_at(span.start_ms, rate_hz), sample_at(span.stop_ms, rate_hz), index)
            for index, span in enumerate(spans)
        )
        under_way: list[_Open] = []

        def begin(first: int, stop: int, index: int) -> _Open:
            rows = source.rows(spans[index].channel)
            channels = len(range(source.format.channels)[rows])
            form = SampleFormat(
                rate_hz, channels, source.format.bits, is_float=source.format.is_float
            )
            stream = opened(index)
            writer = WRITERS[kind](stream, form, Path(path).name)
            return _Open(Piece(index, first, 0, form, stream), stop, rows, writer)

        for position, block in _positioned(source, told, rate_hz):
            end = position + block.shape[1]
            while waiting and waiting[0][0] < end:
                under_way.append(begin(*waiting.pop(0)))
            for each in under_way:
                each.take(position, block)
            ended = sorted((e for e in under_way if e.stop <= end), key=lambda e: e.order)
            under_way = [each for each in under_way if each.stop > end]
            yield from (each.complete() for each in ended)
            if not waiting and not under_way:
                return
        # What the recording does not reach, or only begins.
        under_way += [begin(*each) for each in waiting]
        yield from (each.complete() for each in sorted(under_way, key=lambda e: e.order))


def join(
    path: str | os.PathLike[str],
    spans: Iterable[Span],
    stream: BinaryIO,
    *,
    max_pause_ms: int = 0,
    rate: CutRate = "source",
    kind: CutFormat = "wav",
    told: Told = lambda position_s: None,
) -> Piece:
    """Write the speech of a recording in a row, its pauses shortened.

    Args:
        path: a local file.
        spans: where speech is; all channels of the recording are kept.
        stream: writable and seekable.
        max_pause_ms: what a longer pause is shortened to, by taking out its middle; 0 leaves
            speech alone.
        rate: of what is written.
        kind: of file, of `WRITERS`.
        told: of the progress.

    Raises:
        AudioError, CutError, OSError: as in `cut`.
    """
    kept = kept_spans(spans, max_pause_ms)
    with _source(path, rate, {"mix"}) as source:
        rate_hz = source.format.rate_hz
        bounds = [(sample_at(a, rate_hz), sample_at(b, rate_hz)) for a, b in kept]
        writer = WRITERS[kind](stream, source.format, Path(path).name)
        samples = at = 0
        for position, block in _positioned(source, told, rate_hz):
            end = position + block.shape[1]
            while at < len(bounds) and bounds[at][0] < end:
                first, stop = bounds[at]
                part = block[:, max(0, first - position) : stop - position]
                writer.write(part)
                samples += part.shape[1]
                if stop > end:
                    break
                at += 1
            if at == len(bounds):
                break
        writer.close()
    return Piece(0, bounds[0][0] if bounds else 0, samples, source.format, stream)


class _Open:
    """A piece while it is written."""

    def __init__(self, piece: Piece, stop: int, rows: slice, writer: Writer) -> None:
        self.stop = stop
        self.order = (stop, piece.index)
        self._piece = piece
        self._rows = rows
        self._writer = writer
        self._samples = 0

    def take(self, position: int, block: Rows) -> None:
        """Write what a block, which begins at a sample of the recording, has of it."""
        part = block[self._rows, max(0, self._piece.first_sample - position) : self.stop - position]
        self._writer.write(part)
        self._samples += part.shape[1]

    def complete(self) -> Piece:
        """Complete the file."""
        self._writer.close()
        done = self._piece
        return Piece(done.index, done.first_sample, self._samples, done.format, done.stream)


@contextlib.contextmanager
def _source(
    path: str | os.PathLike[str], rate: CutRate, channels: set[Channel]
) -> Iterator[StoredSource | MonoSource]:
    if rate == "source":
        with StoredSource(path) as stored:
            yield stored
        return
    with MonoSource(path, channels.pop() if len(channels) == 1 else "each") as mono:
        yield mono


def _positioned(source: Iterable[Rows], told: Told, rate_hz: int) -> Iterator[tuple[int, Rows]]:
    position = 0
    for block in source:
        yield position, block
        position += block.shape[1]
        told(position / rate_hz)
