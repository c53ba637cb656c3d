"""The control of each option: a slider, a checkbox or a table, by its kind."""

from __future__ import annotations

import html
from itertools import groupby
from typing import TypeAlias

import gradio as gr

from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.vad.option_kinds import GROUPS
from webui.vad.options import VadOptions, option_info, option_names

Control: TypeAlias = gr.Slider | gr.Checkbox | gr.HTML


def control(name: str, texts: Texts, root: str) -> Control:
    """Make the control of one option, at its default.

    Args:
        name: of the option.
        texts: the page's language.
        root: relative address of the server's root.
    """
    info = option_info(name)
    default = getattr(VadOptions(), name)
    label, about = info.label[texts.language], info.help[texts.language]
    elem_id = f"vad-option-{name}"
    if info.kind == "switch":
        return gr.Checkbox(default, label=label, info=about, elem_id=elem_id)
    if info.kind == "text":
        return component(
            "schedule",
            texts,
            value=default,
            elem_id=elem_id,
            words={"label": label, "usual": default, "root": root},
        )
    return gr.Slider(
        info.minimum,
        info.maximum,
        value=default,
        step=info.step,
        label=texts("detect.option_ms", name=label) if info.unit == "ms" else label,
        info=about,
        buttons=["reset"],
        elem_id=elem_id,
    )


def advanced_controls(texts: Texts, root: str) -> dict[str, Control]:
    """Make the controls of the Advanced fold, each group under its heading."""
    made: dict[str, Control] = {}
    names = option_names(advanced=True)
    for group, members in groupby(names, key=lambda name: option_info(name).group):
        if group != "endpointer":  # the first; the fold's own title serves it
            heading = html.escape(GROUPS[group][texts.language])
            gr.HTML(f'<h3 class="vad-group">{heading}</h3>', apply_default_css=False)
        made |= {name: control(name, texts, root) for name in members}
    return made
