"""Live: speech as it is spoken into a microphone of the browser.

The sound goes from the browser to the stream's endpoint without passing a handler of Gradio;
here stand the two cards, and what tells their scripts of the controls they share.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.ui.tabs.tuning import TuningCard
from webui.vad.options import VadOptions, option_names
from webui.vad.segment import EndReason

_IN_BROWSER: dict[str, Any] = {"queue": False, "api_visibility": "private"}


def build(texts: Texts, root: str, engine: str) -> None:
    """Make the card of the microphone and that of what is found.

    Args:
        texts: the page's language.
        root: relative address of the server's root.
        engine: that scores until another one is chosen.
    """
    reasons = {reason.value: texts(f"segments.reason_{reason.value}") for reason in EndReason}
    with gr.Column(elem_classes=["vad-card", "vad-area-input", "vad-on-live"]):
        component(
            "live",
            texts,
            root=root,
            language=texts.language,
            engine=engine,
            options=json.dumps(option_names()),
            defaults=json.dumps(VadOptions().as_dict()),
            dynamic_thres=VadOptions(dynamic_silence=True).speech_noise_thres_in_force,
        )
    with gr.Column(elem_classes=["vad-card", "vad-area-result", "vad-on-live"]):
        component("livelog", texts, root=root, reasons=json.dumps(reasons, ensure_ascii=False))


def wire(card: TuningCard, engine: gr.Dropdown) -> None:
    """Tell the scripts, within the browser, what the controls are set to."""
    for control in card.sliders:
        control.change(None, [*card.sliders], js=_told("options", "values"), **_IN_BROWSER)
    engine.change(None, [engine], js=_told("engine", "values[0]"), **_IN_BROWSER)


def _told(name: str, detail: str) -> str:
    """JavaScript that hands the values of controls on as an event of the document."""
    event = f"new CustomEvent('vad:{name}', {{ detail: {detail} }})"
    return f"(...values) => {{ document.dispatchEvent({event}) }}"
