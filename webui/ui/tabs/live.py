"""Live: speech as it is spoken into a microphone of the browser."""

from __future__ import annotations

import gradio as gr

from webui.ui.components import component
from webui.ui.i18n import Texts


def build(texts: Texts, root: str) -> None:
    """Make the card of the microphone."""
    with gr.Column(elem_classes=["vad-card", "vad-area-input", "vad-on-live"]):
        component("live", texts, root=root, language=texts.language)
