"""System: memory and the model's state, always in sight, and the buttons that change them."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from webui.choice import choose
from webui.engine import EngineStatus, MemoryChange, MemoryReading
from webui.engine.memory import GpuState
from webui.errors import StudioError
from webui.ui import memory_view, words
from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.ui.studio import Studio
from webui.vad.scorers import SCORERS, STAGES

TICK_S = 2.0
_POLL_S = 0.25
_LOADED = ("ready", "busy")
_WAITING = {"unload": "system.unloading", "clear": "system.clearing"}


class SystemPanel:
    """What the events of this panel do.

    Args:
        studio: what all sessions share.
        texts: the page's language.
    """

    def __init__(self, studio: Studio, texts: Texts) -> None:
        self._studio = studio
        self._texts = texts

    def view(
        self, message: str | None = None, *, is_error: bool = False, fresh: bool = False
    ) -> str:
        """Return the value of the component "system".

        Args:
            message: what an action did; None leaves the last one there.
            is_error: it could not be done.
            fresh: measure now, even if the last reading is not a second old.
        """
        reading = self._studio.sampler.reading(fresh=fresh)
        status = self._studio.engine.status()
        value: dict[str, Any] = memory_view.view(self._studio, reading, self._texts)
        value["state"] = status.state
        value["texts"].update(
            state=self._texts(f"system.{status.state}"),
            detail=self._detail(status),
            idle=self._idle(status),
            auto=self._auto(),
        )
        value["clear_reason"] = self._clear_reason(status, reading)
        if message is not None:
            value["message"] = message
            value["is_error"] = is_error
        unloaded = self._studio.engine.unloaded
        if status.state == "not_loaded" and unloaded is not None and unloaded.cause == "idle":
            told = memory_view.unloaded(self._studio, unloaded.change, self._texts, is_idle=True)
            value["unloaded"] = {"at_s": unloaded.at_s, "text": told}
        return json.dumps(value, ensure_ascii=False)

    def _clear_reason(self, status: EngineStatus, reading: MemoryReading) -> str:
        """Why the GPU cache cannot be cleared now; "" if it can."""
        if _can_clear(status, reading):
            return ""
        why = self._texts(f"system.gpu_{_gpu_state(status, reading)}")
        return self._texts("system.clear_off", reason=why)

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
        unloaded = self._studio.engine.unloaded
        if unloaded is not None and unloaded.cause == "replaced":
            label = SCORERS[unloaded.engine].label[language]
            freed = words.size(max(0, unloaded.change.freed_engine_bytes))
            parts.append(self._texts("system.replaced", engine=label, freed=freed))
        if status.waiting:
            parts.append(self._texts("system.waiting", count=status.waiting))
        return " · ".join(parts)

    def _auto(self) -> str:
        """Which engine "auto" takes now, and why."""
        chosen, language = choose("auto", self._studio.settings), self._texts.language
        label = SCORERS[chosen.engine].label[language]
        return self._texts("system.auto", engine=label, reason=chosen.reason[language])

    def _idle(self, status: EngineStatus) -> str:
        """When the model will be unloaded if nobody needs it; "" while somebody does."""
        if status.unload_in_s is None:
            return ""
        # Whole minutes, so that the line does not count down before one's eyes.
        minutes = max(1, math.ceil(status.unload_in_s / 60))
        return self._texts("system.idle", minutes=minutes)

    def abilities(self) -> tuple[bool, bool, bool]:
        """Return whether the model can be loaded, unloaded, and a GPU cache cleared now."""
        status = self._studio.engine.status()
        can_clear = _can_clear(status, self._studio.sampler.reading())
        return status.state == "not_loaded", status.state in _LOADED, can_clear

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
            yield self.view(error.message(self._texts.language), is_error=True)
            return
        after = self._studio.sampler.reading(fresh=True)
        taken = words.span(self._texts, status.load_time_s or 0.0)
        yield self.view(
            self._texts(
                "system.loaded",
                time=taken,
                before=memory_view.engine_bytes(before),
                after=memory_view.engine_bytes(after),
            )
        )

    async def unload(self) -> AsyncIterator[str]:
        """End the engine's process; yields values of the component "system"."""
        async for value in self._act(self._studio.engine.unload, "unload"):
            yield value

    async def clear_gpu_cache(self) -> AsyncIterator[str]:
        """Have cached GPU memory given back; yields values of the component "system"."""
        async for value in self._act(self._studio.engine.clear_gpu_cache, "clear"):
            yield value

    async def clear_caches(self) -> AsyncIterator[str]:
        """Forget kept results, and delete uploads that nobody works on; yields as `unload`."""
        cleared = await asyncio.to_thread(self._studio.clear_caches)
        told = self._texts(
            "system.caches_cleared",
            results=cleared.results,
            memory=words.size(cleared.memory_bytes),
            disk=words.size(cleared.disk_bytes),
        )
        yield await asyncio.to_thread(self.view, told, fresh=True)

    async def _act(
        self, action: Callable[[], MemoryChange], name: Literal["unload", "clear"]
    ) -> AsyncIterator[str]:
        # A job that runs is not broken off: whoever presses must not think that nothing happens.
        waits = self._studio.engine.status().state in ("busy", "loading")
        if waits:
            yield self.view(self._texts(_WAITING[name]))
        try:
            change = await asyncio.to_thread(action)
        except StudioError as error:
            yield self.view(error.message(self._texts.language), is_error=True)
            return
        parts = []
        if name == "unload":
            parts.append(memory_view.unloaded(self._studio, change, self._texts))
        if name == "clear" or change.before.gpus:
            parts.append(
                self._texts(
                    "system.cleared" if name == "clear" else "system.unloaded_gpu",
                    before=memory_view.reserved(change.before),
                    after=memory_view.reserved(change.after),
                    freed=words.size(max(0, change.freed_gpu_bytes)),
                )
            )
        yield await asyncio.to_thread(self.view, " ".join(parts), fresh=True)


