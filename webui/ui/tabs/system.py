"""System: memory and the model's state, always in sight, and the buttons that change them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.engine import EngineStatus, MemoryChange, MemoryReading
from webui.errors import StudioError
from webui.ui import words
from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.ui.studio import TREND_S, Studio, TrendPoint
from webui.vad.scorers import SCORERS, STAGES

TICK_S = 2.0
_TREND_WIDTH, _TREND_HEIGHT = 300.0, 44.0
_LEAST_SCALE_BYTES = 250_000_000
_POLL_S = 0.25


class SystemPanel:
    """What the events of this panel do.

    Args:
        studio: what all sessions share.
        texts: the page's language.
    """

    def __init__(self, studio: Studio, texts: Texts) -> None:
        self._studio = studio
        self._texts = texts

    def view(self, message: str | None = None, *, fresh: bool = False) -> str:
        """Return the value of the component "system".

        Args:
            message: what an action did; None leaves the last one there.
            fresh: measure now, even if the last reading is not a second old.
        """
        reading = self._studio.sampler.reading(fresh=fresh)
        status = self._studio.engine.status()
        trend = self._studio.sampler.trend()
        peak = max(point.page_bytes + point.engine_bytes for point in trend)
        scale = max(_LEAST_SCALE_BYTES, *(max(p.page_bytes, p.engine_bytes) for p in trend))
        engine_bytes = _own(reading.engine_uss_bytes, reading.engine_rss_bytes)
        page_bytes = _own(reading.page_uss_bytes, reading.page_rss_bytes)
        value: dict[str, Any] = {
            "state": status.state,
            "texts": {
                "state": self._texts(f"system.{status.state}"),
                "detail": self._detail(status),
                "short": self._texts(
                    "system.short", engine=words.size(engine_bytes), page=words.size(page_bytes)
                ),
                **self._figures(reading),
                "peak": self._texts("system.peak", size=words.size(peak)),
            },
            "shares": {
                "engine": round(engine_bytes / scale, 4),
                "page": round(page_bytes / scale, 4),
                "machine": round(reading.system_used_bytes / reading.system_total_bytes, 4),
            },
            "trend": {
                "page": _line(trend, [point.page_bytes for point in trend], scale),
                "engine": _line(trend, [point.engine_bytes for point in trend], scale),
            },
        }
        if message is not None:
            value["message"] = message
        return json.dumps(value, ensure_ascii=False)

    def _detail(self, status: EngineStatus) -> str:
        language = self._texts.language
        if status.state == "loading":
            return STAGES.get(status.stage, {}).get(language, "")
        parts = []
        if status.engine:
            parts = [SCORERS[status.engine].label[language], status.device.upper()]
        if status.load_time_s is not None:
            time_text = words.span(self._texts, status.load_time_s)
            parts.append(self._texts("system.load_time", time=time_text))
        if status.waiting:
            parts.append(self._texts("system.waiting", count=status.waiting))
        return " · ".join(parts)

    def _figures(self, reading: MemoryReading) -> dict[str, str]:
        texts = self._texts
        has_engine = reading.engine_rss_bytes > 0
        gpu, detail = texts(f"system.gpu_{reading.gpu_state}"), ""
        if reading.gpus:
            gpu = texts(
                "system.gpu_allocated",
                size=words.size(sum(each.allocated_bytes for each in reading.gpus)),
            )
            detail = texts(
                "system.gpu_reserved",
                reserved=words.size(sum(each.reserved_bytes for each in reading.gpus)),
                total=words.size(sum(each.total_bytes for each in reading.gpus)),
            )
        return {
            "engine": words.size(reading.engine_uss_bytes) if has_engine else words.size(0),
            "engine_rss": texts("system.rss", size=words.size(reading.engine_rss_bytes)),
            "page": words.size(reading.page_uss_bytes),
            "page_rss": texts("system.rss", size=words.size(reading.page_rss_bytes)),
            "machine": words.size(reading.system_used_bytes),
            "machine_total": texts("system.of", size=words.size(reading.system_total_bytes)),
            "gpu": gpu,
            "gpu_detail": detail,
        }

    def abilities(self) -> tuple[bool, bool, bool]:
        """Return whether the model can be loaded, unloaded, and a GPU cache cleared now."""
        state = self._studio.engine.status().state
        is_loaded = state in ("ready", "busy")
        has_gpu = self._studio.sampler.reading().gpu_state == "present"
        return state == "not_loaded", is_loaded, is_loaded and has_gpu

    async def load(self, engine: str, session: str) -> AsyncIterator[str]:
        """Load the model; yields values of the component "system"."""
        before = self._studio.sampler.reading(fresh=True)
        try:
            job = self._studio.engine.load(engine, owner=session)
            while not job.wait(0):
                yield self.view(self._texts("system.loading_now"))
                await asyncio.sleep(_POLL_S)
            status: EngineStatus = job.result()
        except StudioError as error:
            yield self.view(error.message(self._texts.language))
            return
        after = self._studio.sampler.reading(fresh=True)
        taken = words.span(self._texts, status.load_time_s or 0.0)
        yield self.view(
            self._texts("system.loaded", time=taken, before=_engine(before), after=_engine(after))
        )

    def unload(self) -> str:
        """End the engine's process; returns the value of the component "system"."""
        return self._act(self._studio.engine.unload, "system.unloaded")

    def clear_gpu_cache(self) -> str:
        """Have cached GPU memory given back; returns the value of the component "system"."""
        return self._act(self._studio.engine.clear_gpu_cache, "system.cleared")

    def _act(self, action: Any, key: str) -> str:
        try:
            change: MemoryChange = action()
        except StudioError as error:
            return self.view(error.message(self._texts.language))
        is_gpu = key == "system.cleared"
        freed = change.freed_gpu_bytes if is_gpu else change.freed_engine_bytes
        measure = _reserved if is_gpu else _engine
        message = self._texts(
            key,
            before=measure(change.before),
            after=measure(change.after),
            freed=words.size(max(0, freed)),
        )
        return self.view(message, fresh=True)


