"""Tuning: presets and a control for each option; every move decides anew at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.errors import OptionsError
from webui.ui.i18n import Texts
from webui.ui.tabs.controls import Control, advanced_controls, control
from webui.ui.tabs.detection import Detection, Kept, note_html
from webui.vad.options import PRESETS, VadOptions, option_info, option_names

_QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def matching_preset(values: Sequence[Any]) -> str | None:
    """Return the name of the preset that has these values, None if no one has."""
    try:
        options = VadOptions.from_mapping(dict(zip(option_names(), values, strict=True)))
    except OptionsError:
        return None
    return next((name for name, each in PRESETS.items() if each.options == options), None)


@dataclass(frozen=True)
class TuningCard:
    """The controls of the endpointer.

    Attributes:
        presets: names of `PRESETS`.
        note: what the chosen preset is for, or what is wrong with the options.
        sliders: the control of each of `option_names`, in that order; of any kind.
    """

    presets: gr.Radio
    note: gr.HTML
    sliders: tuple[Control, ...]


def build(texts: Texts, root: str) -> TuningCard:
    """Make the card with presets and the control of each option."""
    language = texts.language
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
        controls = {name: control(name, texts, root) for name in option_names(advanced=False)}
        with gr.Accordion(texts("detect.advanced"), open=False, elem_classes="vad-advanced"):
            controls |= advanced_controls(texts, root)
    return TuningCard(presets, note, tuple(controls[name] for name in option_names()))


@dataclass(frozen=True)
class Shown:
    """Where a result is shown.

    Attributes:
        result: the component.
        result_id: of the recording; "" if there is none.
        repeatable: what the button detects again.
        kept: options of A by name, None if nothing is kept.
        status: the component with messages.
        channel: what is taken of the channels.
        again: the button that is of use with a result alone.
    """

    result: gr.HTML
    result_id: gr.State
    repeatable: gr.State
    kept: gr.State
    status: gr.HTML
    channel: gr.Dropdown
    again: gr.Button


def about(values: Sequence[Any], texts: Texts) -> tuple[str | None, str]:
    """Return the preset that has these values, and what to say below the presets, in HTML."""
    name = matching_preset(values)
    if name:
        return name, note_html(PRESETS[name].help[texts.language])
    # Two other controls are without effect then, so it is said next to them.
    is_dynamic = values[option_names().index("dynamic_silence")] is True
    dynamic = option_info("dynamic_silence").help[texts.language]
    return None, note_html(dynamic) if is_dynamic else ""


def wire(card: TuningCard, shown: Shown, detection: Detection, texts: Texts) -> None:
    """Join the controls to the result."""

    def move(result_id: str, kept: Kept, *values: Any) -> tuple[Any, ...]:
        result, note = detection.show(result_id, values, kept)
        name, help_text = about(values, texts)
        return or_skip(result), note or help_text, name

    def choose(preset: str, result_id: str, kept: Kept) -> tuple[Any, ...]:
        values = list(PRESETS[preset].options.as_dict().values())
        result, note = detection.show(result_id, values, kept)
        return or_skip(result), note or about(values, texts)[1], *values

    def tune(event: gr.EventData, result_id: str, kept: Kept, *values: Any) -> tuple[Any, ...]:
        """Options set by other means than their own controls, such as the threshold line.

        Without any it is decided anew by the controls as they are.
        """
        wanted = event._data.get("values") or {}
        names = option_names()
        moved = [wanted.get(name, gr.skip()) for name in names]
        values = tuple(wanted.get(name, value) for name, value in zip(names, values, strict=True))
        return *move(result_id, kept, *values), *moved

    everything = [shown.result, card.note, card.presets]
    for slider in card.sliders:
        slider.input(
            move,
            [shown.result_id, shown.kept, *card.sliders],
            everything,
            trigger_mode="always_last",
            **_QUICK,
        )
    card.presets.input(
        choose,
        [card.presets, shown.result_id, shown.kept],
        [shown.result, card.note, *card.sliders],
        trigger_mode="always_last",
        **_QUICK,
    )
    shown.result.tune(
        tune,
        [shown.result_id, shown.kept, *card.sliders],
        [*everything, *card.sliders],
        # The page asks one after another: "always_last" would keep the last event back, and
        # then send it with the data of the first that waited.
        trigger_mode="multiple",
        **_QUICK,
    )
    _wire_opening(card, shown, detection, texts)


def _wire_opening(card: TuningCard, shown: Shown, detection: Detection, texts: Texts) -> None:
    """Open what the browser's address names, once it is there."""

    def measured(event: gr.EventData, result_id: str, kept: Kept, *values: Any) -> tuple[Any, ...]:
        opened = detection.open(str(event._data.get("query") or ""))
        moved: list[Any] = [gr.skip()] * len(values)
        again, repeatable = gr.skip(), gr.skip()
        if opened.result_id:
            result_id = opened.result_id
            again, repeatable = gr.Button(interactive=True), ("result", result_id)
        if opened.options:
            values = tuple(opened.options.as_dict().values())
            moved = list(values)
        kept = opened.kept or kept
        result, _ = detection.show(result_id, values, kept)
        name, note = about(values, texts)
        state = [result_id, repeatable, kept, or_skip(result), or_skip(opened.status), again]
        return *state, opened.channel or gr.skip(), note, name, *moved

    shown.result.measured(
        measured,
        [shown.result_id, shown.kept, *card.sliders],
        [
            *(shown.result_id, shown.repeatable, shown.kept),
            *(shown.result, shown.status, shown.again, shown.channel),
            *(card.note, card.presets, *card.sliders),
        ],
        trigger_mode="always_last",
        **_QUICK,
    )


def or_skip(value: str | None) -> Any:
    """Return a value for an output, or what leaves the output as it is for None."""
    return gr.skip() if value is None else value
