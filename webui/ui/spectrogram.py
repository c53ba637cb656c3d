"""Spectrograms over plain HTTP, in parts.

A part's address names the result, the version of its scores, track, time and columns,
so that a browser may keep it for good and panning back costs nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from webui.engine.spectrograms import Drawing, Order
from webui.errors import EngineBusyError, FileMissingError, JobCancelledError, StudioError
from webui.ui.headers import AS_DECLARED, FOREVER
from webui.ui.routes import texts_of
from webui.ui.tiles import version
from webui.vad.fbank import MEL_BINS
from webui.vad.spectrogram import LONGEST_MS, MOST_COLUMNS, Part, Scale

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.ui.studio import Studio
    from webui.vad.scores import SpeechScores

_NOT_KEPT = {"cache-control": "no-store"}
_ASKED_EVERY_S = 0.25


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    address = "/results/{result_id}/spectrogram/{version}/{track:int}"
    return [Route(address, desk.spectrogram, methods=["GET"])]


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def spectrogram(self, request: Request) -> Response:
        texts = texts_of(request)
        entry = self._studio.cache.get(request.path_params["result_id"])
        track = request.path_params["track"]
        if (
            entry is None
            or request.path_params["version"] != version(entry)
            or track >= len(entry.tracks)
        ):
            return _refusal(texts("result.forgotten"), 404)
        asked = _whole_numbers(request, "start_ms", "end_ms", "columns")
        if asked is None:
            return _refusal(texts("result.spectrogram_part", most=MOST_COLUMNS), 400)
        if asked[1] - asked[0] > LONGEST_MS:
            return _refusal(texts("result.spectrogram_zoom", s=LONGEST_MS // 1000), 400)
        try:
            part = Part(*asked)
        except ValueError:
            return _refusal(texts("result.spectrogram_part", most=MOST_COLUMNS), 400)
        # In use, so that it is not deleted under the reader.
        if not entry.recording.use():
            return _refusal(texts("result.recording_gone"), 404)
        try:
            return await self._drawn(request, entry, entry.tracks[track], part)
        except FileMissingError:
            return _refusal(texts("result.recording_gone"), 404)
        except StudioError as error:
            status = 503 if isinstance(error, EngineBusyError) else 422
            return _refusal(error.message(texts.language), status)
        finally:
            entry.recording.done()

    async def _drawn(
        self, request: Request, entry: Entry, scores: SpeechScores, part: Part
    ) -> Response:
        scale = await run_in_threadpool(Scale.of, scores.peaks)
        order = Order(entry.recording.path, scores.audio, part, scale)
        drawing = self._studio.spectrograms.draw(order)
        try:
            picture = await _waited(request, drawing)
        finally:
            drawing.drop()
        headers = {
            "cache-control": FOREVER,
            "x-spectrogram-rows": str(MEL_BINS),
            "x-spectrogram-columns": str(part.columns),
            # Natural logarithms of the mel energies that 0 and 255 stand for.
            "x-spectrogram-floor": f"{scale.floor:.3f}",
            "x-spectrogram-ceiling": f"{scale.ceiling:.3f}",
            **AS_DECLARED,
        }
        return Response(picture, media_type="application/octet-stream", headers=headers)


async def _waited(request: Request, drawing: Drawing) -> bytes:
    """Wait for a picture for as long as somebody wants it.

    Raises:
        AudioError: there is none.
        JobCancelledError: the browser does not wait any more.
    """
    picture = asyncio.wrap_future(drawing.picture)
    try:
        while not (await asyncio.wait({picture}, timeout=_ASKED_EVERY_S))[0]:
            if await request.is_disconnected():
                raise JobCancelledError
        return picture.result()
    finally:
        # Only here: nobody looks at what becomes of it.
        picture.cancel()


def _whole_numbers(request: Request, *names: str) -> list[int] | None:
    values = [request.query_params.get(name, "") for name in names]
    # No longer than any time: what has more digits would take long to be read.
    if not all(value.isascii() and value.isdecimal() and len(value) < 12 for value in values):
        return None
    return [int(value) for value in values]


def _refusal(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, _NOT_KEPT)
