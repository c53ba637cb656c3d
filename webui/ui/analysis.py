"""What the page asks about a result once it is shown: sweeps, advice, its settings to copy.

These are plain routes, so that none of it stands in a slider's way: the browser
asks when the hand is still, and drops the question when it moves again. Knows
nothing of Gradio.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from webui.errors import StudioError
from webui.ui import recipe
from webui.ui.routes import options_of, texts_of
from webui.vad.advice import advise
from webui.vad.options import VadOptions, option_info
from webui.vad.sweep import NAMES, Sweep, sweep

if TYPE_CHECKING:
    from webui.ui.session import Entry
    from webui.ui.studio import Studio

# Of some 3 kB each; a visitor's two strips take two for each setting that was looked at.
_MOST_SWEEPS = 128
_LOOK_S = 0.1
_DROPPED = 499  # nobody reads it

_Answer = TypeVar("_Answer")


def routes(studio: Studio) -> list[Route]:
    """Return the routes, to be put before Gradio's."""
    desk = AnalysisDesk(studio)
    return [
        Route("/results/{result_id}/sweep", desk.sweep, methods=["GET"]),
        Route("/results/{result_id}/advice", desk.advice, methods=["GET"]),
        Route("/results/{result_id}/recipe", desk.recipe, methods=["GET"]),
    ]


def strip_specs(language: str) -> str:
    """Return what the component "strips" needs to know of the options, as JSON.

    Args:
        language: "en" or "zh".
    """
    infos = {name: option_info(name) for name in NAMES}
    specs = [
        {
            "name": name,
            "label": info.label[language],
            "unit": info.unit_in(language),
            "min": info.minimum,
            "max": info.maximum,
            "step": info.step,
            # Times are alike in ratio, not in difference.
            "is_log": info.unit == "ms",
        }
        for name, info in infos.items()
    ]
    return json.dumps(specs, ensure_ascii=False)


class SweepCache:
    """Sweeps that were made, the least recently used forgotten first.

    Args:
        most: sweeps that are kept.
    """

    def __init__(self, most: int = _MOST_SWEEPS) -> None:
        self._most = most
        self._sweeps: OrderedDict[Hashable, Sweep] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sweeps)

    def get(self, key: Hashable) -> Sweep | None:
        """Return a sweep that was put, None if it is unknown or forgotten."""
        with self._lock:
            found = self._sweeps.get(key)
            if found is not None:
                self._sweeps.move_to_end(key)
            return found

    def put(self, key: Hashable, made: Sweep) -> None:
        """Keep a sweep."""
        with self._lock:
            self._sweeps[key] = made
            self._sweeps.move_to_end(key)
            while len(self._sweeps) > self._most:
                self._sweeps.popitem(last=False)


class AnalysisDesk:
    """Answers the questions, one at a time, in the studio's thread for them.

    Args:
        studio: what all sessions share.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.sweeps = SweepCache()

    async def sweep(self, request: Request) -> Response:
        """Answer with a `Sweep` over the option ``name`` of the query."""
        name = request.query_params.get("name", "")
        if name not in NAMES:
            return PlainTextResponse(f"no sweep over {name!r}", 400)

        def make(entry: Entry, options: VadOptions, go_on: Callable[[], bool]) -> Sweep | None:
            # The swept option itself makes no difference.
            others = repr({**options.as_dict(), name: None})
            key = (request.path_params["result_id"], entry.born, name, others)
            made = self.sweeps.get(key)
            if made is None:
                made = sweep(entry.tracks, options, name, go_on=go_on)
            if made is not None:
                self.sweeps.put(key, made)
            return made

        made = await self._ask(request, make)
        if not isinstance(made, Sweep):
            return made or Response(status_code=_DROPPED)
        plateau = made.plateau
        return JSONResponse(
            {
                "name": name,
                "values": made.values,
                "counts": made.counts,
                "shares": [round(share, 4) for share in made.shares],
                "plateau": plateau and [plateau.first, plateau.last, plateau.middle],
            }
        )

    async def advice(self, request: Request) -> Response:
        """Answer with what is odd about what is detected, null if nothing is.

        A track that was edited is left out: no option changes what a person made of it.
        """
        texts = texts_of(request)

        def ask(entry: Entry, options: VadOptions, go_on: Callable[[], bool]) -> Response:
            # Of two channels, the first that is odd: a change of an option touches both.
            detected = [t for t in entry.tracks if t.audio.channel not in entry.edits]
            found = ((track, advise(track, options, go_on=go_on)) for track in detected)
            track, advice = next((pair for pair in found if pair[1]), (None, None))
            if not go_on():
                return Response(status_code=_DROPPED)
            if track is None or advice is None:
                return JSONResponse(None)
            channel = texts(f"detect.channel_{track.audio.channel}") if entry.is_apart else ""
            changes = [
                {"name": each.name, "value": each.value, "text": each.message(texts.language)}
                for each in advice.changes
            ]
            text = advice.message(texts.language)
            said = f"{channel} · {text}" if channel else text
            return JSONResponse({"oddity": advice.oddity, "text": said, "changes": changes})

        return await self._ask(request, ask)

    async def recipe(self, request: Request) -> Response:
        """Answer with the settings of a result as a command line and as Python."""

        def ask(entry: Entry, options: VadOptions, _: Callable[[], bool]) -> Response:
            return JSONResponse(
                {
                    "command": recipe.command(entry.tracks, options),
                    "python": recipe.python(entry.tracks, options),
                }
            )

        return await self._ask(request, ask)

    async def _ask(
        self,
        request: Request,
        question: Callable[[Entry, VadOptions, Callable[[], bool]], _Answer],
    ) -> _Answer | Response:
        """Put a question to the thread, for as long as somebody waits for its answer."""
        texts = texts_of(request)
        entry = self._studio.cache.get(request.path_params["result_id"])
        if entry is None:
            return PlainTextResponse(texts("result.forgotten"), 404)
        try:
            options = options_of(request)
        except StudioError as error:
            return PlainTextResponse(error.message(texts.language), 400)
        is_dropped = threading.Event()
        work = partial(question, entry, options)
        future = asyncio.wrap_future(self._studio.questions.put(work, is_dropped))
        try:
            while not future.done():
                if await request.is_disconnected():
                    return Response(status_code=_DROPPED)
                await asyncio.wait({future}, timeout=_LOOK_S)
            return future.result()
        finally:
            is_dropped.set()
            future.cancel()
