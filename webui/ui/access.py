"""Who may see the page: one sign-in for both languages, the results and the API."""

from __future__ import annotations

import base64
import binascii
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.errors import SettingsError
from webui.settings import Settings
from webui.ui import health
from webui.ui.i18n import Texts
from webui.ui.language import preferred_language

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_GRADIO = "/gradio_api/"
# What this page and its API have no use for: uploads that nobody counts, copies of files that
# nobody asked this page to make, and requests to other servers.
_UNUSED = (
    "upload",
    "file=",
    "file/",
    "proxy=",
    "deep_link",
    "component_server",
    # Takes a video of any size from any page, and has FFmpeg work on it.
    "process_recording",
)
# Answered by this project's own route.
_OWN_UPLOAD = "/gradio_api/upload"
_LEAVE = b"access-control-"


def check_exposure(settings: Settings) -> None:
    """Refuse to serve without a password where other machines can reach the page.

    Raises:
        SettingsError: the address is not a loopback one and there is no password.
    """
    if settings.host not in _LOOPBACK and settings.password is None:
        raise SettingsError(
            name="FSMN_VAD_PASSWORD",
            reason=f"other machines can reach {settings.host}; set user:password first, "
            "or listen on 127.0.0.1",
            reason_zh=f"其他机器可以访问 {settings.host}；请先设置“用户名:密码”，或改用 127.0.0.1",
        )


class RequestGate:
    """ASGI middleware: refuses what this page never asks for.

    A foreign ``Host`` while the page is this machine's alone: another site can have
    its own name lead to 127.0.0.1 and so read the page from the visitor's browser.
    It has no sign-in to send, so a page with a password may be behind any name.
    A WebSocket that a page of another site opens: browsers let any page open one, and
    send a sign-in along. And Gradio's own routes for files, which nobody would count.

    Nor may a page of another site read an answer: Gradio allows that to all of them, sign-in
    included, wherever the page has a name of its own. Pages of this server need no leave.

    Args:
        app: what is behind it.
        settings: host and password.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._is_local = settings.host in _LOOPBACK and settings.password is None
        self._port = settings.port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] in ("http", "websocket"):
            refusal = self._refusal(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, _without_leave(send) if scope["type"] == "http" else send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if self._is_local and not _is_loopback(headers.get("host", "")):
            texts = Texts(preferred_language(headers.get("accept-language", "")))
            return PlainTextResponse(texts("access.foreign_host", port=self._port), 421)
        if scope["type"] == "websocket" and not is_own_origin(headers):
            texts = Texts(preferred_language(headers.get("accept-language", "")))
            return PlainTextResponse(texts("access.foreign_origin"), 403)
        _, is_gradio, rest = scope["path"].partition(_GRADIO)
        if is_gradio and rest.startswith(_UNUSED) and scope["path"] != _OWN_UPLOAD:
            return PlainTextResponse("404", 404)
        return None


def _without_leave(send: Send) -> Send:
    """Take out of answers what allows pages of other sites to read them."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", ())
            kept = [each for each in headers if not each[0].lower().startswith(_LEAVE)]
            message = {**message, "headers": kept}
        await send(message)

    return sent


def _is_loopback(host: str) -> bool:
    """Tell whether a ``Host`` header, with or without a port, names this machine."""
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not name:
        name, port = host, ""
    return name.strip("[]").lower() in _LOOPBACK and (not port or port.isdecimal())


def is_own_origin(headers: Headers) -> bool:
    """Tell whether a page of this server asks, or a program, which names no origin.

    A proxy may put a name of its own into ``Host``; ``X-Forwarded-Host`` is then the one
    that the browser used, and nothing that a page of another site could send.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        given = urlsplit(origin)
    except ValueError:
        return False
    port = _DEFAULT_PORTS.get(given.scheme)
    if port is None:
        return False
    names = (headers.get("host", ""), headers.get("x-forwarded-host", ""))
    own = {name.lower().removesuffix(port) for name in names if name}
    return given.netloc.lower().removesuffix(port) in own


class PasswordGate:
    """ASGI middleware: HTTP Basic sign-in in front of everything but the health check.

    Args:
        app: what is behind it.
        password: "user:password".
    """

    def __init__(self, app: ASGIApp, password: str) -> None:
        self._app = app
        self._password = password.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        is_open = scope["type"] == "lifespan" or scope["path"] == health.PATH
        if is_open or self._is_known(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        challenge = {"www-authenticate": 'Basic realm="FSMN-VAD Studio", charset="UTF-8"'}
        await PlainTextResponse("401", 401, challenge)(scope, receive, send)

    def _is_known(self, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            decoded = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return False
        return secrets.compare_digest(decoded, self._password)
