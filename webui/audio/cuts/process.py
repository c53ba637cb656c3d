"""A process that cuts and hands the bytes over: what a hostile file does to it hurts no other."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from webui.audio.cuts.spans import CutFormat, CutRate, Span
from webui.audio.cuts.table import Cutting
from webui.errors import CutError, StudioError
from webui.system_errors import system_reason_zh

_TOLD_EVERY_S = 0.5
_POLL_S = 0.2
_NICENESS = 10

Work = Callable[..., Iterator[bytes]]
"""Yields the bytes; its keyword ``told`` is to be called now and then meanwhile."""


class CutProcess:
    """Runs a work in a child process, which ends with this one or with `end`.

    It goes no further than what is taken: a slow client holds it up, and fills no memory.

    Args:
        directory: for temporary files.
        file: what is cut, for errors.
        silence_s: after so long without a sign of life it has failed.
        work: of a module that a new process can import.
        arguments: of ``work``, by name.
    """

    def __init__(
        self, directory: Path, file: str, silence_s: float, work: Work, **arguments: Any
    ) -> None:
        self._file = file
        self._silence_s = silence_s
        self._is_ended = False
        self._lock = threading.Lock()
        context = multiprocessing.get_context("spawn")
        self._pipe, childs_end = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_run,
            args=(childs_end, directory, file, work, arguments),
            name="fsmn-vad-cutter",
            daemon=True,
        )
        self._process.start()
        # Only then does a dead child mean end-of-file here.
        childs_end.close()
        self._heard = time.monotonic()

    def take(self) -> bytes | None:
        """Wait a moment for the next bytes: b"" if none came, None at the end.

        Raises:
            StudioError: it has failed; the bytes so far are not complete.
        """
        try:
            if not self._pipe.poll(_POLL_S):
                if time.monotonic() - self._heard > self._silence_s:
                    raise self._failed("its decoder does not go on", "解码停滞不前")
                return b""
            told = self._pipe.recv()
        except (EOFError, OSError):
            raise self._failed("its decoder ended", "解码进程意外结束") from None
        self._heard = time.monotonic()
        if isinstance(told, StudioError):
            raise told
        taken: bytes | None = told
        return taken

    def end(self) -> None:
        """End the process now, if it still runs, and free what it held."""
        with self._lock:
            if self._is_ended:
                return
            self._is_ended = True
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _failed(self, reason: str, reason_zh: str) -> CutError:
        return CutError(file=self._file, reason=reason, reason_zh=reason_zh)


def cut_archive(
    cutting: Cutting, *, rate: CutRate, kind: CutFormat, told: Callable[[float], None]
) -> Iterator[bytes]:
    """Cut one recording into an archive; a work for `CutProcess`."""
    # Not at the top: the page's process stays without FFmpeg.
    from webui.audio.cuts.archive import archive

    return archive([cutting], rate=rate, kind=kind, told=told)


def join_speech(
    path: str,
    spans: list[Span],
    *,
    max_pause_ms: int,
    rate: CutRate,
    kind: CutFormat,
    told: Callable[[float], None],
) -> Iterator[bytes]:
    """Write the speech of a recording in a row; a work for `CutProcess`."""
    from webui.audio.cuts.archive import joined

    return joined(path, spans, max_pause_ms=max_pause_ms, rate=rate, kind=kind, told=told)


def _run(
    pipe: Connection, directory: Path, file: str, work: Work, arguments: dict[str, Any]
) -> None:
    # Ctrl-C in the terminal reaches the whole group; the page decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # detection goes before
    tempfile.tempdir = str(directory)
    last_s = time.monotonic()

    def told(position_s: float) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= _TOLD_EVERY_S:
            last_s = time.monotonic()
            pipe.send(b"")  # a sign of life

    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        try:
            for part in work(**arguments, told=told):
                if part:
                    pipe.send(part)
            pipe.send(None)
        except StudioError as error:
            pipe.send(error)
        except OSError as error:  # the disk is full, or the file is gone
            reason = error.strerror or str(error)
            pipe.send(CutError(file=file, reason=reason, reason_zh=system_reason_zh(error)))
