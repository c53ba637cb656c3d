"""The sound of a result's segments, for download: cut in a process, handed on as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from webui import formats
from webui.audio.cuts.names import cut_names, name_stem
from webui.audio.cuts.process import CutProcess, Work, cut_archive, join_speech
from webui.audio.cuts.spans import CUT_FORMATS, CUT_RATES, CutFormat, CutRate, Span
from webui.audio.cuts.table import Cutting
from webui.errors import StudioError
from webui.ui import views
from webui.ui.batches.sound import spans_of
from webui.ui.headers import AS_DECLARED
from webui.ui.routes import encoded, options_of, texts_of

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.ui.studio import Studio

# Each has a process of its own.
_MOST_AT_ONCE = 6
# Python reads no number of any length.
MOST_DIGITS = 9
_LONGEST_PAUSE_MS = 60_000
_LABELS = ("json", "audacity")
_MEDIA_TYPES = {"wav": "audio/wav", "flac": "audio/flac", "zip": "application/zip"}

_Choice = TypeVar("_Choice")
Begin = Callable[[], CutProcess]


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        Route("/results/{result_id}/cuts.zip", desk.cuts, methods=["GET"]),
        Route("/results/{result_id}/speech", desk.speech, methods=["GET"]),
    ]


class Cutters:
    """Begins what cuts, of which there are so many at once."""

    def __init__(self) -> None:
        self._running: set[CutProcess] = set()
        self._begun = 0

    async def answer(
        self,
        request: Request,
        begin: Begin,
        name: str,
        done: Callable[[], object] = lambda: None,
    ) -> Response:
        """Answer with what a process gives, once it has begun to give something.

        Args:
            request: that is answered.
            begin: starts the process.
            name: of the download.
            done: called when nothing is read of the recordings any more.
        """
        texts = texts_of(request)
        if self._begun >= _MOST_AT_ONCE:
            done()
            return PlainTextResponse(texts("cutting.busy"), 503)
        self._begun += 1
        parts = self._parts(begin, done)
        try:
            first = await anext(parts, b"")
        except (StudioError, OSError) as error:
            if isinstance(error, StudioError):
                return PlainTextResponse(error.message(texts.language), 400)
            return PlainTextResponse(texts("cutting.failed"), 503)
        headers = {
            "cache-control": "no-store",
            **AS_DECLARED,
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        }
        kind = _MEDIA_TYPES[name.rpartition(".")[2]]
        return _Cut(first, parts, media_type=kind, headers=headers)

    def close(self) -> None:
        """End what still cuts."""
        for process in list(self._running):
            process.end()

    async def _parts(self, begin: Begin, done: Callable[[], object]) -> AsyncGenerator[bytes, None]:
        begun: list[CutProcess] = []
        try:
            # A list: what was begun is known here even where its answer is not waited for.
            await run_in_threadpool(lambda: begun.append(begin()))
            self._running.update(begun)
            while (part := await run_in_threadpool(begun[0].take)) is not None:
                if part:
                    yield part
        finally:
            # Also where the client is gone; nothing is awaited, since that may be refused then.
            self._begun -= 1
            for process in begun:
                self._running.discard(process)
                process.end()
            done()


class _Cut(StreamingResponse):
    """Ends what cuts as soon as nobody takes it any more.

    Args:
        first: part.
        parts: the others.
        given: as of any response.
    """

    def __init__(self, first: bytes, parts: AsyncGenerator[bytes, None], **given: Any) -> None:
        self._parts = parts

        async def body() -> AsyncGenerator[bytes, None]:
            yield first
            async for part in parts:
                yield part

        super().__init__(body(), **given)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._parts.aclose()


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def cuts(self, request: Request) -> Response:
        """Each segment as a file, with labels, in an archive."""
        found = await self._found(request)
        if isinstance(found, Response):
            return found
        entry, outcome, spans = found
        kind, rate = kind_of(request), rate_of(request)
        path = entry.recording.path
        stem = name_stem(path)
        try:
            cutting = Cutting(
                str(path),
                outcome.audio.file,
                spans,
                cut_names(stem, spans, f".{kind}"),
                [segment.confidence for _, segment in outcome.segments],
                _labels(stem, outcome),
            )
        except StudioError as error:
            entry.recording.done()
            return PlainTextResponse(error.message(texts_of(request).language), 400)

        def begin() -> CutProcess:
            return self._process(path.name, cut_archive, cutting=cutting, kind=kind, rate=rate)

        name = f"{Path(entry.recording.name).stem}-{texts_of(request)('cutting.segments_file')}.zip"
        return await self._studio.cutters.answer(request, begin, name, entry.recording.done)

    async def speech(self, request: Request) -> Response:
        """Speech in a row, pauses between left out or shortened."""
        given = request.query_params.get("max_pause_ms", "0")
        if not given.isdecimal() or len(given) > MOST_DIGITS:
            return PlainTextResponse(texts_of(request)("cutting.wrong_pause"), 400)
        pause_ms = min(int(given), _LONGEST_PAUSE_MS)
        found = await self._found(request)
        if isinstance(found, Response):
            return found
        entry, _, spans = found
        kind, rate = kind_of(request), rate_of(request)
        path = entry.recording.path

        def begin() -> CutProcess:
            return self._process(
                path.name,
                join_speech,
                path=str(path),
                spans=spans,
                max_pause_ms=pause_ms,
                kind=kind,
                rate=rate,
            )

        what = "cutting.shortened_file" if pause_ms else "cutting.speech_file"
        name = f"{Path(entry.recording.name).stem}-{texts_of(request)(what)}.{kind}"
        return await self._studio.cutters.answer(request, begin, name, entry.recording.done)

    async def _found(
        self, request: Request
    ) -> tuple[Entry, formats.Outcome, list[Span]] | Response:
        """The result that is asked for, its recording in use, or what to answer."""
        texts = texts_of(request)
        entry = self._studio.cache.get(request.path_params["result_id"])
        wants_edits = views.EDITED_KEY in request.query_params
        if entry is None or (wants_edits and not entry.is_edited):
            return PlainTextResponse(texts("result.forgotten"), 404)
        try:
            options = options_of(request)
        except StudioError as error:
            return PlainTextResponse(error.message(texts.language), 400)
        if not entry.recording.use():
            return PlainTextResponse(texts("result.recording_gone"), 404)
        edits = entry.edits if wants_edits else {}
        outcome = await run_in_threadpool(formats.Outcome.of, entry.tracks, options, edits)
        return entry, outcome, spans_of(outcome)

    def _process(self, file: str, work: Work, **given: Any) -> CutProcess:
        settings = self._studio.settings
        directory = self._studio.workspace.directory
        return CutProcess(directory, file, settings.stall_timeout_s, work, **given)


def _labels(stem: str, outcome: formats.Outcome) -> tuple[tuple[str, bytes], ...]:
    """Labels of a recording, in the formats that can hold it."""
    kinds = [formats.FORMATS[name] for name in _LABELS]
    return tuple((stem + form.suffix, encoded(outcome, form)) for form in kinds)


def kind_of(request: Request) -> CutFormat:
    """Return the kind of file that a request asks for."""
    return _one_of(CUT_FORMATS, request.query_params.get("kind"))


def rate_of(request: Request) -> CutRate:
    """Return the rate that a request asks for."""
    return _one_of(CUT_RATES, request.query_params.get("rate"))


def _one_of(choices: tuple[_Choice, ...], given: str | None) -> _Choice:
    return next((choice for choice in choices if choice == given), choices[0])
