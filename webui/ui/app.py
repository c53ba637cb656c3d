"""The page's server: one address, a page in each language, everything on this machine."""

from __future__ import annotations

import os

# Before Gradio is imported: it would look up its own version on the network.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")

import asyncio
import contextlib
import errno
import json
import logging
import socket
import sys
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import ASGIApp

from webui import weights
from webui.engine.memory import share_arenas
from webui.errors import LANGUAGES, PortTakenError, SettingsError, StudioError
from webui.process_memory import Growth
from webui.settings import Settings
from webui.ui import (
    analysis,
    api,
    components,
    cutting,
    edits,
    health,
    mcp,
    past,
    playback,
    server_log,
    spectrogram,
    streaming,
    theme,
    tiles,
)
from webui.ui import routes as plain
from webui.ui.access import PasswordGate, RequestGate, check_exposure
from webui.ui.api_gate import ApiGate
from webui.ui.batches import desk
from webui.ui.blocks import Page
from webui.ui.i18n import Texts
from webui.ui.language import PATHS, LanguageGate, PageHead
from webui.ui.studio import Studio
from webui.ui.tabs import batch, comparing, detect, editing, history, live, system, tuning
from webui.ui.tabs.detection import Detection

_log = logging.getLogger(__name__)

_SWEEP_S = 60.0
_SHUTDOWN_S = 1
_ROOTS = {"en": "./", "zh": "../"}
# The API is at the root of the server, once.
_API_LANGUAGE = "en"
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" '
    'rx="12" fill="#0b7a6e"/><path d="M9 24h4M16 19v10M21 12v24M26 16v16M31 20v8M35 24h4" '
    'fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>'
)


def build_page(studio: Studio, language: str) -> gr.Blocks:
    """Make the page in one language.

    Args:
        studio: what all sessions share.
        language: "en" or "zh".
    """
    texts = Texts(language)
    root = _ROOTS[language]
    age_s = int(studio.settings.upload_age_s)
    page = Page(
        title=texts("page.title"),
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(min(age_s, 3600), age_s),
    )
    with page:
        if language == _API_LANGUAGE:
            # First, so that no private event takes an endpoint's name.
            api.attach(page, studio)
        components.component("header", texts, language=language, root=root)
        with gr.Row(elem_classes="vad-layout", elem_id="vad-panel"):
            parts = detect.build_input(studio, texts, root)
            parts.update(detect.build_result(texts, root))
            with gr.Column(elem_classes="vad-area-side"):
                card = tuning.build(texts, root)
                controls = system.build(texts)
            detect.build_segments(texts, root)
            live.build(texts, root, studio.settings.engine)
            batch.build(studio, texts, root)
            history.build(texts, root, is_kept=studio.settings.history_runs > 0)
        tab = detect.DetectTab(**parts, result_id=gr.State(""), repeatable=gr.State(("", "")))
        kept = gr.State(None)
        detection = Detection(studio, texts, root)
        shown = tuning.Shown(
            *(tab.result, tab.result_id, tab.repeatable, kept),
            *(tab.status, tab.channel, tab.again),
        )
        detect.wire(tab, card, kept, detection, texts)
        tuning.wire(card, shown, detection, texts)
        editing.wire(tab.edit, card, shown, detection)
        comparing.wire(tab.compare, card, shown, detection, texts)
        live.wire(card, tab.engine)
        panel = system.SystemPanel(studio, texts)
        system.wire(controls, panel, tab.engine, page, texts)

        def leave(request: gr.Request) -> None:
            detection.leave(request.session_hash or "")

        page.unload(leave)
    return page


def create_app(studio: Studio) -> ASGIApp:
    """Make the server's application: both pages, the plain routes, language and sign-in.

    It closes ``studio`` when it ends.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan(studio))
    parts = (health, plain, tiles, spectrogram, playback, edits, analysis, past, streaming)
    for module in (*parts, cutting, desk):
        app.router.routes.extend(module.routes(studio))
    upload_bytes = min(studio.settings.max_upload_bytes, 2**53)
    # The longer path first: a mount at "/" takes all that comes after it.
    for language in sorted(LANGUAGES, key=lambda name: -len(PATHS[name])):
        with warnings.catch_warnings():
            # Gradio 6.31 asks Starlette for names that Starlette calls old.
            warnings.simplefilter("ignore", DeprecationWarning)
            page = build_page(studio, language)
            has_mcp = studio.settings.mcp and language == _API_LANGUAGE
            gr.mount_gradio_app(
                app,
                page,
                PATHS[language].rstrip("/") or "/",
                server_name=studio.settings.host,
                server_port=studio.settings.port,
                footer_links=[],
                run_history=False,
                show_error=False,
                max_file_size=upload_bytes,
                ssr_mode=False,
                enable_monitoring=False,
                theme=theme.theme(),
                css=theme.styles(),
                mcp_server=has_mcp,
            )
        if has_mcp:
            mcp.tell_json(page)
            mcp.sign_in(page, studio.settings)
    # A block of their own, so that their names do not meet those of the page.
    script = "{" + theme.static("line.js") + theme.static("early.js") + "}"
    icon = "data:image/svg+xml," + quote(_ICON)
    heads = {}
    for language in LANGUAGES:
        texts = Texts(language)
        words = json.dumps(texts.group("early"), ensure_ascii=False).replace("<", "\\u003c")
        told = script.replace("[[words]]", words)
        heads[language] = PageHead(texts("page.title"), texts("page.description"), told, icon)
    gate: ASGIApp = LanguageGate(ApiGate(app, api.arguments()), heads, studio.settings.language)
    if studio.settings.password is not None:
        gate = PasswordGate(gate, studio.settings.password)
    return RequestGate(gate, studio.settings)


def lifespan(studio: Studio) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return what an application does from its beginning on, and at its end: close all."""

    @contextlib.asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        async def sweep() -> None:
            while True:
                await asyncio.sleep(_SWEEP_S)
                try:
                    await asyncio.to_thread(studio.sweep)
                except Exception:
                    # Short of memory there is no thread for it; uploads must not stay for that.
                    _log.exception("sweeping failed; it is tried again in %.0f s", _SWEEP_S)

        task = asyncio.create_task(sweep())
        try:
            yield
        finally:
            task.cancel()
            await studio.lives.close()
            await asyncio.to_thread(studio.close)

    return living


