"""Which language a visitor gets, and the page's HTML in it from the first byte on."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.errors import LANGUAGES

COOKIE = "fsmn_vad_language"
QUERY_KEY = "lang"
PATHS = {"en": "/", "zh": "/zh/"}
_COOKIE_AGE_S = 365 * 24 * 3600
# What the browser is to think its language is, so that Gradio's own words fit.
_LOCALES = {"en": "en", "zh": "zh-CN"}


def preferred_language(accept_language: str) -> str:
    """Choose by an Accept-Language header: the first of our languages in it, else English.

    Args:
        accept_language: such as "zh-HK,zh;q=0.9,en;q=0.8".
    """
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language.split(",")):
        tag, _, parameters = part.strip().partition(";")
        match = re.search(r"q\s*=\s*([0-9.]+)", parameters)
        try:
            quality = float(match[1]) if match else 1.0
        except ValueError:
            quality = 0.0
        primary = tag.strip().lower().split("-")[0]
        if primary in LANGUAGES and quality > 0:
            wanted.append((-quality, place, primary))
    return min(wanted)[2] if wanted else "en"


def _cookie_language(header: str) -> str | None:
    try:
        cookie = SimpleCookie(header)
    except CookieError:
        return None
    value = cookie[COOKIE].value if COOKIE in cookie else ""
    return value if value in LANGUAGES else None


@dataclass(frozen=True)
class PageHead:
    """What stands in a page's head, by language.

    Attributes:
        title: of the window.
        description: one sentence.
        script: JavaScript that runs before anything is drawn.
        icon: address of the icon.
    """

    title: str
    description: str
    script: str
    icon: str

    def insert(self, page: str, language: str) -> str:
        """Return Gradio's index page with its language, title, icon and script."""
        locale = _LOCALES[language]
        page = re.sub(r"<html\s+lang=\"[^\"]*\"", f'<html lang="{locale}"', page, count=1)
        page = re.sub(r'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>', "", page)
        script = self.script.replace("[[locale]]", locale)
        head = (
            f"<head><title>{html.escape(self.title)}</title>"
            f'<meta name="description" content="{html.escape(self.description)}">'
            f'<link rel="icon" href="{html.escape(self.icon)}">'
            f"<script>{script}</script>"
        )
        return page.replace("<head>", head, 1)


class LanguageGate:
    """ASGI middleware: leads visitors to their language and completes the page's head.

    The choice is, in this order: ``?lang=`` in the address (which is remembered in
    a cookie), the cookie, the setting, the browser's Accept-Language.

    Args:
        app: what is behind it.
        heads: of the page in each language.
        language: the setting, "auto", "en" or "zh".
    """

    def __init__(self, app: ASGIApp, heads: dict[str, PageHead], language: str = "auto") -> None:
        self._app = app
        self._heads = heads
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope.get("path", "")
        if path == PATHS["zh"].rstrip("/"):
            path = PATHS["zh"]
        here = next((name for name, start in PATHS.items() if path == start), None)
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or here is None:
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        chosen = next((v for k, v in query if k == QUERY_KEY and v in LANGUAGES), None)
        language = chosen or self._language_of(headers, here)
        if chosen or language != here or path != scope["path"]:
            rest = urlencode([(key, value) for key, value in query if key != QUERY_KEY])
            address = _relative(scope["path"], PATHS[language]) + (f"?{rest}" if rest else "")
            response = RedirectResponse(address, 307, {"vary": "Accept-Language, Cookie"})
            if chosen:
                response.set_cookie(COOKIE, chosen, max_age=_COOKIE_AGE_S, samesite="lax")
            await response(scope, receive, send)
            return
        # Plain text comes back, so that the head can be inserted.
        kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": kept}, receive, _Inserting(send, self._insert(here)))

    def _language_of(self, headers: dict[bytes, str], here: str) -> str:
        if here != "en":
            return here  # an address that names its language is taken at its word
        remembered = _cookie_language(headers.get(b"cookie", ""))
        if remembered or self._language != "auto":
            return remembered or self._language
        return preferred_language(headers.get(b"accept-language", ""))

    def _insert(self, language: str) -> _Insertion:
        return _Insertion(self._heads[language], language)


@dataclass(frozen=True)
class _Insertion:
    head: PageHead
    language: str

    def __call__(self, body: bytes) -> bytes:
        return self.head.insert(body.decode(), self.language).encode()


class _Inserting:
    """Collects an HTML answer, changes it, and sends it with its new length."""

    def __init__(self, send: Send, change: _Insertion) -> None:
        self._send = send
        self._change = change
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            content_type = MutableHeaders(raw=message["headers"]).get("content-type", "")
            if content_type.startswith("text/html"):
                self._start = message
                return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self._change(self._body)
        headers = MutableHeaders(raw=self._start["headers"])
        headers["content-length"] = str(len(body))
        headers["vary"] = "Accept-Language, Cookie"
        headers["cache-control"] = "no-cache"
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})


def _relative(source: str, target: str) -> str:
    """Address of one page from another, relative, so that it holds behind a proxy too."""
    depth = source.count("/") - 1
    return ("../" * depth or "./") + target.lstrip("/")
