"""Compare: the present settings kept as A, beside those that are tuned on as B."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from webui.ui.comparison import BUTTONS, parse, turned
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
    names = option_names()
    unmoved: list[Any] = [gr.skip()] * len(names)

    def act(event: str) -> Callable[..., tuple[Any, ...]]:
        def pressed(kept: Kept, *values: Any) -> tuple[Any, ...]:
            present = dict(zip(names, values, strict=True))
            if event in ("kept", "swapped") and parse(present) is None:
                # Options that contradict each other are not kept; the card says so already.
                return gr.skip(), gr.skip(), gr.skip(), *unmoved
            a, b = turned(event, kept, present)
            if event not in ("restored", "swapped"):
                # A slider may have moved on since the button was pressed.
                return a, gr.skip(), gr.skip(), *unmoved
            moved = list(b.values())
            name, note = about(moved, texts)
            return a, note, name, *moved

        return pressed

    def show(result_id: str, kept: Kept, *values: Any) -> tuple[Any, Any]:
        result, note = detection.show(result_id, values, kept)
        return or_skip(result), note or gr.skip()

    quick: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    result = ([shown.result_id, shown.kept, *card.sliders], [shown.result, card.note])
    for event in BUTTONS:
        # Each step takes the sliders where they are when the one before is done. The last is
        # for a slider that moves on during the second: of two questions that are asked at the
        # same moment, the server may take the later one first.
        pressed = getattr(compare, event)(
            act(event),
            [shown.kept, *card.sliders],
            [shown.kept, card.note, card.presets, *card.sliders],
            **quick,
        )
        pressed.then(show, *result, **quick).then(show, *result, **quick)
