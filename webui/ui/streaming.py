"""Live streams over WebSocket, and clips of their sound over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from webui.errors import OptionsError, StudioError
from webui.live import protocol
from webui.live.kept import read_spans
from webui.live.protocol import Resume, Start, Stop, Tune
from webui.live.runner import Outlet, Runner
from webui.stream_errors import (
    ClipGoneError,
    ConnectionsFullError,
    StreamGoneError,
    StreamMessageError,
    StreamRateError,
    StreamSizeError,
    StreamStartError,
)
from webui.ui.headers import AS_DECLARED
from webui.ui.i18n import Texts
from webui.ui.language import preferred_language
from webui.ui.routes import texts_of
from webui.vad.scorers import STAGES

if TYPE_CHECKING:
    from webui.engine.stream import EngineStream
    from webui.live.session import Told
    from webui.ui.lives import Live
    from webui.ui.studio import Studio

MAX_FRAME_BYTES = 4 * protocol.MOST_BINARY_BYTES
"""Of a message that the server reads at all; what is above the protocol's limits is told so."""

# Connections that may wait to begin, beside one for each stream.
_MORE_GREETINGS = 16
_STAGE_S = 0.02
# What becomes of a stream whose connection ends with one of these codes of RFC 6455: its client
# is done, or has sent what no WebSocket may. After any other one it may come back.
_REASONS = {1000: "closed", 1001: "closed", **dict.fromkeys((1002, 1003, 1007, 1009), "refused")}
_LAST_WORDS_S = 10.0


def routes(studio: Studio) -> list[BaseRoute]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        WebSocketRoute("/stream", desk.stream),
        Route("/live/{stream}/clip.wav", desk.clip, methods=["GET"]),
    ]


