"""Tuning: presets and a control for each option; every move decides anew at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.ui.i18n import Texts
from webui.ui.tabs.detection import Detection, note_html
from webui.vad.options import PRESETS, VadOptions, option_info, option_names

FIRST_WIDTH_PX = 1000
_WIDTHS_PX = (200, 4000)
_QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def matching_preset(values: Sequence[Any]) -> str | None:
    """Return the name of the preset that has these values, None if no one has."""
    for name, preset in PRESETS.items():
        if list(preset.options.as_dict().values()) == list(values):
            return name
    return None


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


def build(texts: Texts) -> TuningCard:
    """Make the card with presets and sliders."""
    language = texts.language

    def slider(name: str) -> gr.Slider:
        info = option_info(name)
        label = info.label[language]
        return gr.Slider(
            info.minimum,
            info.maximum,
            value=getattr(VadOptions(), name),
            step=info.step,
            label=texts("detect.option_ms", name=label) if info.unit == "ms" else label,
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
            note_html(PRESETS["default"].help[language]),
            apply_default_css=False,
            elem_id="vad-note",
        )
        plain = {name: slider(name) for name in option_names(advanced=False)}
        with gr.Accordion(texts("detect.advanced"), open=False, elem_classes="vad-advanced"):
            more = {name: slider(name) for name in option_names(advanced=True)}
    sliders = {**plain, **more}
    return TuningCard(presets, note, tuple(sliders[name] for name in option_names()))


@dataclass(frozen=True)
class Shown:
    """Where a result is shown.

    Attributes:
        result: the component.
        result_id: of the recording; "" if there is none.
        repeatable: what the button detects again.
        width_px: of the picture.
        status: the component with messages.
        again: the button that is of use with a result alone.
    """

    result: gr.HTML
    result_id: gr.State
    repeatable: gr.State
    width_px: gr.State
    status: gr.HTML
    again: gr.Button


def _about(values: Sequence[Any], texts: Texts) -> tuple[str | None, str]:
    name = matching_preset(values)
    return name, note_html(PRESETS[name].help[texts.language]) if name else ""


def wire(card: TuningCard, shown: Shown, detection: Detection, texts: Texts) -> None:
    """Join the controls to the result."""

    def move(result_id: str, width_px: int, *values: Any) -> tuple[Any, ...]:
        result, note = detection.show(result_id, width_px, values)
        name, help_text = _about(values, texts)
        return or_skip(result), note or help_text, name

    def choose(preset: str, result_id: str, width_px: int) -> tuple[Any, ...]:
        values = list(PRESETS[preset].options.as_dict().values())
        result, note = detection.show(result_id, width_px, values)
        return or_skip(result), note or _about(values, texts)[1], *values

    context = [shown.result_id, shown.width_px]
    for slider in card.sliders:
        slider.input(
            move,
            [*context, *card.sliders],
            [shown.result, card.note, card.presets],
            trigger_mode="always_last",
            **_QUICK,
        )
    card.presets.input(
        choose,
        [card.presets, *context],
        [shown.result, card.note, *card.sliders],
        trigger_mode="always_last",
        **_QUICK,
    )
    _wire_opening(card, shown, detection, texts)


def _wire_opening(card: TuningCard, shown: Shown, detection: Detection, texts: Texts) -> None:
    """Draw for the width that the browser tells, and first open what its address names."""

    def measured(event: gr.EventData, result_id: str, *values: Any) -> tuple[Any, ...]:
        told_px = int(event._data.get("width") or FIRST_WIDTH_PX)
        width_px = min(max(told_px, _WIDTHS_PX[0]), _WIDTHS_PX[1])
        opened = detection.open(str(event._data.get("query") or ""))
        moved: list[Any] = [gr.skip()] * len(values)
        again, repeatable = gr.skip(), gr.skip()
        if opened.result_id:
            result_id = opened.result_id
            again, repeatable = gr.Button(interactive=True), ("result", result_id)
            values = tuple(opened.options.as_dict().values())
            moved = list(values)
        result, _ = detection.show(result_id, width_px, values)
        name, note = _about(values, texts)
        state = [width_px, result_id, repeatable, or_skip(result), or_skip(opened.status), again]
        return *state, note, name, *moved

    shown.result.measured(
        measured,
        [shown.result_id, *card.sliders],
        [
            *(shown.width_px, shown.result_id, shown.repeatable),
            *(shown.result, shown.status, shown.again),
            *(card.note, card.presets, *card.sliders),
        ],
        trigger_mode="always_last",
        **_QUICK,
    )


def or_skip(value: str | None) -> Any:
    """Return a value for an output, or what leaves the output as it is for None."""
    return gr.skip() if value is None else value
