"""A process that writes one playable copy: what a hostile file does to it hurts nobody else."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from webui.errors import AudioError, StudioError

_TOLD_EVERY_S = 0.1
_POLL_S = 0.1
_NICENESS = 10


@dataclass(frozen=True)
class CopyProgress:
    """How far a copy is.

    Attributes:
        position_s: seconds written.
        size_bytes: of the copy so far.
    """

    position_s: float
    size_bytes: int


class Transcoder:
    """Writes a copy in a child process, which ends with this one or with `end`.

    Args:
        source: the recording.
        target: the FLAC file to write.
        limit_s: seconds after which the copy ends.
    """

    def __init__(self, source: Path, target: Path, limit_s: float) -> None:
        self._source = source
        self._target = target
        context = multiprocessing.get_context("spawn")
        self._pipe, childs_end = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_work,
            args=(childs_end, source, target, limit_s),
            name="fsmn-vad-transcoder",
            daemon=True,
        )
        self._process.start()
        # Only then does a dead child mean end-of-file here.
        childs_end.close()

    def progress(self, silence_s: float) -> Iterator[CopyProgress]:
        """Yield how far it is until the copy is written.

        Args:
            silence_s: after so long without a sign of life it has failed.

        Raises:
            AudioError: there is no copy.
        """
        heard = time.monotonic()
        while time.monotonic() - heard < silence_s:
            try:
                if not self._pipe.poll(_POLL_S):
                    continue
                told = self._pipe.recv()
            except (EOFError, OSError):
                raise self._failed("its decoder ended", "解码进程意外结束") from None
            if isinstance(told, StudioError):
                raise told
            heard = time.monotonic()
            yield CopyProgress(told or 0.0, _size_of(self._target))
            if told is None:
                return
        raise self._failed("its decoder does not go on", "解码停滞不前")

    def kill(self) -> None:
        """Have the process end at once; whoever reads the progress is told that it failed."""
        self._process.kill()

    def end(self) -> None:
        """End the process now, if it still runs, and free what it held."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _failed(self, reason: str, reason_zh: str) -> AudioError:
        return AudioError(file=self._source.name, reason=reason, reason_zh=reason_zh)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _work(pipe: Connection, source: Path, target: Path, limit_s: float) -> None:
    # Ctrl-C in the terminal reaches the whole group; the page decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # detection goes before
    # Not at the top: the page's process stays without FFmpeg.
    from webui.audio.transcode import write_flac

    last_s = 0.0

    def told(position_s: float) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= _TOLD_EVERY_S:
            last_s = time.monotonic()
            pipe.send(position_s)

    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        try:
            write_flac(source, target, limit_s, told)
            pipe.send(None)
        except StudioError as error:
            pipe.send(error)
