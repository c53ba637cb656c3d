"""The page's look: Gradio's controls in the page's colours, with fonts of the machine."""

from __future__ import annotations

from importlib import resources

import gradio as gr

from webui.ui import components

_FONTS = (
    *("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue"),
    *("Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC"),
    "sans-serif",
)
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Noto Sans Mono", "monospace")
_TEAL = gr.themes.Color(
    *("#f0faf8", "#d9f2ee", "#b3e4dc", "#7fd0c4", "#47b5a6", "#1f998a"),
    *("#0b7a6e", "#086257", "#074e46", "#063f39", "#042a26"),
    name="studio",
)


def theme() -> gr.themes.Base:
    """Return the theme; colours that have a dark side are CSS variables of page.css."""
    return gr.themes.Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=gr.themes.colors.slate,
        font=list(_FONTS),
        font_mono=list(_MONO),
        text_size=gr.themes.sizes.text_md,
        radius_size=gr.themes.sizes.radius_md,
    ).set(
        body_background_fill="#f4f6f8",
        body_background_fill_dark="#0f1419",
        body_text_color="#1b2430",
        body_text_color_dark="#e7ecf1",
        body_text_color_subdued="var(--vad-soft)",
        body_text_color_subdued_dark="var(--vad-soft)",
        block_background_fill="var(--vad-card)",
        block_background_fill_dark="var(--vad-card)",
        block_label_text_color="var(--vad-soft)",
        block_border_width="0px",
        block_shadow="none",
        block_title_text_color="var(--body-text-color)",
        border_color_primary="var(--vad-line)",
        border_color_primary_dark="var(--vad-line)",
        input_background_fill="var(--vad-raised)",
        input_background_fill_dark="var(--vad-raised)",
        input_border_color="var(--vad-line-strong)",
        input_border_color_dark="var(--vad-line-strong)",
        slider_color="var(--vad-brand)",
        slider_color_dark="var(--vad-brand)",
        button_primary_background_fill="var(--vad-brand)",
        button_primary_background_fill_dark="var(--vad-brand)",
        button_primary_background_fill_hover="var(--vad-brand-strong)",
        button_primary_background_fill_hover_dark="var(--vad-brand-strong)",
        button_primary_text_color="var(--vad-on-brand)",
        button_primary_text_color_dark="var(--vad-on-brand)",
        button_secondary_background_fill="var(--vad-raised)",
        button_secondary_background_fill_dark="var(--vad-raised)",
        button_secondary_background_fill_hover="var(--vad-tint)",
        button_secondary_background_fill_hover_dark="var(--vad-tint)",
        button_secondary_border_color="var(--vad-line-strong)",
        button_secondary_border_color_dark="var(--vad-line-strong)",
        button_border_width="1px",
        button_secondary_text_color="var(--body-text-color)",
        button_secondary_text_color_dark="var(--body-text-color)",
    )


def styles() -> str:
    """Return the style sheet of the whole page."""
    return static("page.css") + "\n" + components.styles()


def static(name: str) -> str:
    """Return the text of one of the page's own files."""
    return (resources.files("webui.ui.static") / name).read_text(encoding="utf-8")