class _Server(uvicorn.Server):
    """Says its address as soon as it answers, and what keeps it from its work."""

    def __init__(self, config: uvicorn.Config, settings: Settings, language: str) -> None:
        super().__init__(config)
        self._settings, self._language = settings, language

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    def _tell(self) -> None:
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        told = [f"FSMN-VAD Studio: http://{host}:{settings.port} (profile {settings.profile})"]
        try:
            weights.find(settings=settings)
        except StudioError as error:
            told.append(f"FSMN-VAD Studio: {error.message(self._language)}")
        print("\n".join(told), file=sys.stderr, flush=True)


def serve(settings: Settings, growth: Growth, language: str = "en") -> None:
    """Serve the page until the process is told to end.

    Args:
        settings: of the program.
        growth: of this process until now; building the pages is added.
        language: of what is said on standard error: "en" or "zh".

    Raises:
        PortTakenError: another program listens on the address.
        SettingsError: other machines could reach the page and there is no password,
            or the address cannot be listened on; or MCP is wanted and not installed.
    """
    check_exposure(settings)
    check_port(settings.host, settings.port)
    mcp.check_mcp(settings)
    _stay_local()
    server_log.begin()
    share_arenas()
    studio = Studio(settings, growth)
    # Gradio keeps what it makes beside the uploads, so that it goes with them.
    os.environ["GRADIO_TEMP_DIR"] = str(studio.workspace.directory / "gradio")
    try:
        app = create_app(studio)
        growth.note("pages")
        config = server_config(app, settings)
        logging.getLogger("uvicorn.error").addFilter(_is_no_cut_stream)
        _Server(config, settings, language).run()
    finally:
        studio.close()


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Return how an application is served."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=_SHUTDOWN_S,
        ws="websockets-sansio",
        # Sound does not shrink; a connection over which nothing comes is ended by the stream.
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        ws_max_size=streaming.MAX_FRAME_BYTES,
    )


def _is_no_cut_stream(record: logging.LogRecord) -> bool:
    """Tell whether a log record is about anything but a page that is open as the server ends."""
    error = record.exc_info[1] if record.exc_info else None
    is_cut = isinstance(error, asyncio.CancelledError)
    return not is_cut and "graceful shutdown" not in record.getMessage()


def _stay_local() -> None:
    """Keep requests to this machine away from a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost", "::1"]))


def check_port(host: str, port: int) -> None:
    """Make sure that the address can be listened on.

    Raises:
        PortTakenError: it is in use; the error names a free port.
        SettingsError: it cannot be listened on for another reason.
    """
    error = _bind_error(host, port)
    if error is None:
        return
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        others = range(port + 1, min(port + 50, 65_536))
        other = next((number for number in others if _bind_error(host, number) is None), 0)
        raise PortTakenError(name="port", host=host, port=port, other=other or 8765)
    raise _unusable_address(host, port, error) from error


def _bind_error(host: str, port: int) -> OSError | UnicodeError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name != "nt":
                # As the server itself does: an address whose last connection is closing is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:  # the latter for what cannot be a host's name
        return error
    return None


def _unusable_address(host: str, port: int, error: OSError | UnicodeError) -> SettingsError:
    number = getattr(error, "errno", None)
    if isinstance(error, (socket.gaierror, UnicodeError)):
        reason = f"no host named {host} is known; name an address of this machine, as 127.0.0.1"
        reason_zh = f"找不到主机 {host}，请填写本机地址，如 127.0.0.1"
    elif number in (errno.EACCES, errno.EPERM):
        return SettingsError(
            name="FSMN_VAD_PORT",
            reason=f"you may not listen on port {port}; use one from 1024 on, such as 7860",
            reason_zh=f"没有权限监听端口 {port}，请使用 1024 及以上的端口，如 7860",
        )
    elif number == errno.EADDRNOTAVAIL:
        reason = f"{host} is no address of this machine; use 127.0.0.1, or 0.0.0.0 for all it has"
        reason_zh = f"{host} 不是本机的地址，请使用 127.0.0.1，或用 0.0.0.0 表示本机所有地址"
    else:
        reason = f"{host} cannot be listened on ({error}); use another address, as 127.0.0.1"
        reason_zh = f"无法监听 {host}（{error}），请换一个地址，如 127.0.0.1"
    return SettingsError(name="FSMN_VAD_HOST", reason=reason, reason_zh=reason_zh)
