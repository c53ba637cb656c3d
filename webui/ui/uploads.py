"""Uploads, from the page and through the API, streamed to the workspace and counted there.

The page sends the bytes of a file with PUT. Gradio's clients send a form, as to Gradio's own
route, which stands in no count: this one takes its address, writes the one file of the form
as it comes in, and answers with the upload's id where Gradio answers with a path.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from webui.errors import LANGUAGES
from webui.ui.access import is_own_origin
from webui.ui.form import FormError, FormFile
from webui.ui.i18n import Texts
from webui.ui.language import preferred_language

if TYPE_CHECKING:
    from webui.ui.studio import Studio

_log = logging.getLogger(__name__)

_STORAGE_PROBLEMS = {
    errno.ENOSPC: "source.full",
    errno.EDQUOT: "source.full",
    errno.EACCES: "source.not_writable",
    errno.EPERM: "source.not_writable",
    errno.EROFS: "source.not_writable",
    errno.ENOENT: "source.not_writable",
}
# Of a form, beside its file.
_FORM_BYTES = 16 * 1024


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        Route("/uploads", desk.put, methods=["PUT"]),
        Route("/gradio_api/upload", desk.post, methods=["POST"]),
    ]


class _RefusedError(Exception):
    """An upload that is not kept.

    Args:
        status: of the answer.
        text: for a person.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._most_bytes = studio.settings.max_upload_bytes

    async def put(self, request: Request) -> Response:
        """Take the bytes of a file; its name is in the query."""
        language = request.query_params.get("language", "en")
        texts = Texts(language if language in LANGUAGES else "en")
        try:
            self._check_length(request, self._most_bytes, texts)
            name = request.query_params.get("name", "")
            upload_id = await self._keep(name, request.stream(), texts)
        except _RefusedError as error:
            return PlainTextResponse(error.text, error.status)
        return JSONResponse({"id": upload_id}, 201)

    async def post(self, request: Request) -> Response:
        """Take a form with one file, as Gradio's clients send it."""
        texts = Texts(preferred_language(request.headers.get("accept-language", "")))
        try:
            if not is_own_origin(request.headers):
                # A page of another site may send a form without asking first.
                raise _RefusedError(403, texts("access.foreign_origin"))
            self._check_length(request, self._most_bytes + _FORM_BYTES, texts)
            form = FormFile(request.headers.get("content-type", ""), request.stream())
            name = await form.open()
            upload_id = await self._keep(name, form.chunks(), texts)
        except (FormError, ClientDisconnect):
            return JSONResponse({"error": texts("api.form")}, 400)
        except _RefusedError as error:
            return JSONResponse({"error": error.text}, error.status)
        return JSONResponse([upload_id])

    def _check_length(self, request: Request, most_bytes: int, texts: Texts) -> None:
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > most_bytes:
            raise self._too_large(texts)

    def _too_large(self, texts: Texts) -> _RefusedError:
        return _RefusedError(413, texts("source.too_large", megabytes=self._most_bytes // 1024**2))

    async def _keep(self, name: str, chunks: AsyncIterator[bytes], texts: Texts) -> str:
        """Write an upload as it comes in and return its id; what is refused leaves nothing.

        Raises:
            _RefusedError: it is too large, or there is no room.
            FormError: the form ends before its file does.
        """
        workspace = self._studio.workspace
        upload_id = ""
        is_kept = False
        try:
            upload_id, path = await run_in_threadpool(workspace.place, name)
            size = 0
            with path.open("wb") as file:

                def write(chunk: bytes) -> None:
                    if not workspace.grow(upload_id, len(chunk)):
                        raise _RefusedError(507, texts("source.full"))
                    file.write(chunk)

                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._most_bytes:
                        raise self._too_large(texts)
                    await run_in_threadpool(write, chunk)
            workspace.finish(upload_id)
            is_kept = True
        except ClientDisconnect as error:
            raise _RefusedError(400, texts("source.failed")) from error
        except OSError as error:
            _log.warning("upload not stored: %s", error)
            key = _STORAGE_PROBLEMS.get(error.errno or 0, "source.failed")
            raise _RefusedError(507, texts(key)) from error
        finally:
            if upload_id and not is_kept:
                await run_in_threadpool(workspace.done, upload_id)
        return upload_id
