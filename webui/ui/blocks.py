"""The page's blocks, which take no files.

Gradio copies each file that a request names into a cache from which it serves, and fetches
each address; where an application is mounted, it does not ask whether the file was uploaded.
This page's recordings come through its own routes, so that no event of it needs that.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState


class Page(gr.Blocks):
    """Blocks whose events get a file by the id of its upload, and by nothing else."""

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Make of each file what a handler may see of it: its id, as plain text.

        Inputs that a client left out at the end get their defaults.
        """
        plain = [_without_files(each) for each in inputs]
        if block_fn.api_visibility == "public":
            plain += [getattr(block, "value", None) for block in block_fn.inputs[len(plain) :]]
        processed: list[Any] = await super().preprocess_data(block_fn, plain, state, explicit_call)
        return processed


def _without_files(value: Any) -> Any:
    """Put its path into the place of each object that Gradio would take for a file."""
    if isinstance(value, dict):
        if "path" in value and "meta" in value:
            return str(value["path"])
        return {name: _without_files(each) for name, each in value.items()}
    return [_without_files(each) for each in value] if isinstance(value, list) else value
