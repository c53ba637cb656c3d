"""A ZIP of cut sound for a download, made in a process of its own: the page's has no FFmpeg."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

from webui.audio.cuts.spans import CutFormat, CutRate, Span
from webui.errors import CutError, StudioError
from webui.system_errors import system_reason_zh
from webui.zipped import zipped


@dataclass(frozen=True)
class CutOrder:
    """What an archive is to hold.

    Attributes:
        path: of the recording, a local file.
        file: what people call it, for errors.
        spans: to cut.
        names: of their files, as of `webui.audio.cuts.names.cut_names`.
        rate: of what is written.
        kind: of file.
        labels: name and content of what lies beside them.
    """

    path: Path
    file: str
    spans: tuple[Span, ...]
    names: tuple[str, ...]
    rate: CutRate = "source"
    kind: CutFormat = "wav"
    labels: tuple[tuple[str, bytes], ...] = ()


def zipped_apart(order: CutOrder) -> Iterator[bytes]:
    """Yield the archive part by part; who takes them slowly slows the cutting, and holds little.

    Closing the generator ends the process.

    Raises:
        AudioError: the recording cannot be read.
        CutError: it cannot be cut so, or the process died.
    """
    context = multiprocessing.get_context("spawn")
    pipe, childs_end = context.Pipe(duplex=False)
    process = context.Process(
        target=_work, args=(childs_end, order), name="fsmn-vad-cutter", daemon=True
    )
    process.start()
    # Only then does a dead child mean end-of-file here.
    childs_end.close()
    try:
        while True:
            try:
                told = pipe.recv()
            except (EOFError, OSError):
                raise CutError(
                    file=order.file, reason="its process ended", reason_zh="处理进程意外结束"
                ) from None
            if isinstance(told, StudioError):
                raise told
            if told is None:
                return
            yield told
    finally:
        process.kill()
        process.join()
        pipe.close()


def _work(pipe: Connection, order: CutOrder) -> None:
    # Ctrl-C in the terminal reaches the whole group; the page decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)  # detection goes before
    # Not at the top: the page's process stays without FFmpeg.
    from webui.audio.cuts.deliver import cut_members

    def members() -> Iterator[tuple[str, bytes | BinaryIO]]:
        pieces = cut_members(order.path, order.spans, order.names, rate=order.rate, kind=order.kind)
        yield from ((name, stream) for name, stream, _ in pieces)
        yield from order.labels

    # The page that goes away wants no more.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        try:
            for part in zipped(members()):
                pipe.send(part)
            pipe.send(None)
        except StudioError as error:
            pipe.send(error)
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = error.strerror or str(error)
            reason_zh = system_reason_zh(error)
            pipe.send(CutError(file=order.file, reason=reason, reason_zh=reason_zh))
