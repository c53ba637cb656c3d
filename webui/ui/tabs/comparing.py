"""Compare: the present settings kept as A, beside those that are tuned on as B."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from webui.ui.comparison import BUTTONS, turned
from webui.ui.i18n import Texts
from webui.ui.tabs.detection import Detection, Kept
from webui.ui.tabs.tuning import Shown, TuningCard, about, or_skip
from webui.vad.options import option_names


def wire(
    compare: gr.HTML, card: TuningCard, shown: Shown, detection: Detection, texts: Texts
) -> None:
    """Join the buttons of A and B to the controls and the result.

    Args:
        compare: the component with the buttons.
        card: the controls.
        shown: where the result is shown, and what is kept.
        detection: what the events do.
        texts: the page's language.
    """

    def act(event: str) -> Callable[..., tuple[Any, ...]]:
        def pressed(result_id: str, kept: Kept, *values: Any) -> tuple[Any, ...]:
            a, b = turned(event, kept, dict(zip(option_names(), values, strict=True)))
            moved = list(b.values())
            result, note = detection.show(result_id, moved, a)
            if result is None:
                # Options that contradict each other are not kept.
                return gr.skip(), gr.skip(), note or gr.skip(), gr.skip(), *values
            name, help_text = about(moved, texts)
            return a, or_skip(result), note or help_text, name, *moved

        return pressed

    for event in BUTTONS:
        getattr(compare, event)(
            act(event),
            [shown.result_id, shown.kept, *card.sliders],
            [shown.kept, shown.result, card.note, card.presets, *card.sliders],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