def _can_clear(status: EngineStatus, reading: MemoryReading) -> bool:
    return status.state in _LOADED and reading.gpu_state == "present"


def _gpu_state(status: EngineStatus, reading: MemoryReading) -> GpuState:
    """State of the GPU; a reading of a second ago may not know that the model is unloaded."""
    is_stale = reading.gpu_state == "present" and status.state not in _LOADED
    return "not_loaded" if is_stale else reading.gpu_state


@dataclass(frozen=True)
class SystemControls:
    """The components of this panel."""

    system: gr.HTML
    load: gr.Button
    unload: gr.Button
    clear: gr.Button
    clear_caches: gr.Button
    abilities: gr.State
    sure: gr.Checkbox
    timer: gr.Timer


def build(texts: Texts) -> SystemControls:
    """Make the panel."""
    with gr.Column(elem_classes=["vad-card", "vad-panel"]):
        system = component("system", texts)
        with gr.Row(elem_classes="vad-buttons"):
            load = gr.Button(texts("system.load"), size="sm")
            unload = gr.Button(texts("system.unload"), size="sm", interactive=False)
        with gr.Row(elem_classes="vad-buttons"):
            clear_caches = gr.Button(texts("system.clear_caches"), size="sm")
            clear = gr.Button(
                texts("system.clear"), size="sm", interactive=False, elem_id="vad-clear"
            )
    return SystemControls(
        *(system, load, unload, clear, clear_caches),
        abilities=gr.State(None),
        # Not a State: that never leaves the server, and it is the browser that asks.
        sure=gr.Checkbox(visible=False),
        timer=gr.Timer(TICK_S),
    )


def wire(
    controls: SystemControls,
    panel: SystemPanel,
    engine: gr.Dropdown,
    page: gr.Blocks,
    texts: Texts,
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

    async def unload(known: Any) -> AsyncIterator[tuple[Any, ...]]:
        async for value in panel.unload():
            yield with_buttons(value, known)

    async def clear(known: Any) -> AsyncIterator[tuple[Any, ...]]:
        async for value in panel.clear_gpu_cache():
            yield with_buttons(value, known)

    async def clear_caches(is_sure: bool, known: Any) -> AsyncIterator[tuple[Any, ...]]:
        if is_sure:
            async for value in panel.clear_caches():
                yield with_buttons(value, known)

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    known = [controls.abilities]
    for event in (controls.timer.tick, page.load):
        event(tick, known, outputs, queue=False, **quiet)
    controls.load.click(
        load, [engine, controls.abilities], outputs, concurrency_limit=None, **quiet
    )
    for button, action in ((controls.unload, unload), (controls.clear, clear)):
        button.click(action, known, outputs, concurrency_limit=None, **quiet)
    # Regions by hand go with the results; nobody loses them by a slip.
    question = json.dumps(texts("system.clear_caches_question"))
    controls.clear_caches.click(
        clear_caches,
        [controls.sure, controls.abilities],
        outputs,
        js=f"(sure, known) => [window.confirm({question}), known]",
        concurrency_limit=None,
        **quiet,
    )
