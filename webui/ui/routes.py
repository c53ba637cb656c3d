"""Plain HTTP beside Gradio: a result's files and figures; and uploads.

A result's address holds an id that cannot be
guessed; its options are in the query, so that a link always gives what these detect.
Regions by hand are not: with ``edited=1`` a link gives those of now, not those of when it
was made, and nothing once none are left.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from webui import formats
from webui.errors import LANGUAGES, FormatError, StudioError
from webui.plots.apart import encode_apart
from webui.ui import comparison, uploads, views
from webui.ui.headers import AS_DECLARED
from webui.ui.i18n import Texts
from webui.ui.session import renamed
from webui.vad.options import VadOptions, option_names

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.ui.studio import Studio
    from webui.vad.scores import SpeechScores

FIGURES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
# Of a format that there is not, so many are told.
_KIND_LETTERS = 30
# What a spreadsheet takes for the start of a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        *uploads.routes(studio),
        Route("/results/{result_id}/segments.{kind}", desk.segments, methods=["GET"]),
        Route("/results/{result_id}/figure.{kind}", desk.figure, methods=["GET"]),
    ]


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def segments(self, request: Request) -> Response:
        entry = self._entry(request)
        kind = request.path_params["kind"]
        if entry is None:
            return _gone(request)
        if kind not in formats.FORMATS:
            return _no_format(request, kind, formats.FORMATS)
        try:
            options = options_of(request)
        except StudioError as error:
            return PlainTextResponse(error.message(texts_of(request).language), 400)
        form = formats.FORMATS[kind]
        tracks = tuple(map(_without_formula, entry.tracks)) if kind == "csv" else entry.tracks
        edits = entry.edits if views.EDITED_KEY in request.query_params else {}
        outcome = await run_in_threadpool(formats.Outcome.of, tracks, options, edits)
        try:
            body = await run_in_threadpool(encoded, outcome, form)
        except FormatError as error:
            return PlainTextResponse(error.message(texts_of(request).language), 400)
        headers = _attachment(request, entry, form.suffix)
        return Response(body, media_type=form.media_type, headers=headers)

    async def figure(self, request: Request) -> Response:
        entry = self._entry(request)
        kind = request.path_params["kind"]
        if entry is None:
            return _gone(request)
        if kind not in FIGURES:
            return _no_format(request, kind, FIGURES)
        language = texts_of(request).language
        try:
            options = options_of(request)
            kept = kept_of(request)
        except StudioError as error:
            return PlainTextResponse(error.message(language), 400)
        edits = entry.edits if views.EDITED_KEY in request.query_params else {}

        def draw() -> bytes:
            outcome = formats.Outcome.of(entry.tracks, options, edits)
            a = None if kept is None else formats.Outcome.of(entry.tracks, kept)
            return encode_apart(outcome, kind, kept=a, language=language)

        body = await run_in_threadpool(draw)
        return Response(
            body, media_type=FIGURES[kind], headers=_attachment(request, entry, f".{kind}")
        )

    def _entry(self, request: Request) -> Entry | None:
        """The result that is asked for; None if it is forgotten, or its regions by hand are."""
        entry = self._studio.cache.get(request.path_params["result_id"])
        wants_edits = views.EDITED_KEY in request.query_params
        return None if entry is None or (wants_edits and not entry.is_edited) else entry


def encoded(outcome: formats.Outcome, form: formats.Format) -> bytes:
    """Write a result as a file for download.

    Raises:
        FormatError: the format cannot hold it.
    """
    if form.name == "json":
        form.check(outcome)
        return json.dumps(formats.as_dict(outcome), ensure_ascii=False, indent=2).encode()
    stream = io.StringIO(newline="")
    form.write([outcome], stream)
    # A spreadsheet takes CSV for UTF-8 only with a byte order mark.
    return stream.getvalue().encode("utf-8-sig" if form.name == "csv" else "utf-8")


def _without_formula(scores: SpeechScores) -> SpeechScores:
    """Have a file name that a spreadsheet would compute taken as text."""
    if not scores.audio.file.startswith(_FORMULA_STARTS):
        return scores
    return renamed((scores,), f"'{scores.audio.file}")[0]


def texts_of(request: Request) -> Texts:
    """Return the words of the language that a request asks for."""
    language = request.query_params.get("language", "en")
    return Texts(language if language in LANGUAGES else "en")


def options_of(request: Request) -> VadOptions:
    """Return the options in a request's query, the defaults for those that are not.

    Raises:
        OptionsError: a value is wrong.
    """
    known = option_names()
    given = {key: value for key, value in request.query_params.items() if key in known}
    return VadOptions.from_mapping(given)


def kept_of(request: Request) -> VadOptions | None:
    """Return the options of A in a request's query, None if there are none.

    Raises:
        OptionsError: a value is wrong.
    """
    given = request.query_params.get(views.KEPT_KEY)
    return None if given is None else comparison.read(given)


def _gone(request: Request) -> Response:
    return PlainTextResponse(texts_of(request)("result.forgotten"), 404)


def _no_format(request: Request, kind: str, known: Iterable[str]) -> Response:
    text = texts_of(request)("result.no_format", kind=kind[:_KIND_LETTERS], known=", ".join(known))
    return PlainTextResponse(text, 404)


def _attachment(request: Request, entry: Entry, suffix: str) -> dict[str, str]:
    headers = {"cache-control": "no-store", **AS_DECLARED}
    if "inline" not in request.query_params:
        name = quote(Path(entry.scores.audio.file).stem + suffix)
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{name}"
    return headers
