"""In front of the API: names that exist, and a message in JSON for whatever goes wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.ui.i18n import Texts
from webui.ui.language import preferred_language

_log = logging.getLogger(__name__)

_CALL = re.compile(r".*/gradio_api/(?:call/v2|call|run|api)/(?P<name>[^/]+)(?:/[^/]*)?$")
# Where the page's own events go; they name a number.
_BY_NUMBER = "predict"


class ApiGate:
    """ASGI middleware: calls by name reach public endpoints only, and fail with a message.

    Gradio takes any event's name, also a private one's, and answers a name or an argument
    that does not exist with an empty page and a traceback in the log.

    Args:
        app: what is behind it.
        endpoints: names of the arguments of each endpoint, by its name.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Sequence[str]]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        call = _CALL.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if call is None or call["name"] == _BY_NUMBER:
            await self._app(scope, receive, send)
            return
        name = call["name"]
        texts = Texts(preferred_language(Headers(scope=scope).get("accept-language", "")))
        if name not in self._endpoints:
            known = ", ".join(self._endpoints)
            answer = JSONResponse({"error": texts("api.endpoint", name=name, known=known)}, 404)
            await answer(scope, receive, send)
            return
        failed = is_malformed = False

        async def watch(message: Message) -> None:
            nonlocal failed, is_malformed
            # Frameworks answer what they did not expect with these words, and raise it then.
            failed = failed or _is_plain_failure(message)
            # And a body that is no such JSON with a list of their own.
            is_malformed = is_malformed or message.get("status") in (400, 422)
            if not failed and not is_malformed:
                await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if not failed:
                raise
            if isinstance(error, TypeError):
                # What Gradio raises where the arguments are not the endpoint's.
                known = ", ".join(self._endpoints[name]) or "-"
                text, status = texts("api.arguments", name=name, known=known), 400
            elif isinstance(error, UnicodeDecodeError):
                # What they raise as they quote bytes that are no text.
                text, status = texts("api.body"), 422
            else:
                _log.exception("endpoint %s", name)
                text, status = texts("api.failed"), 500
            await JSONResponse({"error": text}, status)(scope, receive, send)
        else:
            if is_malformed:
                answer = JSONResponse({"error": texts("api.body")}, 422)
                await answer(scope, receive, send)


def _is_plain_failure(message: Message) -> bool:
    if message["type"] != "http.response.start" or message["status"] != 500:
        return False
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")
