"""Own components: each is a static template, its script and its style, in files.

A component's value is one JSON string; its script writes the values into the
template as text, so that a file's name can never become markup or code.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any

import gradio as gr

from webui.ui.i18n import Texts

NAMES = (
    *("header", "source", "status", "result", "player", "edit", "advice", "compare"),
    *("schedule", "share", "segments", "strips", "system", "live", "livelog", "history"),
    *("batch", "batchrun"),
)


def component(
    name: str,
    texts: Texts,
    *,
    value: str = "",
    elem_id: str = "",
    words: Mapping[str, str] = MappingProxyType({}),
    **props: Any,
) -> gr.HTML:
    """Make one of the components.

    Args:
        name: of its files.
        texts: language of its words; ``[[key]]`` in the template is replaced by a
            text, and the script gets all texts of ``name`` as ``props.texts``.
        value: to begin with.
        elem_id: of the element; made of ``name`` where it is not given.
        words: what is put into the template for ``[[=key]]``; ``[[=texts]]`` is as in the script.
        props: further values for the script, of types that JSON has. Gradio loses them
            where the component is in a fold that is closed at first.
    """
    own = json.dumps(texts.group(name), ensure_ascii=False)

    def word(match: re.Match[str]) -> str:
        key = match[2]
        return html.escape({"texts": own, **words}[key] if match[1] else texts(key))

    template = re.sub(r"\[\[(=?)([\w.]+)\]\]", word, _read(f"{name}.html"))
    # A block of its own, so that its names do not meet those that Gradio hands in.
    script = "{" + _read(f"{name}.js") + "}"
    return gr.HTML(
        value,
        html_template=template,
        js_on_load=script,
        apply_default_css=False,
        elem_classes=f"vad-{name}",
        elem_id=elem_id or f"vad-{name}",
        texts=own,
        **props,
    )


def styles() -> str:
    """Return the style sheets of all components."""
    return "\n".join(_read(f"{name}.css") for name in NAMES)


def _read(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
