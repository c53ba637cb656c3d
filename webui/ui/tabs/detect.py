"""Detect: a recording in, its speech found, tuned, heard and taken away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from webui.audio.report import CHANNEL_CHOICES, ChannelChoice
from webui.ui.analysis import strip_specs
from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.ui.studio import Studio
from webui.ui.tabs.detection import Detection, Kept, Update
from webui.ui.tabs.tuning import TuningCard, or_skip
from webui.vad.scorers import SCORERS


@dataclass(frozen=True)
class DetectTab:
    """The components of this tab."""

    source: gr.HTML
    channel: gr.Dropdown
    engine: gr.Dropdown
    again: gr.Button
    status: gr.HTML
    stop: gr.Button
    result: gr.HTML
    edit: gr.HTML
    compare: gr.HTML
    result_id: gr.State = field(repr=False)
    repeatable: gr.State = field(repr=False)


def build_input(studio: Studio, texts: Texts, root: str) -> dict[str, Any]:
    """Make the card where recordings come in."""
    demos = [{"name": name, "label": texts(f"demo.{name}")} for name in studio.demos]
    engines = [(texts("detect.engine_auto"), "auto")]
    engines += [(info.label[texts.language], name) for name, info in SCORERS.items()]
    with gr.Column(elem_classes=["vad-card", "vad-area-input", "vad-on-detect"]):
        source = component(
            "source",
            texts,
            demos=json.dumps(demos, ensure_ascii=False),
            root=root,
            language=texts.language,
        )
        with gr.Row(elem_classes="vad-choices"):
            channel = gr.Dropdown(
                [(texts(f"detect.channel_{name}"), name) for name in CHANNEL_CHOICES],
                value="mix",
                label=texts("detect.channel"),
            )
            engine = gr.Dropdown(
                engines, value=studio.settings.engine, label=texts("detect.engine")
            )
            again = gr.Button(texts("detect.again"), interactive=False, size="md")
    return {"source": source, "channel": channel, "engine": engine, "again": again}


def build_result(texts: Texts, root: str) -> dict[str, Any]:
    """Make the card that shows progress and the result."""
    with gr.Column(elem_classes=["vad-card", "vad-area-result", "vad-on-detect"]):
        with gr.Row(elem_classes="vad-status-row"):
            status = component("status", texts)
            stop = gr.Button(texts("detect.stop"), variant="stop", size="md", visible=False)
        result = component("result", texts, root=root, language=texts.language)
        component("player", texts, root=root, language=texts.language)
        edit = component("edit", texts, root=root, language=texts.language)
        component("strips", texts, root=root, specs=strip_specs(texts.language))
        component("advice", texts, root=root, language=texts.language)
        compare = component("compare", texts, root=root)
        component("share", texts, root=root, language=texts.language)
    return {"status": status, "stop": stop, "result": result, "edit": edit, "compare": compare}


def build_segments(texts: Texts, root: str) -> None:
    """Make the card with the table; it follows the component "result" in the browser."""
    with gr.Column(elem_classes=["vad-card", "vad-area-segments", "vad-on-detect"]):
        component("segments", texts, root=root)


def wire(
    tab: DetectTab, tuning: TuningCard, kept: gr.State, detection: Detection, texts: Texts
) -> None:
    """Join the events to what they do."""

    def shown(update: Update) -> tuple[Any, ...]:
        running = gr.skip() if update.is_running is None else gr.Button(visible=update.is_running)
        again, repeatable = gr.skip(), gr.skip()
        if update.repeatable:
            repeatable = update.repeatable
            key = "detect.again" if repeatable[0] == "result" else "detect.retry"
            again = gr.Button(texts(key), interactive=True, variant="secondary")
        return or_skip(update.status), running, or_skip(update.result_id), repeatable, again

    async def pick(
        event: gr.EventData, request: gr.Request, channel: ChannelChoice, engine: str
    ) -> AsyncIterator[tuple[Any, ...]]:
        origin, name = str(event._data.get("origin")), str(event._data.get("id"))
        if origin not in ("upload", "demo", "run"):
            return
        session = request.session_hash or ""
        channel = detection.channel_of(origin, name, channel)
        async for update in detection.detect(session, origin, name, channel, engine):
            yield shown(update)

    async def again(
        request: gr.Request, repeatable: tuple[str, str], channel: ChannelChoice, engine: str
    ) -> AsyncIterator[tuple[Any, ...]]:
        session = request.session_hash or ""
        async for update in detection.detect(session, *repeatable, channel, engine):
            yield shown(update)

    def stop(request: gr.Request) -> None:
        detection.stop(request.session_hash or "")

    def show(result_id: str, kept: Kept, *values: Any) -> tuple[Any, ...]:
        result, note = detection.show(result_id, values, kept)
        return or_skip(result), note or gr.skip()

    _wire_choices(tab)
    outputs = [tab.status, tab.stop, tab.result_id, tab.repeatable, tab.again]
    choices = [tab.channel, tab.engine]
    running: dict[str, Any] = {
        "show_progress": "hidden",
        "concurrency_limit": None,
        "api_visibility": "private",
    }
    picked = tab.source.picked(pick, choices, outputs, trigger_mode="multiple", **running)
    repeated = tab.again.click(again, [tab.repeatable, *choices], outputs, **running)
    for finished in (picked, repeated):
        finished.then(
            show,
            [tab.result_id, kept, *tuning.sliders],
            [tab.result, tuning.note],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    tab.stop.click(stop, None, None, queue=False, show_progress="hidden", api_visibility="private")


def _wire_choices(tab: DetectTab) -> None:
    """Make the button stand out where what is shown was found with another choice."""

    def chosen(repeatable: tuple[str, str]) -> Any:
        return gr.Button(variant="primary") if repeatable[1] else gr.skip()

    for choice in (tab.channel, tab.engine):
        choice.input(
            chosen,
            [tab.repeatable],
            [tab.again],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
