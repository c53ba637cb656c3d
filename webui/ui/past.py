"""The history as the page shows it, and what it takes to open a run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from webui.errors import HistoryError
from webui.history import Run
from webui.ui import views, words
from webui.ui.headers import AS_DECLARED
from webui.ui.i18n import Texts
from webui.ui.recipe import changed, in_words
from webui.ui.routes import texts_of
from webui.ui.words import readable
from webui.ui.workspace import Recording
from webui.vad.scorers import SCORERS

if TYPE_CHECKING:
    from webui.ui.studio import Studio

_PAGE_RUNS = 100

State = Literal["kept", "file", "gone"]
"""How a run opens: its result is still kept; its file is there and may be opened; only its
options are left."""


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = _Desk(studio)
    return [
        Route("/history", desk.listed, methods=["GET"]),
        Route("/history", desk.clear, methods=["DELETE"]),
    ]


def state_of(run: Run, studio: Studio) -> State:
    """Tell how a run can be opened."""
    if run.source == "batch":
        batch = studio.batches.find(run.result_id)
        return "kept" if batch is not None and batch.is_kept else "gone"
    if run.result_id and studio.cache.get(run.result_id) is not None:
        return "kept"
    return "file" if recording_of(run, studio) is not None else "gone"


def recording_of(run: Run, studio: Studio) -> Recording | None:
    """Return the recording of a run, where it is there and this page may open it."""
    if not run.path:
        return None
    path = Path(run.path)
    is_allowed = path in studio.demos.values() or studio.settings.may_open(path)
    return Recording(path) if is_allowed and path.is_file() else None


class _Desk:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def listed(self, request: Request) -> Response:
        """List runs, newest first, and how many there are in all."""
        texts = texts_of(request)
        query = request.query_params
        shown = query.get("shown", "")
        most = int(shown) if shown.isdecimal() else _PAGE_RUNS

        def read() -> dict[str, Any]:
            # What has just been detected is part of it.
            self._studio.runs.settle()
            search = query.get("search", "")
            runs = [
                run
                for run in self._studio.runs.history.runs()
                if run.matches(
                    search, _source(run, texts), _engine(run, texts), *_files(run, self._studio)
                )
            ]
            rows = [_row(run, self._studio, texts) for run in runs[:most]]
            return {"count": len(runs), "rows": rows}

        return await self._answer(read, texts)

    async def clear(self, request: Request) -> Response:
        """Forget all runs."""

        def clear() -> dict[str, Any]:
            self._studio.runs.settle()
            return {"cleared": self._studio.runs.history.clear()}

        return await self._answer(clear, texts_of(request))

    async def _answer(self, act: Any, texts: Texts) -> Response:
        try:
            body = await run_in_threadpool(act)
        except HistoryError as error:
            return PlainTextResponse(error.message(texts.language), 503)
        return JSONResponse(body, headers={"cache-control": "no-store", **AS_DECLARED})


def _row(run: Run, studio: Studio, texts: Texts) -> dict[str, Any]:
    state = state_of(run, studio)
    about = [_engine(run, texts)]
    if run.channel != "mix":
        about.append(texts(f"detect.channel_{run.channel}"))
    factor = run.real_time_factor
    return {
        "id": run.id,
        "time_ms": round(run.time_s * 1000),
        "file": run.file,
        "source": _source(run, texts),
        "length": words.position(run.duration_ms / 1000),
        "segments": str(run.segments),
        "share": f"{run.speech_share:.1%}",
        "factor": "–" if factor is None else f"{factor:.4f}",
        "about": " · ".join([*about, *in_words(run.vad_options(), texts.language)]),
        "state": state,
        "missing": _missing(run, state, texts),
        "query": _query(run, state),
        "tab": "batch" if run.source == "batch" else "detect",
    }


def _files(run: Run, studio: Studio) -> list[str]:
    """What is in a batch that this page still has, so that each of its files leads to it."""
    batch = studio.batches.find(run.result_id) if run.source == "batch" else None
    return [] if batch is None else [readable(row.name) for row in batch.rows]


def _source(run: Run, texts: Texts) -> str:
    return texts(f"history.source_{run.source}")


def _engine(run: Run, texts: Texts) -> str:
    engine = SCORERS.get(run.engine)
    return engine.label[texts.language] if engine else run.engine


def _missing(run: Run, state: State, texts: Texts) -> str:
    """Why only the options are left; not whether a file exists that this page may not open."""
    if state != "gone" or run.source == "batch":  # a batch is of no one file
        return ""
    return texts("history.away") if run.path else texts("history.gone")


def _query(run: Run, state: State) -> str:
    """Query of a page's address that has the run's result, if it is kept, and its options."""
    if run.source == "batch" and state == "kept":
        return urlencode({"tab": "batch", "batch": run.result_id})
    given: dict[str, Any] = {views.RESULT_KEY: run.result_id} if state == "kept" else {}
    given[views.CHANNEL_KEY] = run.channel
    options = run.vad_options()
    # One at least, so that the usual ones are set too.
    given["max_end_silence_time"] = options.max_end_silence_time
    return urlencode({**given, **changed(options)})
