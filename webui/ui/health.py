"""``/healthz``: one word for a load balancer or a container's health check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from webui.ui.studio import Studio

PATH = "/healthz"
_STATUS = {"ready": 200, "degraded": 200, "refusing": 503}


def routes(studio: Studio) -> list[Route]:
    """Return the route, to be put before Gradio's."""

    async def health(request: Request) -> Response:
        # Nothing but the state: it is told without a password.
        state = await run_in_threadpool(studio.engine.health)
        return JSONResponse({"state": state}, _STATUS[state], {"cache-control": "no-store"})

    return [Route(PATH, health, methods=["GET"])]
