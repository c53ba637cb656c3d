"""The routes of batches: begun, fed, asked, stopped, gone on with, opened, taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from webui.audio.cuts.process import CutProcess
from webui.audio.report import CHANNEL_CHOICES
from webui.batch.naming import STATE, SUMMARY, result_suffixes
from webui.errors import AudioError, StudioError
from webui.formats import FORMATS
from webui.ui import views, words
from webui.ui.access import is_own_origin
from webui.ui.batches.batches import Wish
from webui.ui.batches.row import STATES
from webui.ui.batches.sound import CutRow, cut_batch
from webui.ui.batches.view import batch_value
from webui.ui.cutting import MOST_DIGITS, kind_of, rate_of
from webui.ui.headers import AS_DECLARED
from webui.ui.routes import texts_of
from webui.vad.options import VadOptions
from webui.vad.scorers import SCORERS
from webui.zipped import zipped

if TYPE_CHECKING:
    from webui.ui.batches.batch import Batch
    from webui.ui.batches.row import Row
    from webui.ui.studio import Studio

_PAGE_ROWS = 100
# A name takes some 100 bytes; a path on no system more than 4096.
_BYTES_PER_FILE = 8192
_REASON_LETTERS = 300


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    row = "/batches/{batch_id}/files/{number}"
    return [
        Route("/batches", desk.begin, methods=["POST"]),
        Route("/batches/{batch_id}", desk.show, methods=["GET"]),
        Route("/batches/{batch_id}", desk.remove, methods=["DELETE"]),
        Route("/batches/{batch_id}/stop", desk.stop, methods=["POST"]),
        Route("/batches/{batch_id}/left", desk.left, methods=["POST"]),
        Route("/batches/{batch_id}/go_on", desk.go_on, methods=["POST"]),
        Route(row, desk.give, methods=["POST"]),
        Route(f"{row}/open", desk.open, methods=["POST"]),
        Route("/batches/{batch_id}/labels.zip", desk.labels, methods=["GET"]),
        Route("/batches/{batch_id}/sound.zip", desk.sound, methods=["GET"]),
    ]


class _WrongError(Exception):
    """A request that is none of this page's.

    Args:
        status: of the answer.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._batches = studio.batches

    async def begin(self, request: Request) -> Response:
        """Begin a batch of files that will be sent, or of a folder of this machine."""
        texts = texts_of(request)
        try:
            wish = _wish(await self._body(request), texts.language)
            batch = await run_in_threadpool(self._batches.begin, wish)
        except StudioError as error:
            return PlainTextResponse(words.readable(error.message(texts.language)), 400)
        except _WrongError as error:
            return _wrong(request, error)
        return JSONResponse({"id": batch.id}, 201)

    async def show(self, request: Request) -> Response:
        """Tell how a batch stands, and some of its rows."""
        batch = self._batches.find(request.path_params["batch_id"])
        texts = texts_of(request)
        if batch is None:
            return PlainTextResponse(texts("batch.forgotten"), 404)
        query = request.query_params
        if "sending" in query:
            batch.heard()
        only = query.get("only", "")
        value = await run_in_threadpool(
            batch_value,
            batch,
            texts,
            first=_number(query.get("first", "")),
            count=_PAGE_ROWS,
            only=only if only in STATES else "",
        )
        return JSONResponse(value, headers={"cache-control": "no-store", **AS_DECLARED})

    async def give(self, request: Request) -> Response:
        """Take an upload as the file of a row, or why there is none."""
        try:
            batch, row = self._row(request)
            body = await self._body(request)
        except _WrongError as error:
            return _wrong(request, error)
        batch.heard()
        problem = body.get("problem")
        if problem is not None:
            told = str(problem)[:_REASON_LETTERS]
            batch.refuse(row, AudioError(file=row.name, reason=told, reason_zh=told))
            return JSONResponse({})
        given = await run_in_threadpool(self._batches.give, batch, row, str(body.get("upload")))
        return JSONResponse({}) if given else _wrong(request, _WrongError(409))

    async def stop(self, request: Request) -> Response:
        """Stop a batch; what is done stays."""
        try:
            batch = self._batch(request)
        except _WrongError as error:
            return _wrong(request, error)
        batch.stop()
        return JSONResponse({})

    async def left(self, request: Request) -> Response:
        """Hear that the page that sends the files of a batch is being closed."""
        try:
            self._batch(request).left()
        except _WrongError as error:
            return _wrong(request, error)
        return JSONResponse({})

    async def go_on(self, request: Request) -> Response:
        """Go on with a batch that ended early; tell which files are to be sent."""
        try:
            batch = self._batch(request)
        except _WrongError as error:
            return _wrong(request, error)
        if not await run_in_threadpool(batch.go_on):
            if not batch.is_kept:
                return _wrong(request, _WrongError(404))
            return PlainTextResponse(texts_of(request)("batch.no_going_on"), 409)
        unsent = [row.number for row in batch.rows if row.state == "unsent"]
        return JSONResponse({"unsent": unsent})

    async def remove(self, request: Request) -> Response:
        """Delete a batch with all that belongs to it."""
        try:
            batch = self._batch(request)
        except _WrongError as error:
            return _wrong(request, error)
        await run_in_threadpool(self._batches.remove, batch)
        return JSONResponse({})

    async def open(self, request: Request) -> Response:
        """Make what was scored of a file a result of the page, and tell its address."""
        texts = texts_of(request)
        try:
            batch, row = self._row(request)
        except _WrongError as error:
            return _wrong(request, error)
        result_id = await run_in_threadpool(self._batches.open, batch, row)
        entry = self._studio.cache.get(result_id) if result_id else None
        if entry is None:
            return PlainTextResponse(texts("result.forgotten"), 404)
        return JSONResponse({"query": views.address(result_id, entry, batch.order.options, None)})

    async def labels(self, request: Request) -> Response:
        """All that was written so far, in an archive."""
        batch = self._batches.find(request.path_params["batch_id"])
        if batch is None or not batch.is_kept:
            return PlainTextResponse(texts_of(request)("batch.forgotten"), 404)
        name = f"{texts_of(request)('batch.file')}.zip"
        headers = {
            "cache-control": "no-store",
            **AS_DECLARED,
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        }
        parts = zipped(_members(batch.output))
        return StreamingResponse(parts, media_type="application/zip", headers=headers)

    async def sound(self, request: Request) -> Response:
        """The segments of every file that is done, with their labels, in an archive."""
        batch = self._batches.find(request.path_params["batch_id"])
        texts = texts_of(request)
        if batch is None or not batch.is_kept:
            return PlainTextResponse(texts("batch.forgotten"), 404)
        kind, rate = kind_of(request), rate_of(request)
        used = [
            row
            for row in batch.rows
            if row.state == "done" and row.recording is not None and row.recording.use()
        ]
        if not used:
            return PlainTextResponse(texts("batch.no_sound"), 404)
        rows = [_cut_row(batch, row) for row in used]

        def begin() -> CutProcess:
            return CutProcess(
                self._studio.workspace.directory,
                "batch",
                self._studio.settings.stall_timeout_s,
                cut_batch,
                rows=rows,
                options=batch.order.options,
                kind=kind,
                rate=rate,
                language=texts.language,
            )

        def done() -> None:
            for row in used:
                if row.recording is not None:
                    row.recording.done()

        return await self._studio.cutters.answer(
            request, begin, f"{texts('batch.sound_file')}.zip", done
        )

    def _batch(self, request: Request) -> Batch:
        if not is_own_origin(request.headers):
            raise _WrongError(403)
        batch = self._batches.find(request.path_params["batch_id"])
        if batch is None:
            raise _WrongError(404)
        return batch

    def _row(self, request: Request) -> tuple[Batch, Row]:
        batch = self._batch(request)
        given: str = request.path_params["number"]
        if not given.isdecimal() or len(given) > MOST_DIGITS:
            raise _WrongError(400)
        number = int(given)
        if number >= len(batch.rows):
            raise _WrongError(404)
        return batch, batch.rows[number]

    async def _body(self, request: Request) -> dict[str, Any]:
        """Read a JSON object of bounded size.

        Raises:
            _WrongError: it is none, or another site's.
        """
        if not is_own_origin(request.headers):
            raise _WrongError(403)
        most = self._studio.settings.batch_files * _BYTES_PER_FILE
        parts = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise _WrongError(413)
            parts.append(part)
        try:
            body = json.loads(b"".join(parts))
        except ValueError:
            raise _WrongError(400) from None
        if not isinstance(body, dict):
            raise _WrongError(400)
        return body


def _wish(body: dict[str, Any], language: str) -> Wish:
    """Read what a page asks for.

    Raises:
        OptionsError: the options are wrong.
        _WrongError: anything else is.
    """
    channel = next((each for each in CHANNEL_CHOICES if each == body.get("channel", "mix")), None)
    engine = body.get("engine", "auto")
    formats = body.get("formats", ["json"])
    options = body.get("options", {})
    files = body.get("files", [])
    is_read = (
        channel is not None
        and isinstance(engine, str)
        and (engine == "auto" or engine in SCORERS)
        and isinstance(formats, list)
        and bool(formats)
        and all(isinstance(name, str) and name in FORMATS for name in formats)
        and isinstance(options, dict)
        and isinstance(files, list)
        and all(_is_file(file) for file in files)
    )
    if not is_read or channel is None:
        raise _WrongError(400)
    return Wish(
        options=VadOptions.from_mapping(options),
        channel=channel,
        engine=engine,
        formats=tuple(dict.fromkeys(formats)),
        files=[(file["name"], file["size"]) for file in files],
        folder=str(body.get("folder") or ""),
        language=language,
    )


def _is_file(given: object) -> bool:
    if not isinstance(given, dict):
        return False
    name, size = given.get("name"), given.get("size")
    return isinstance(name, str) and isinstance(size, int) and not isinstance(size, bool)


def _wrong(request: Request, error: _WrongError) -> Response:
    texts = texts_of(request)
    if error.status == 403:
        return PlainTextResponse(texts("access.foreign_origin"), 403)
    if error.status == 404:
        return PlainTextResponse(texts("batch.forgotten"), 404)
    return PlainTextResponse(texts("batch.wrong"), error.status)


def _number(given: str) -> int:
    return int(given[:MOST_DIGITS]) if given.isdecimal() else 0


def _members(output: Path) -> Iterator[tuple[str, BinaryIO]]:
    """The results in a directory, the summary first; not the journal."""
    found = [path for path in output.rglob("*") if path.is_file()]
    for path in sorted(found, key=lambda path: (path.name != SUMMARY, path)):
        name = path.relative_to(output)
        if name.parts[0] != STATE:
            yield name.as_posix(), path.open("rb")


def _cut_row(batch: Batch, row: Row) -> CutRow:
    assert row.recording is not None
    stem = batch.stems[row.number]
    labels = [stem + suffix for suffix in result_suffixes(batch.order.formats)]
    return CutRow(
        str(row.recording.path),
        str(batch.scores_path(row)),
        stem,
        tuple((name, str(batch.output / name)) for name in labels),
    )
