"""The sound of a result: the recording itself, or a copy that every browser plays.

A copy is made when a browser asks for it, one at a time, and lies beside the
upload: it counts as a part of it and goes with it.
"""

from __future__ import annotations

import logging
import mimetypes
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from webui.audio.transcoder import Transcoder
from webui.errors import AudioError
from webui.ui.headers import AS_DECLARED
from webui.ui.routes import texts_of

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.ui.studio import Studio
    from webui.ui.workspace import Recording

_log = logging.getLogger(__name__)

# Names that mimetypes does not know on every system.
_SOUND_TYPES = {".flac": "audio/flac", ".opus": "audio/ogg", ".m4a": "audio/mp4"}
_COPY_SUFFIX = ".playback.flac"
# What is scored and what is heard end together; a second is for the filters of both.
_MARGIN_S = 1.0

State = Literal["none", "waiting", "converting", "ready", "failed"]


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        Route("/results/{result_id}/audio", desk.audio, methods=["GET"]),
        Route("/results/{result_id}/copy", desk.copy, methods=["GET"]),
        Route("/results/{result_id}/copy/state", desk.state, methods=["GET"]),
        Route("/results/{result_id}/copy/state", desk.start, methods=["POST"]),
    ]


@dataclass(frozen=True)
class CopyState:
    """How it stands with the copy of a recording.

    Attributes:
        state: "none" if nobody asked for one.
        fraction: how much of it is written, 0 to 1.
        error: why there is none, if it failed.
    """

    state: State = "none"
    fraction: float = 0.0
    error: AudioError | None = None


class Copies:
    """Makes and remembers copies. Its methods may be called from any thread.

    Args:
        silence_s: a conversion that gives no sign of life for so long is ended.
    """

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._states: dict[Path, CopyState] = {}
        self._lock = threading.Lock()
        self._running: Transcoder | None = None
        self._is_closed = False
        self._pool = ThreadPoolExecutor(1, "copies")

    def state(self, recording: Recording) -> CopyState:
        """Say how it stands with the copy of a recording."""
        with self._lock:
            return self._states.get(recording.path, CopyState())

    def start(self, recording: Recording, duration_s: float) -> CopyState:
        """Have a copy made, unless there is one or it is on the way.

        Args:
            recording: of which.
            duration_s: what was scored of it; the copy ends there.
        """
        path = recording.path
        with self._lock:
            now = self._states.get(path, CopyState())
            if self._is_closed or now.state not in ("none", "failed"):
                return now
            # What belongs to files that are gone would otherwise stay for ever.
            self._states = {known: s for known, s in self._states.items() if known.exists()}
            now = self._states[path] = CopyState("waiting")
            self._pool.submit(self._make, recording, duration_s)
            return now

    def close(self) -> None:
        """End what runs."""
        with self._lock:
            self._is_closed = True
            if self._running is not None:
                self._running.kill()
        self._pool.shutdown(cancel_futures=True)

    def _make(self, recording: Recording, duration_s: float) -> None:
        path = recording.path
        if not recording.use():
            self._set(path, CopyState("none"))
            return
        target = copy_path(recording)
        try:
            self._convert(recording, target, duration_s)
            self._set(path, CopyState("ready", 1.0))
        except AudioError as error:
            self._set(path, CopyState("failed", error=error))
        except OSError as error:  # no more processes, files, memory or disk
            _log.warning("no copy of %s: %s", path.name, error)
            self._set(path, CopyState("failed", error=_unmade(path)))
        finally:
            recording.done()

    def _convert(self, recording: Recording, target: Path, duration_s: float) -> None:
        """Write the copy as a part of its upload.

        Raises:
            AudioError: there is no copy, and nothing of it is left.
        """
        taken = 0
        is_done = False
        transcoder = self._open(recording.path, target, duration_s + _MARGIN_S)
        try:
            for now in transcoder.progress(self._silence_s):
                if not recording.grow(now.size_bytes - taken):
                    raise _no_room(recording.path)
                taken = now.size_bytes
                fraction = min(1.0, now.position_s / duration_s) if duration_s else 0.0
                self._set(recording.path, CopyState("converting", fraction))
            is_done = True
        finally:
            with self._lock:
                self._running = None
            transcoder.end()
            if not is_done:
                target.unlink(missing_ok=True)
                recording.grow(-taken)

    def _open(self, source: Path, target: Path, limit_s: float) -> Transcoder:
        with self._lock:
            if self._is_closed:
                raise AudioError(file=source.name, reason="stopped", reason_zh="已停止")
            self._running = Transcoder(source, target, limit_s)
            return self._running

    def _set(self, path: Path, state: CopyState) -> None:
        with self._lock:
            self._states[path] = state


def copy_path(recording: Recording) -> Path:
    """Return where the copy of a recording lies: in its directory, under a longer name."""
    return recording.path.with_name(recording.path.name + _COPY_SUFFIX)


def _no_room(path: Path) -> AudioError:
    return AudioError(
        file=path.name,
        reason="the server has no room for a copy to play",
        reason_zh="服务器没有空间存放可播放的副本",
    )


def _unmade(path: Path) -> AudioError:
    return AudioError(
        file=path.name,
        reason="the server could not make a copy to play; try again in a moment",
        reason_zh="服务器无法生成可播放的副本，请稍后再试",
    )


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def audio(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None or not entry.recording.path.is_file():
            return _gone(request)
        path = entry.recording.path
        guessed = _SOUND_TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or ""
        # Never as HTML or SVG: those would run as a page of this address.
        is_sound = guessed.partition("/")[0] in ("audio", "video")
        kind = guessed if is_sound else "application/octet-stream"
        return FileResponse(path, media_type=kind, headers=AS_DECLARED)

    async def copy(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None or self._studio.copies.state(entry.recording).state != "ready":
            return _gone(request)
        path = copy_path(entry.recording)
        if not path.is_file():
            return _gone(request)
        return FileResponse(path, media_type="audio/flac", headers=AS_DECLARED)

    async def state(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None:
            return _gone(request)
        return _told(request, self._studio.copies.state(entry.recording))

    async def start(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None or not entry.recording.path.is_file():
            return _gone(request)
        if entry.recording.workspace is None:
            # A demo: FLAC, which lies where nothing is written.
            error = AudioError(
                file=entry.recording.path.name,
                reason="this browser cannot play it",
                reason_zh="此浏览器无法播放",
            )
            return _told(request, CopyState("failed", error=error))
        duration_s = entry.scores.duration_ms / 1000
        state = await run_in_threadpool(self._studio.copies.start, entry.recording, duration_s)
        return _told(request, state)

    def _entry(self, request: Request) -> Entry | None:
        return self._studio.cache.get(request.path_params["result_id"])


def _told(request: Request, state: CopyState) -> Response:
    message = state.error.message(texts_of(request).language) if state.error else ""
    return JSONResponse(
        {"state": state.state, "fraction": round(state.fraction, 3), "message": message},
        headers={"cache-control": "no-store"},
    )


def _gone(request: Request) -> Response:
    return PlainTextResponse(texts_of(request)("result.forgotten"), 404)
