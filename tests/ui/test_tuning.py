"""The control of each option, and what the card says of their values."""

from __future__ import annotations

import asyncio
import html

import gradio as gr
import pytest

from webui.errors import LANGUAGES
from webui.ui.i18n import Texts
from webui.ui.tabs import tuning
from webui.vad.option_kinds import GROUPS
from webui.vad.options import PRESETS, VadOptions, option_info, option_names


async def build(language: str) -> tuple[gr.Blocks, tuning.TuningCard]:
    # Within a loop: without one, Gradio opens two that nobody closes.
    with gr.Blocks() as page:
        card = tuning.build(Texts(language), "./")
    return page, card


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_option_has_its_control_in_order(language: str) -> None:
    page, card = asyncio.run(build(language))
    kinds = {"number": gr.Slider, "switch": gr.Checkbox, "text": gr.HTML}
    assert len(card.sliders) == len(option_names())
    for name, control in zip(option_names(), card.sliders, strict=True):
        info = option_info(name)
        assert type(control) is kinds[info.kind]
        assert control.elem_id == f"vad-option-{name}"
        assert control.value == getattr(VadOptions(), name)
        if isinstance(control, gr.HTML):
            assert html.escape(info.label[language]) in control.html_template
            assert html.escape(Texts(language)("schedule.help")) in control.html_template
        else:
            assert info.label[language] in str(control.label)
            assert control.info == info.help[language]
        assert control.input
    headings = [str(block.value) for block in page.blocks.values() if isinstance(block, gr.HTML)]
    for group in ("dynamic_silence", "post_processing"):
        assert any(GROUPS[group][language] in heading for heading in headings)


def test_a_preset_is_known_however_its_values_come() -> None:
    meeting = PRESETS["meeting"].options
    values = [float(v) if type(v) is int else v for v in meeting.as_dict().values()]
    values[option_names().index("silence_schedule")] = meeting.silence_schedule.replace(",", ", ")
    assert tuning.matching_preset(values) == "meeting"
    values[option_names().index("split_capped")] = True
    assert tuning.matching_preset(values) is None
    values[option_names().index("silence_schedule")] = "nonsense"
    assert tuning.matching_preset(values) is None
