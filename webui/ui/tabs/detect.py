"""Detect: a recording in, its speech found, tuned, heard and taken away."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from webui.engine import Job
from webui.errors import JobCancelledError, OptionsError, StudioError
from webui.ui import views
from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.ui.session import Recording
from webui.ui.studio import Studio
from webui.vad.options import PRESETS, VadOptions, option_info, option_names
from webui.vad.scorers import SCORERS

_POLL_S = 0.15
_FIRST_WIDTH_PX = 1000
_CHANNELS = ("mix", "left", "right")


@dataclass(frozen=True)
class Update:
    """What an event changes on the page; None leaves as it is.

    Attributes:
        status: value of the component "status".
        is_running: whether there is something to stop.
        result_id: of the recording that is shown.
    """

    status: str | None = None
    is_running: bool | None = None
    result_id: str | None = None


@dataclass(frozen=True)
class Opened:
    """A result that the page's address names.

    Attributes:
        result_id: "" if there is none.
        options: those of the address.
        status: None leaves as it is.
    """

    result_id: str
    options: VadOptions
    status: str | None = None


class Detection:
    """What the events of this tab do.

    Args:
        studio: what all sessions share.
        texts: the page's language.
        root: relative address of the server's root.
    """

    def __init__(self, studio: Studio, texts: Texts, root: str) -> None:
        self._studio = studio
        self._texts = texts
        self._view = views.ResultView(texts, root)

    def recording(self, origin: str, name: str) -> Recording | None:
        """Find what a visitor picked.

        Args:
            origin: "upload", "demo" or "result" (that is, the one shown).
            name: its id.
        """
        if origin == "upload":
            return self._studio.workspace.take(name)
        if origin == "demo" and name in self._studio.demos:
            return Recording(self._studio.demos[name], is_owned=False)
        entry = self._studio.cache.get(name) if origin == "result" else None
        return entry.recording if entry else None

    async def detect(
        self, session: str, origin: str, name: str, channel: str, engine: str
    ) -> AsyncIterator[Update]:
        """Score a recording and tell how far it is; closing the iterator stops the job.

        Args:
            session: of the browser.
            origin: as in `recording`.
            name: as in `recording`.
            channel: "mix", "left" or "right".
            engine: "auto" or the name of one.
        """
        recording = self.recording(origin, name)
        if recording is None:
            yield Update(views.notice(self._texts("result.forgotten")), False)
            return
        is_kept = origin == "result"
        try:
            job = self._studio.engine.submit(
                recording.path, channel=channel, engine=engine, owner=session
            )
            with self._studio.jobs.running(session, job):
                async for status in self._follow(job):
                    yield Update(status, True)
                if not self._studio.jobs.is_current(session, job):
                    return
                scores = job.result()
            if not (is_kept and self._studio.cache.renew(name, scores)):
                name = self._studio.cache.put(recording, scores)
            is_kept = True
            yield Update(views.idle(), False, name)
        except JobCancelledError as error:
            yield Update(views.notice(error.message(self._texts.language)), False)
        except StudioError as error:
            yield Update(views.problem(error, self._texts), False)
        finally:
            if not is_kept:
                recording.discard()

    async def _follow(self, job: Job) -> AsyncIterator[str]:
        shown = ""
        while not job.wait(0):
            status = views.progress(job.progress, self._texts)
            if status != shown:
                shown = status
                yield status
            await asyncio.sleep(_POLL_S)

    def stop(self, session: str) -> None:
        """Stop the job of a browser's session."""
        self._studio.jobs.stop(session)

    def show(self, result_id: str, width_px: int, values: Sequence[Any]) -> tuple[str | None, str]:
        """Decide anew with these options; takes neither the model nor the recording.

        Args:
            result_id: "" if nothing is shown.
            width_px: of the picture.
            values: of the options, in the order of `option_names`.

        Returns:
            Value of the component "result" (None leaves it as it is), and a message
            about the options in HTML.
        """
        try:
            options = VadOptions.from_mapping(dict(zip(option_names(), values, strict=True)))
        except OptionsError as error:
            return None, _note(error.message(self._texts.language), is_error=True)
        entry = self._studio.cache.get(result_id) if result_id else None
        if entry is None:
            missing = self._texts("result.forgotten") if result_id else ""
            return None, _note(missing, is_error=True)
        return self._view.show(result_id, entry.scores, options, width_px), ""

    def open(self, query: str) -> Opened:
        """Find the result that the page's address names.

        Args:
            query: of the address, such as "?r=abc&max_end_silence_time=500".
        """
        given = dict(parse_qsl(query.lstrip("?")))
        result_id = given.pop(views.RESULT_KEY, "")
        known = option_names()
        try:
            options = VadOptions.from_mapping({k: v for k, v in given.items() if k in known})
        except OptionsError:
            options = VadOptions()
        if result_id and self._studio.cache.get(result_id) is None:
            return Opened("", options, views.notice(self._texts("result.forgotten")))
        return Opened(result_id, options)


