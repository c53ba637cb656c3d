"""Editing by hand: the toolbar, and the result anew once the server has what was done.

The regions themselves travel over plain routes (`webui.ui.edits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.ui.tabs.detection import Detection
from webui.ui.tabs.tuning import or_skip


def build(texts: Texts, root: str) -> gr.HTML:
    """Make the toolbar; it follows the component "result" in the browser."""
    return component("edit", texts, root=root, language=texts.language)


def wire(
    edit: gr.HTML,
    result: gr.HTML,
    result_id: gr.State,
    sliders: Sequence[gr.components.Component],
    detection: Detection,
) -> None:
    """Join the toolbar to the result."""

    def refresh(shown_id: str, *values: Any) -> Any:
        return or_skip(detection.show(shown_id, values)[0])

    edit.refresh(
        refresh,
        [result_id, *sliders],
        [result],
        queue=False,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )
