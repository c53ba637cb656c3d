"""Regions made by hand: the page puts them beside the scores, and takes them away again.

The page sends all regions of a track after each change, so that what is kept never
depends on which messages arrived. Knows nothing of Gradio.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from webui.errors import EditsError, StudioError
from webui.ui.routes import texts_of
from webui.ui.views import ticket
from webui.vad.edited import MAX_REGIONS, Edits
from webui.vad.options import VadOptions

if TYPE_CHECKING:
    from webui.ui.studio import Studio
    from webui.vad.scores import SpeechScores

# Two times of at most nine digits each with what JSON puts around them, and the options.
_MAX_BODY_BYTES = 24 * MAX_REGIONS + 100_000


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    path = "/results/{result_id}/edits"
    return [
        Route(path, desk.put, methods=["PUT"]),
        Route(path, desk.delete, methods=["DELETE"]),
    ]


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def put(self, request: Request) -> Response:
        """Keep the regions of the body, ``{"spans": [[start_ms, end_ms], ...], "options": {}}``.

        The answer's ``number`` is no larger than that of any result which has them.
        """
        texts = texts_of(request)
        track = self._track(request)
        if track is None:
            return PlainTextResponse(texts("result.forgotten"), 404)
        try:
            body = await _body(request)
            if body is None:
                return PlainTextResponse(texts("edit.too_large"), 413)
            earlier = self._earlier(request, track)
            edits = await run_in_threadpool(_read, body, track, earlier)
        except StudioError as error:
            return PlainTextResponse(error.message(texts.language), 400)
        except ClientDisconnect:
            return Response(status_code=400)
        return self._keep(request, track, edits)

    async def delete(self, request: Request) -> Response:
        """Go back to what is detected; answers as `put` does."""
        track = self._track(request)
        if track is None:
            return PlainTextResponse(texts_of(request)("result.forgotten"), 404)
        return self._keep(request, track, None)

    def _keep(self, request: Request, track: SpeechScores, edits: Edits | None) -> Response:
        result_id = request.path_params["result_id"]
        if not self._studio.cache.edit(result_id, track.audio.channel, edits):
            return PlainTextResponse(texts_of(request)("result.forgotten"), 404)
        return JSONResponse({"number": ticket()})

    def _earlier(self, request: Request, track: SpeechScores) -> Edits | None:
        entry = self._studio.cache.get(request.path_params["result_id"])
        return None if entry is None else entry.edits.get(track.audio.channel)

    def _track(self, request: Request) -> SpeechScores | None:
        """The track whose channel the query names, the first one if it names none."""
        entry = self._studio.cache.get(request.path_params["result_id"])
        channel = request.query_params.get("channel")
        tracks = entry.tracks if entry is not None else ()
        fits = (track for track in tracks if channel in (None, track.audio.channel))
        return next(fits, None)


async def _body(request: Request) -> bytes | None:
    """Read what comes in; None if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            return None
    return bytes(body)


def _read(body: bytes, track: SpeechScores, earlier: Edits | None) -> Edits:
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("options"), dict):
        raise EditsError(
            reason='not JSON with "spans" and "options"',
            reason_zh="不是含 spans 和 options 的 JSON",
        )
    options = VadOptions.from_mapping(given["options"])
    return Edits.of(given.get("spans"), options, track, earlier)
