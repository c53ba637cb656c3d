"""Plain HTTP beside Gradio: uploads in, a result's sound, files and figures out.

An upload is streamed to the workspace, so that its size is bounded while it
comes in and it lies on disk once. A result's address holds an id that cannot be
guessed; its options are in the query, so that a link always gives what it says.
"""

from __future__ import annotations

import io
import json
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from webui import formats, plots
from webui.errors import LANGUAGES, StudioError
from webui.ui.i18n import Texts
from webui.vad.options import VadOptions, option_names

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.ui.studio import Studio

FIGURES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
# Names that mimetypes does not know on every system.
_SOUND_TYPES = {".flac": "audio/flac", ".opus": "audio/ogg", ".m4a": "audio/mp4"}


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        Route("/uploads", desk.upload, methods=["PUT"]),
        Route("/results/{result_id}/audio", desk.audio, methods=["GET"]),
        Route("/results/{result_id}/segments.{kind}", desk.segments, methods=["GET"]),
        Route("/results/{result_id}/figure.{kind}", desk.figure, methods=["GET"]),
    ]


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def upload(self, request: Request) -> Response:
        texts = _texts(request)
        most = self._studio.settings.max_upload_bytes
        too_large = PlainTextResponse(texts("source.too_large", megabytes=most // 1024**2), 413)
        if int(request.headers.get("content-length") or 0) > most:
            return too_large
        name = request.query_params.get("name", "")
        upload_id, path = self._studio.workspace.place(name)
        size = 0
        try:
            with path.open("wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        break
                    await run_in_threadpool(file.write, chunk)
        except (ClientDisconnect, OSError) as error:
            self._drop(upload_id)
            reason = error.strerror if isinstance(error, OSError) else ""
            return PlainTextResponse(texts("source.failed", reason=reason or "-"), 507)
        if size > most:
            self._drop(upload_id)
            return too_large
        return JSONResponse({"id": upload_id}, 201)

    def _drop(self, upload_id: str) -> None:
        recording = self._studio.workspace.take(upload_id)
        if recording:
            recording.discard()

    async def audio(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry is None or not entry.recording.path.is_file():
            return _gone(request)
        path = entry.recording.path
        suffix = path.suffix.lower()
        guessed = _SOUND_TYPES.get(suffix) or mimetypes.guess_type(path.name)[0] or ""
        # Never as HTML or SVG: those would run as a page of this address.
        is_sound = guessed.partition("/")[0] in ("audio", "video")
        return FileResponse(path, media_type=guessed if is_sound else "application/octet-stream")

    async def segments(self, request: Request) -> Response:
        entry = self._entry(request)
        kind = request.path_params["kind"]
        if entry is None or kind not in formats.FORMATS:
            return _gone(request)
        try:
            options = _options(request)
        except StudioError as error:
            return PlainTextResponse(error.message(_texts(request).language), 400)
        form = formats.FORMATS[kind]
        result = await run_in_threadpool(formats.Result.of, entry.scores, options)
        if kind == "json":
            body = json.dumps(formats.as_dict(result), ensure_ascii=False, indent=2).encode()
        else:
            stream = io.StringIO(newline="")
            await run_in_threadpool(form.write, [result], stream)
            # A spreadsheet takes CSV for UTF-8 only with a byte order mark.
            body = stream.getvalue().encode("utf-8-sig" if kind == "csv" else "utf-8")
        headers = _attachment(request, entry, form.suffix)
        return Response(body, media_type=form.media_type, headers=headers)

    async def figure(self, request: Request) -> Response:
        entry = self._entry(request)
        kind = request.path_params["kind"]
        if entry is None or kind not in FIGURES:
            return _gone(request)
        language = _texts(request).language
        try:
            options = _options(request)
        except StudioError as error:
            return PlainTextResponse(error.message(language), 400)

        def draw(scores: Any) -> bytes:
            figure = plots.draw(scores, scores.segments(options), options, language=language)
            return plots.encode(figure, kind)

        body = await run_in_threadpool(draw, entry.scores)
        return Response(
            body, media_type=FIGURES[kind], headers=_attachment(request, entry, f".{kind}")
        )

    def _entry(self, request: Request) -> Entry | None:
        return self._studio.cache.get(request.path_params["result_id"])


def _texts(request: Request) -> Texts:
    language = request.query_params.get("language", "en")
    return Texts(language if language in LANGUAGES else "en")


def _options(request: Request) -> VadOptions:
    known = option_names()
    given = {key: value for key, value in request.query_params.items() if key in known}
    return VadOptions.from_mapping(given)


def _gone(request: Request) -> Response:
    return PlainTextResponse(_texts(request)("result.forgotten"), 404)


def _attachment(request: Request, entry: Entry, suffix: str) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if "inline" not in request.query_params:
        name = quote(Path(entry.scores.audio.file).stem + suffix)
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{name}"
    return headers