class Greetings:
    """The connections that have not said yet what they want: bounded, like streams.

    Args:
        most: of them at once.
    """

    def __init__(self, most: int) -> None:
        self._most, self._count = most, 0

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Wait for what one of them says.

        Raises:
            ConnectionsFullError: there are too many.
        """
        if self._count >= self._most:
            raise ConnectionsFullError(connections=self._count)
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        # All streams may come back at once.
        self._greetings = Greetings(studio.settings.max_streams + _MORE_GREETINGS)

    async def stream(self, socket: WebSocket) -> None:
        await socket.accept()
        language = preferred_language(socket.headers.get("accept-language", ""))
        with contextlib.suppress(WebSocketDisconnect):
            await _Connection(self._studio, socket, language, self._greetings).serve()

    async def clip(self, request: Request) -> Response:
        texts = texts_of(request)
        query = request.query_params
        try:
            live = self._studio.lives.find(request.path_params["stream"], query.get("key", ""))
            start_ms, end_ms = _span_of(query.get("start_ms", ""), query.get("end_ms", ""))
            clip = self._studio.lives.clip
            header, spans = await asyncio.to_thread(clip, live, start_ms, end_ms)
        except StudioError as error:
            is_gone = isinstance(error, (StreamGoneError, ClipGoneError))
            return PlainTextResponse(error.message(texts.language), 404 if is_gone else 400)
        size = len(header) + sum(span.size_bytes for span in spans)

        def sound() -> Iterator[bytes]:
            yield header
            yield from read_spans(spans)

        name = texts("stream.clip_name", at=f"{start_ms / 1000:.3f}-{end_ms / 1000:.3f}")
        headers = {
            "content-length": str(size),
            "cache-control": "no-store",
            "content-disposition": f"inline; filename*=UTF-8''{quote(name)}.wav",
            **AS_DECLARED,
        }
        return StreamingResponse(sound(), media_type="audio/wav", headers=headers)


class _Connection:
    """One WebSocket: what it says goes to a stream, what the stream says goes to it.

    Args:
        studio: what all sessions share.
        socket: accepted.
        language: of errors, until the client names one.
        greetings: counts the connections that have said nothing yet.
    """

    def __init__(
        self, studio: Studio, socket: WebSocket, language: str, greetings: Greetings
    ) -> None:
        self._studio, self._socket, self._language = studio, socket, language
        self._greetings = greetings
        self._idle_s = studio.settings.stream_idle_s
        self._incoming: asyncio.Task[Any] | None = None

    async def serve(self) -> None:
        """Serve it until it ends.

        Raises:
            WebSocketDisconnect: it is gone.
        """
        try:
            live, resume = await self._begin()
        except StudioError as error:
            await self._send(protocol.error_message(error, self._language))
            await self._end(protocol.close_code(error))
        else:
            await self._converse(live, resume)
        finally:
            if self._incoming is not None:
                self._incoming.cancel()

    async def _begin(self) -> tuple[Live, Resume | None]:
        """Hear what the client wants: a new stream, or its old one.

        Raises:
            StudioError: it cannot have it.
        """
        try:
            with self._greetings.one():
                first = await asyncio.wait_for(self._receive(), self._idle_s)
        except asyncio.TimeoutError:
            raise StreamStartError(idle_s=f"{self._idle_s:g}") from None
        if isinstance(first, bytes):
            raise StreamMessageError(
                reason="sound before the stream was started; send start first",
                reason_zh="实时流尚未开始就收到了声音，请先发送 start",
            )
        given = protocol.parse(first)
        self._language = protocol.language_of(given, self._language)
        message = protocol.read(given)
        if isinstance(message, Start):
            return await self._start(message), None
        if isinstance(message, Resume):
            return self._studio.lives.find(message.stream, message.key), message
        raise StreamMessageError(
            reason="no stream was started; send start or resume first",
            reason_zh="实时流尚未开始，请先发送 start 或 resume",
        )

    async def _start(self, start: Start) -> Live:
        most = self._studio.settings.stream_bytes_per_s
        if start.pcm.bytes_per_s > most:
            raise StreamRateError(bytes_per_s=start.pcm.bytes_per_s, most=most)
        engine = self._studio.settings.engine if start.engine == "auto" else start.engine
        source = self._studio.engine.open_stream(start.pcm, engine=engine)
        try:
            await self._loaded(source)
            texts = Texts(self._language)
            name = texts("stream.recording_name", at=time.strftime("%Y-%m-%d %H.%M.%S"))
            return self._studio.lives.begin(source, start, f"{name}.wav", self._language)
        except BaseException:
            source.close()
            raise

    async def _loaded(self, source: EngineStream) -> None:
        """Tell how far the model is until it is loaded.

        Raises:
            StudioError: it cannot be.
            WebSocketDisconnect: the client does not wait.
        """
        told = ""
        # What the client says meanwhile waits; that it is gone does not.
        self._incoming = asyncio.create_task(self._socket.receive())
        while not source.ready.done():
            stage = source.stage
            if stage and stage != told:
                told = stage
                line = STAGES.get(stage, {}).get(self._language, "")
                await self._send({"type": "loading", "stage": stage, "text": line})
            if self._incoming.done():
                await asyncio.sleep(_STAGE_S)
            else:
                await asyncio.wait({self._incoming}, timeout=_STAGE_S)
            if self._incoming.done() and _is_disconnect(self._incoming.result()):
                raise WebSocketDisconnect(protocol.CLOSE_NORMAL)
        source.ready.result()

    async def _converse(self, live: Live, resume: Resume | None) -> None:
        outlet = Outlet()
        runner = live.runner
        if runner is not None:
            await runner.attach(outlet, lambda: self._ready(live, runner), resume)
        elif live.ended is not None:
            outlet.close(live.ended.message, live.ended.code)
        pump = asyncio.create_task(self._pump(outlet))
        listen = asyncio.create_task(self._listen(runner, outlet))
        closed = asyncio.create_task(outlet.wait_closed())
        try:
            await asyncio.wait({pump, listen, closed}, return_when=asyncio.FIRST_COMPLETED)
            if pump.done() and not closed.done():
                if not isinstance(pump.exception(), WebSocketDisconnect):
                    pump.result()
                # It takes nothing any more; how it left stands behind what it has sent.
                outlet.close()
                await asyncio.wait({listen})
                await self._left(runner, outlet, listen.exception())
            elif listen.done() and not closed.done():
                error = listen.exception()
                if isinstance(error, StudioError):
                    told = protocol.error_message(error, self._language)
                    outlet.close(told, protocol.close_code(error))
                if error is not None:
                    await self._left(runner, outlet, error)
                else:  # it said that it is done
                    await asyncio.wait({pump, closed}, return_when=asyncio.FIRST_COMPLETED)
            # Whoever takes nothing in is not waited for.
            await asyncio.wait({pump}, timeout=_LAST_WORDS_S)
            if pump.done():
                pump.result()
        finally:
            for task in (pump, listen, closed):
                task.cancel()
            await asyncio.gather(pump, listen, closed, return_exceptions=True)
            if runner is not None:
                runner.detach(outlet)

    async def _listen(self, runner: Runner | None, outlet: Outlet) -> None:
        """Hand on what the client says; return when it says that it is done.

        Raises:
            StudioError: it says what it may not.
            WebSocketDisconnect: it is gone.
        """
        while runner is not None:
            said = await self._receive()
            if isinstance(said, bytes):
                await runner.feed(outlet, said)
                continue
            given = protocol.parse(said)
            try:
                message = protocol.read(given)
            except OptionsError as error:
                if given["type"] != "tune":
                    raise
                # Sliders may contradict each other on their way: no reason to end a stream.
                await outlet.put(protocol.error_message(error, self._language, fatal=False))
                continue
            if isinstance(message, Tune):
                await runner.tune(outlet, message)
            elif isinstance(message, Stop):
                await runner.end("stop", outlet)
                return
            else:
                raise StreamMessageError(
                    reason="the stream was started already", reason_zh="实时流已经开始"
                )

    async def _left(
        self, runner: Runner | None, outlet: Outlet, error: BaseException | None
    ) -> None:
        """End the stream of a client that will not come back.

        Raises:
            BaseException: the error, where it is no fault of the client, nor its leaving.
        """
        if isinstance(error, WebSocketDisconnect):
            reason = _REASONS.get(error.code, "")
        elif isinstance(error, StudioError):
            reason = "refused"
        elif error is not None:
            raise error
        else:
            return
        if runner is not None and reason:
            await runner.leave(outlet, reason)

    async def _pump(self, outlet: Outlet) -> None:
        while (message := await outlet.get()) is not None:
            await self._send(message)
        await self._end(outlet.code)

    async def _receive(self) -> str | bytes:
        """Wait for the next message.

        Raises:
            StreamSizeError: it is too large.
            WebSocketDisconnect: there will be none.
        """
        incoming, self._incoming = self._incoming, None
        message = await (self._socket.receive() if incoming is None else incoming)
        if _is_disconnect(message):
            raise WebSocketDisconnect(message.get("code", protocol.CLOSE_NORMAL))
        data: bytes | None = message.get("bytes")
        if data is None:
            text: str = message["text"]
            return text
        if len(data) > protocol.MOST_BINARY_BYTES:
            raise StreamSizeError(size=len(data), most=protocol.MOST_BINARY_BYTES)
        return data

    async def _send(self, message: Told) -> None:
        await self._socket.send_text(json.dumps(message, separators=(",", ":")))

    async def _end(self, code: int) -> None:
        with contextlib.suppress(RuntimeError):  # the client was faster
            await self._socket.close(code)

    def _ready(self, live: Live, runner: Runner) -> Told:
        session = runner.session
        receipt = session.source.receipt
        return {
            "type": "ready",
            "stream": live.stream,
            "key": live.key,
            "received_bytes": session.received_bytes,
            "engine": receipt.engine if receipt else "",
            "options": session.options.as_dict(),
            "keep_ms": round(self._studio.settings.live_keep_s * 1000) if session.kept else 0,
        }


def _is_disconnect(message: Mapping[str, Any]) -> bool:
    kind: str = message["type"]
    return kind == "websocket.disconnect"


def _span_of(start_ms: str, end_ms: str) -> tuple[int, int]:
    """Read the part that a clip is to have.

    Raises:
        StreamMessageError: it is none.
    """
    try:
        start, end = int(start_ms), int(end_ms)
    except ValueError:
        start = end = -1
    if not 0 <= start < end:
        raise StreamMessageError(
            reason="start_ms and end_ms must be whole numbers, the one below the other",
            reason_zh="start_ms 和 end_ms 必须是整数，且前者小于后者",
        )
    return start, end
