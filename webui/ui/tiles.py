"""What the page's view draws, in binary tiles; and the scripts that draw it.

A tile's address names the result, the version of its scores, channel, level and
number, so that a browser may keep it for good.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from webui.ui.headers import AS_DECLARED, FOREVER

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.ui.studio import Studio
    from webui.vad.scores import SpeechScores

_SCRIPT_TYPE = "text/javascript; charset=utf-8"
_SCRIPT_ROOMS = ("view", "live", "batch")


def version(entry: Entry) -> str:
    """Name of an entry's present scores: an id keeps, but it may be scored anew."""
    return f"{int(entry.born * 1000):x}"


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        *(Route(f"/static/{room}/{{name}}", _Scripts(room).answer) for room in _SCRIPT_ROOMS),
        Route(
            "/results/{result_id}/tiles/{version}/{track:int}/{level:int}/{index:int}",
            desk.tile,
            methods=["GET"],
        ),
    ]


class _Scripts:
    """The modules of one directory."""

    def __init__(self, room: str) -> None:
        self._directory = resources.files("webui.ui.static") / room

    async def answer(self, request: Request) -> Response:
        """Return a module; a browser asks each time whether it has changed."""
        name = request.path_params["name"]
        # Names as they stand in the directory: nothing else can be asked for.
        files = {path.name: path for path in self._directory.iterdir()}
        if not name.endswith(".js") or name not in files:
            return PlainTextResponse("404", 404)
        body = files[name].read_bytes()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"etag": etag, "cache-control": "no-cache", **AS_DECLARED}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers={**headers, "content-type": _SCRIPT_TYPE})


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def tile(self, request: Request) -> Response:
        asked = request.path_params
        scores = self._scores(request)
        pyramid = None if scores is None else await run_in_threadpool(lambda: scores.pyramid)
        body = pyramid.tile(asked["level"], asked["index"]) if pyramid else None
        if body is None:
            return PlainTextResponse("404", 404)
        headers = {"cache-control": FOREVER, **AS_DECLARED}
        return Response(body, media_type="application/octet-stream", headers=headers)

    def _scores(self, request: Request) -> SpeechScores | None:
        asked = request.path_params
        entry = self._studio.cache.get(asked["result_id"])
        if entry is None or asked["version"] != version(entry):
            return None
        return entry.tracks[asked["track"]] if asked["track"] < len(entry.tracks) else None
