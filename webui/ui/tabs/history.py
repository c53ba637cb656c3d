"""History: what was run, on the page and by commands; opened again with its options."""

from __future__ import annotations

import gradio as gr

from webui.ui.components import component
from webui.ui.i18n import Texts


def build(texts: Texts, root: str, *, is_kept: bool) -> None:
    """Make the card; its script asks the server itself.

    Args:
        texts: the page's language.
        root: relative address of the server's root.
        is_kept: whether a history is kept at all.
    """
    with gr.Column(elem_classes=["vad-card", "vad-area-input", "vad-on-history"]):
        component("history", texts, root=root, language=texts.language, kept=is_kept)
