"""Editing by hand: the result anew once the server has what was done.

The regions themselves travel over plain routes (`webui.ui.edits`).
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from webui.ui.tabs.detection import Detection, Kept
from webui.ui.tabs.tuning import Shown, TuningCard, or_skip


def wire(edit: gr.HTML, card: TuningCard, shown: Shown, detection: Detection) -> None:
    """Join the toolbar to the result."""

    def refresh(result_id: str, kept: Kept, *values: Any) -> Any:
        return or_skip(detection.show(result_id, values, kept)[0])

    edit.refresh(
        refresh,
        [shown.result_id, shown.kept, *card.sliders],
        [shown.result],
        queue=False,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )
