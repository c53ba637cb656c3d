"""``/healthz``: one word for a load balancer or a container's health check."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from webui.engine.status import Health
from webui.guard import is_out_of_memory

if TYPE_CHECKING:
    from webui.ui.studio import Studio

PATH = "/healthz"
_log = logging.getLogger(__name__)
_STATUS = {"ready": 200, "degraded": 200, "refusing": 503}


def routes(studio: Studio) -> list[Route]:
    """Return the route, to be put before Gradio's."""

    async def health(request: Request) -> Response:
        # Nothing but the state: it is told without a password.
        try:
            state: Health = await run_in_threadpool(studio.engine.health)
        except Exception as error:
            # Whatever it is, jobs would meet it too.
            is_foreseen = is_out_of_memory(error)
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            _log.warning("the health check refuses: %s", reason, exc_info=not is_foreseen)
            state = "refusing"
        return JSONResponse({"state": state}, _STATUS[state], {"cache-control": "no-store"})

    return [Route(PATH, health, methods=["GET"])]