def matching_preset(values: Sequence[Any]) -> str | None:
    """Return the name of the preset that has these values, None if no one has."""
    for name, preset in PRESETS.items():
        if list(preset.options.as_dict().values()) == list(values):
            return name
    return None


def _note(text: str, *, is_error: bool = False) -> str:
    name = "vad-note is-error" if is_error else "vad-note"
    return f'<p class="{name}" role="status">{html.escape(text)}</p>' if text else ""


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
    result_id: gr.State = field(repr=False)
    width_px: gr.State = field(repr=False)


@dataclass(frozen=True)
class TuningCard:
    """The controls of the endpointer.

    Attributes:
        presets: names of `PRESETS`.
        note: what the chosen preset is for, or what is wrong with the options.
        sliders: one for each of `option_names`, in that order.
    """

    presets: gr.Radio
    note: gr.HTML
    sliders: tuple[gr.Slider, ...]


def build_input(studio: Studio, texts: Texts, root: str) -> dict[str, Any]:
    """Make the card where recordings come in."""
    demos = [{"name": name, "label": texts(f"demo.{name}")} for name in studio.demos]
    engines = [(texts("detect.engine_auto"), "auto")]
    engines += [(info.label[texts.language], name) for name, info in SCORERS.items()]
    with gr.Column(elem_classes=["vad-card", "vad-area-input"]):
        source = component(
            "source",
            texts,
            demos=json.dumps(demos, ensure_ascii=False),
            root=root,
            language=texts.language,
        )
        with gr.Row(elem_classes="vad-choices"):
            channel = gr.Dropdown(
                [(texts(f"detect.channel_{name}"), name) for name in _CHANNELS],
                value="mix",
                label=texts("detect.channel"),
            )
            engine = gr.Dropdown(
                engines, value=studio.settings.engine, label=texts("detect.engine")
            )
            again = gr.Button(texts("detect.again"), interactive=False, size="md")
    return {"source": source, "channel": channel, "engine": engine, "again": again}


def build_result(texts: Texts) -> dict[str, Any]:
    """Make the card that shows progress and the result."""
    with gr.Column(elem_classes=["vad-card", "vad-area-result"]):
        with gr.Row(elem_classes="vad-status-row"):
            status = component("status", texts)
            stop = gr.Button(texts("detect.stop"), variant="stop", size="md", visible=False)
        result = component("result", texts)
    return {"status": status, "stop": stop, "result": result}


def build_segments(texts: Texts) -> None:
    """Make the card with the table; it follows the component "result" in the browser."""
    with gr.Column(elem_classes=["vad-card", "vad-area-segments"]):
        component("segments", texts)


def build_tuning(texts: Texts) -> TuningCard:
    """Make the card with presets and sliders."""
    language = texts.language

    def slider(name: str) -> gr.Slider:
        info = option_info(name)
        unit = f" ({texts('unit.ms')})" if info.unit == "ms" else ""
        return gr.Slider(
            info.minimum,
            info.maximum,
            value=getattr(VadOptions(), name),
            step=info.step,
            label=info.label[language] + unit,
            info=info.help[language],
            buttons=["reset"],
            elem_id=f"vad-option-{name}",
        )

    with gr.Column(elem_classes=["vad-card", "vad-tuning"]):
        presets = gr.Radio(
            [(preset.label[language], name) for name, preset in PRESETS.items()],
            value="default",
            label=texts("detect.presets"),
            elem_classes="vad-presets",
        )
        note = gr.HTML(
            _note(PRESETS["default"].help[language]), apply_default_css=False, elem_id="vad-note"
        )
        plain = {name: slider(name) for name in option_names(advanced=False)}
        with gr.Accordion(texts("detect.advanced"), open=False, elem_classes="vad-advanced"):
            more = {name: slider(name) for name in option_names(advanced=True)}
    sliders = {**plain, **more}
    return TuningCard(presets, note, tuple(sliders[name] for name in option_names()))


