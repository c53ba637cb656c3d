"""Processes that draw parts of spectrograms: what a hostile file does to one hurts nobody else.

A process serves one part after another, since starting one takes longer than drawing, and
ends by itself when nothing is asked of it for some seconds.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from webui.audio.report import AudioReport
from webui.errors import AudioError, EngineBusyError, StudioError
from webui.vad.spectrogram import Part, Scale, draw, samples_of

_log = logging.getLogger(__name__)

_PROCESSES = 2
_MOST_WAITING = 32
_IDLE_S = 20.0
# A second process starts for orders that have waited for so long: most are done sooner.
_PATIENCE_S = 2.0
_POLL_S = 0.1
_TOLD_EVERY_S = 0.5
_NICENESS = 10


@dataclass(frozen=True)
class Order:
    """What is to be drawn.

    Attributes:
        path: of the recording.
        report: how it was read for its scores.
        part: of the recording.
        scale: of the recording.
    """

    path: Path
    report: AudioReport
    part: Part
    scale: Scale


class _EndedError(Exception):
    """The process is gone."""


class _Drawer:
    """One process. All but `kill` is for one thread at a time.

    Attributes:
        has_drawn: whether it has served before.
        is_sound: whether it can serve again.
    """

    def __init__(self) -> None:
        self.has_drawn = False
        self.is_sound = True
        context = multiprocessing.get_context("spawn")
        self._pipe, childs_end = context.Pipe()
        self._process = context.Process(
            target=_work, args=(childs_end,), name="fsmn-vad-spectrogram", daemon=True
        )
        self._process.start()
        # Only then does a dead child mean end-of-file here.
        childs_end.close()

    def draw(self, order: Order, silence_s: float) -> bytes:
        """Return a picture.

        Raises:
            AudioError: the recording cannot be read, or the process hangs.
            _EndedError: it has ended, or ends now.
        """
        try:
            self._pipe.send(order)
            heard = time.monotonic()
            while time.monotonic() - heard < silence_s:
                if not self._pipe.poll(_POLL_S):
                    continue
                told = self._pipe.recv()
                if isinstance(told, StudioError):
                    raise told
                if told is not None:
                    self.has_drawn = True
                    picture: bytes = told
                    return picture
                heard = time.monotonic()
        except (EOFError, ConnectionError):
            self.is_sound = False
            raise _EndedError from None
        self.is_sound = False
        raise _failed(order, "its decoder does not go on", "解码停滞不前")

    @property
    def is_running(self) -> bool:
        """Whether it waits for more."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Have the process end at once."""
        self._process.kill()

    def end(self) -> None:
        """End the process and free what it held."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


class Drawing:
    """A picture on its way.

    Attributes:
        picture: the bytes that `webui.vad.spectrogram.draw` gives, or the error.
    """

    def __init__(self) -> None:
        self.picture: Future[bytes] = Future()
        # It is dropped, never cancelled.
        self.picture.set_running_or_notify_cancel()
        self._lock = threading.Lock()
        self._is_dropped = False
        self._drawer: _Drawer | None = None

    @property
    def is_dropped(self) -> bool:
        """Whether nobody waits for it."""
        return self._is_dropped

    def drop(self) -> None:
        """Note that nobody waits for it; a process that is at it ends."""
        with self._lock:
            self._is_dropped = True
            if self._drawer is not None:
                self._drawer.kill()

    def give_to(self, drawer: _Drawer | None) -> None:
        """Note which process is at it."""
        with self._lock:
            self._drawer = drawer
            if drawer is not None and self._is_dropped:
                drawer.kill()


class Spectrograms:
    """Draws parts of spectrograms, two at once. Its methods may be called from any thread.

    Args:
        silence_s: a process that gives no sign of life for so long is ended.
    """

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._pool = ThreadPoolExecutor(_PROCESSES, "spectrograms")
        self._lock = threading.Condition()
        self._busy = 0
        self._drawings: set[Drawing] = set()
        self._idle: list[_Drawer] = []
        self._is_closed = False

    def draw(self, order: Order) -> Drawing:
        """Have a part drawn.

        Raises:
            EngineBusyError: too many wait already.
        """
        drawing = Drawing()
        with self._lock:
            if self._is_closed or len(self._drawings) >= _MOST_WAITING + _PROCESSES:
                raise EngineBusyError(waiting=len(self._drawings))
            self._drawings.add(drawing)
            self._pool.submit(self._serve, order, drawing)
        return drawing

    def sweep(self) -> None:
        """Free what is left of processes that have ended by themselves."""
        with self._lock:
            gone = [drawer for drawer in self._idle if not drawer.is_running]
            self._idle = [drawer for drawer in self._idle if drawer not in gone]
        for drawer in gone:
            drawer.end()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._is_closed = True
            drawings = list(self._drawings)
        for drawing in drawings:
            drawing.drop()
        self._pool.shutdown()
        for drawer in self._idle:
            drawer.end()

    def _serve(self, order: Order, drawing: Drawing) -> None:
        try:
            drawing.picture.set_result(self._drawn(order, drawing))
        except BaseException as error:
            drawing.picture.set_exception(error)
        finally:
            with self._lock:
                self._drawings.discard(drawing)

    def _drawn(self, order: Order, drawing: Drawing) -> bytes:
        was_used = True
        # One that had waited for long may have gone just now: then another one tries.
        while was_used and not drawing.is_dropped:
            drawer = self._take(order)
            was_used = drawer.has_drawn
            drawing.give_to(drawer)
            try:
                return drawer.draw(order, self._silence_s)
            except _EndedError:
                continue
            finally:
                drawing.give_to(None)
                self._put_back(drawer)
        raise _failed(order, "its decoder ended", "解码进程意外结束")

    def _take(self, order: Order) -> _Drawer:
        with self._lock:
            if self._busy:
                self._lock.wait_for(lambda: self._idle or not self._busy, _PATIENCE_S)
            self._busy += 1
            if self._idle:
                return self._idle.pop()
        try:
            return _Drawer()
        except OSError as error:  # no more processes, or files, or memory
            self._put_back(None)
            _log.warning("no process to draw: %s", error)
            raise _failed(
                order,
                "the server could not start a process for it; try again in a moment",
                "服务器无法为其启动进程，请稍后再试",
            ) from error

    def _put_back(self, drawer: _Drawer | None) -> None:
        with self._lock:
            self._busy -= 1
            is_kept = drawer is not None and drawer.is_sound and not self._is_closed
            if drawer is not None and is_kept:
                self._idle.append(drawer)
            self._lock.notify_all()
        if drawer is not None and not is_kept:
            drawer.end()


def _failed(order: Order, reason: str, reason_zh: str) -> AudioError:
    return AudioError(file=order.path.name, reason=reason, reason_zh=reason_zh)


def _work(pipe: Connection) -> None:
    # Ctrl-C in the terminal reaches the whole group; the page decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # detection goes before
    with contextlib.suppress(EOFError, ConnectionError):
        while pipe.poll(_IDLE_S):
            pipe.send(_answer(pipe.recv(), pipe))


def _answer(order: Order, pipe: Connection) -> bytes | StudioError:
    # Not at the top: the page's process stays without FFmpeg.
    from webui.audio.excerpt import read_excerpt

    told_s = time.monotonic()

    def told() -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= _TOLD_EVERY_S:
            told_s = time.monotonic()
            pipe.send(None)

    samples = order.report.samples
    try:
        first, count = samples_of(order.part, samples)
        excerpt = read_excerpt(order.path, order.report, first, count, told)
    except StudioError as error:
        return error
    return draw(order.part, samples, excerpt, order.scale)
