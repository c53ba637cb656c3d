"""Batch: many files, or a folder of the server, each with its results in several formats.

Files go to the server, and its state comes from there, without passing a handler of Gradio:
here stand the two cards. They are told of the options by what tells the live tab.
"""

from __future__ import annotations

import json

import gradio as gr

from webui.audio.report import CHANNEL_CHOICES
from webui.batch.inputs import SUFFIXES
from webui.formats import FORMATS
from webui.ui.components import component
from webui.ui.i18n import Texts
from webui.ui.studio import Studio
from webui.vad.options import VadOptions, option_names
from webui.vad.scorers import SCORERS


def build(studio: Studio, texts: Texts, root: str) -> None:
    """Make the card where a batch is put together, and that which shows how it stands.

    Args:
        studio: what all sessions share.
        texts: the page's language.
        root: relative address of the server's root.
    """
    settings = studio.settings
    engines = [(texts("detect.engine_auto"), "auto")]
    engines += [(info.label[texts.language], name) for name, info in SCORERS.items()]
    channels = [(texts(f"detect.channel_{name}"), name) for name in CHANNEL_CHOICES]
    formats = [{"name": name, "title": form.title} for name, form in FORMATS.items()]
    with gr.Column(elem_classes=["vad-card", "vad-area-input", "vad-on-batch", "vad-batch-setup"]):
        component(
            "batch",
            texts,
            root=root,
            language=texts.language,
            engine=settings.engine,
            most=settings.batch_files,
            options=json.dumps(option_names()),
            defaults=json.dumps(VadOptions().as_dict()),
            suffixes=json.dumps(sorted(SUFFIXES)),
            formats=json.dumps(formats, ensure_ascii=False),
            engines=json.dumps(engines, ensure_ascii=False),
            channels=json.dumps(channels, ensure_ascii=False),
            folders=json.dumps([str(folder) for folder in settings.server_folders]),
        )
    with gr.Column(elem_classes=["vad-card", "vad-area-input", "vad-on-batch", "vad-batch-run"]):
        component("batchrun", texts, root=root, language=texts.language)