def wire(tab: DetectTab, tuning: TuningCard, detection: Detection, texts: Texts) -> None:
    """Join the events to what they do."""
    _wire_detection(tab, tuning, detection)
    _wire_tuning(tab, tuning, detection, texts)


def _wire_detection(tab: DetectTab, tuning: TuningCard, detection: Detection) -> None:
    def shown(update: Update) -> tuple[Any, ...]:
        running = gr.skip() if update.is_running is None else gr.Button(visible=update.is_running)
        has_result = gr.Button(interactive=True) if update.result_id else gr.skip()
        return _or_skip(update.status), running, _or_skip(update.result_id), has_result

    async def pick(
        event: gr.EventData, request: gr.Request, channel: str, engine: str
    ) -> AsyncIterator[tuple[Any, ...]]:
        origin, name = str(event._data.get("origin")), str(event._data.get("id"))
        if origin not in ("upload", "demo"):
            return
        session = request.session_hash or ""
        async for update in detection.detect(session, origin, name, channel, engine):
            yield shown(update)

    async def again(
        request: gr.Request, result_id: str, channel: str, engine: str
    ) -> AsyncIterator[tuple[Any, ...]]:
        session = request.session_hash or ""
        async for update in detection.detect(session, "result", result_id, channel, engine):
            yield shown(update)

    def stop(request: gr.Request) -> None:
        detection.stop(request.session_hash or "")

    def show(result_id: str, width_px: int, *values: Any) -> tuple[Any, ...]:
        result, note = detection.show(result_id, width_px, values)
        return _or_skip(result), note or gr.skip()

    outputs = [tab.status, tab.stop, tab.result_id, tab.again]
    choices = [tab.channel, tab.engine]
    running = {
        "show_progress": "hidden",
        "concurrency_limit": None,
        "api_visibility": "private",
    }
    picked = tab.source.picked(pick, choices, outputs, trigger_mode="multiple", **running)
    repeated = tab.again.click(again, [tab.result_id, *choices], outputs, **running)
    for finished in (picked, repeated):
        finished.then(
            show,
            [tab.result_id, tab.width_px, *tuning.sliders],
            [tab.result, tuning.note],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    tab.stop.click(stop, None, None, queue=False, show_progress="hidden", api_visibility="private")


def _wire_tuning(tab: DetectTab, tuning: TuningCard, detection: Detection, texts: Texts) -> None:
    language = texts.language
    quick: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
    }

    def about(values: Sequence[Any]) -> tuple[str | None, str]:
        name = matching_preset(values)
        return name, _note(PRESETS[name].help[language]) if name else ""

    def move(result_id: str, width_px: int, *values: Any) -> tuple[Any, ...]:
        result, note = detection.show(result_id, width_px, values)
        name, help_text = about(values)
        return _or_skip(result), note or help_text, name

    def choose(preset: str, result_id: str, width_px: int) -> tuple[Any, ...]:
        values = list(PRESETS[preset].options.as_dict().values())
        result, note = detection.show(result_id, width_px, values)
        return _or_skip(result), note or about(values)[1], *values

    def measured(event: gr.EventData, result_id: str, *values: Any) -> tuple[Any, ...]:
        width_px = min(4000, max(200, int(event._data.get("width") or _FIRST_WIDTH_PX)))
        opened = detection.open(str(event._data.get("query") or ""))
        moved: list[Any] = [gr.skip()] * len(values)
        if opened.result_id:
            result_id = opened.result_id
            values = tuple(opened.options.as_dict().values())
            moved = list(values)
        result, _ = detection.show(result_id, width_px, values)
        name, note = about(values)
        again = gr.Button(interactive=True) if result_id else gr.skip()
        state = [width_px, result_id, _or_skip(result), _or_skip(opened.status), again]
        return *state, note, name, *moved

    context = [tab.result_id, tab.width_px]
    for slider in tuning.sliders:
        slider.input(
            move,
            [*context, *tuning.sliders],
            [tab.result, tuning.note, tuning.presets],
            trigger_mode="always_last",
            **quick,
        )
    tuning.presets.input(
        choose,
        [tuning.presets, *context],
        [tab.result, tuning.note, *tuning.sliders],
        trigger_mode="always_last",
        **quick,
    )
    tab.result.measured(
        measured,
        [tab.result_id, *tuning.sliders],
        [
            *(tab.width_px, tab.result_id, tab.result, tab.status, tab.again),
            *(tuning.note, tuning.presets, *tuning.sliders),
        ],
        trigger_mode="always_last",
        **quick,
    )


def _or_skip(value: str | None) -> Any:
    return gr.skip() if value is None else value