def _own(uss_bytes: int | None, rss_bytes: int) -> int:
    return rss_bytes if uss_bytes is None else uss_bytes


def _engine(reading: MemoryReading) -> str:
    return words.size(_own(reading.engine_uss_bytes, reading.engine_rss_bytes))


def _reserved(reading: MemoryReading) -> str:
    return words.size(sum(gpu.reserved_bytes for gpu in reading.gpus))


def _line(trend: Sequence[TrendPoint], values: Sequence[int], scale: int) -> str:
    """Path of a small curve; the last five minutes fill its width."""
    now = time.monotonic()
    points = [
        (
            _TREND_WIDTH * (1 - (now - point.time_s) / TREND_S),
            _TREND_HEIGHT - 2 - (_TREND_HEIGHT - 4) * value / scale,
        )
        for point, value in zip(trend, values, strict=True)
        if now - point.time_s <= TREND_S
    ]
    return "".join(f"{'L' if n else 'M'}{x:.1f} {y:.1f}" for n, (x, y) in enumerate(points))


@dataclass(frozen=True)
class SystemControls:
    """The components of this panel."""

    system: gr.HTML
    load: gr.Button
    unload: gr.Button
    clear: gr.Button
    abilities: gr.State
    timer: gr.Timer


def build(texts: Texts) -> SystemControls:
    """Make the panel."""
    with gr.Column(elem_classes=["vad-card", "vad-panel"]):
        system = component("system", texts)
        with gr.Row(elem_classes="vad-buttons"):
            load = gr.Button(texts("system.load"), size="sm")
            unload = gr.Button(texts("system.unload"), size="sm", interactive=False)
            clear = gr.Button(texts("system.clear"), size="sm", interactive=False)
    return SystemControls(system, load, unload, clear, gr.State(None), gr.Timer(TICK_S))


def wire(
    controls: SystemControls, panel: SystemPanel, engine: gr.Dropdown, page: gr.Blocks
) -> None:
    """Join the events to what they do."""
    outputs = [
        *(controls.system, controls.load, controls.unload, controls.clear),
        controls.abilities,
    ]

    def with_buttons(value: str, known: Any) -> tuple[Any, ...]:
        abilities = list(panel.abilities())
        if abilities == known:
            return value, gr.skip(), gr.skip(), gr.skip(), gr.skip()
        buttons = [gr.Button(interactive=able) for able in abilities]
        return value, *buttons, abilities

    def tick(known: Any) -> tuple[Any, ...]:
        return with_buttons(panel.view(), known)

    async def load(request: gr.Request, engine: str, known: Any) -> AsyncIterator[tuple[Any, ...]]:
        async for value in panel.load(engine, request.session_hash or ""):
            yield with_buttons(value, known)

    def unload(known: Any) -> tuple[Any, ...]:
        return with_buttons(panel.unload(), known)

    def clear(known: Any) -> tuple[Any, ...]:
        return with_buttons(panel.clear_gpu_cache(), known)

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    known = [controls.abilities]
    for event in (controls.timer.tick, page.load):
        event(tick, known, outputs, queue=False, **quiet)
    controls.load.click(
        load, [engine, controls.abilities], outputs, concurrency_limit=None, **quiet
    )
    for button, action in ((controls.unload, unload), (controls.clear, clear)):
        button.click(action, known, outputs, concurrency_limit=None, **quiet)
