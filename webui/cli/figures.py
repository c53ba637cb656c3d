"""``fsmn-vad detect --figure``: one figure for each file."""

from __future__ import annotations

from pathlib import Path

from webui.cli.files import appearing
from webui.formats import Outcome

OPTION = "--figure"
SUFFIXES = (".svg", ".png", ".pdf")


def write_figure(outcome: Outcome, path: Path, language: str) -> None:
    """Draw a recording's result into a file, in the format of its ending.

    Raises:
        SettingsError: it cannot be written.
    """
    # Here, since Matplotlib takes half a second and few want figures.
    from webui.plots.figure import draw, encode

    content = encode(draw(outcome, language=language), path.suffix[1:].lower())
    with appearing(path, OPTION) as stream:
        stream.write(content)
