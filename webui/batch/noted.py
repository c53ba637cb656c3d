"""A batch in the history: one run, since its recordings would push all others out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from webui.batch.order import Order
from webui.batch.run import Tally
from webui.history import Run


def name_of(inputs: Sequence[str], output: Path) -> str:
    """Name a command's batch by the first of what it was given and by where its results are."""
    first = Path(inputs[0]).absolute()
    more = ", …" if len(inputs) > 1 else ""
    return f"{first.name or first}{more} -> {output.absolute().name}"


def noted(
    name: str, order: Order, tally: Tally, *, worked_ms: int, spent_s: float, batch_id: str = ""
) -> Run:
    """Sum a batch up, with how many of its recordings have results: all, or so many of how many.

    Args:
        name: that people know it by.
        order: what was done with each recording.
        tally: how it ended.
        worked_ms: of audio that was worked on this time.
        spent_s: on that.
        batch_id: of a page that keeps it.
    """
    worked_s = worked_ms / 1000
    well = tally.done + tally.skipped
    count = str(well) if well == tally.total else f"{well}/{tally.total}"
    return Run(
        source="batch",
        file=f"{name} ({count})",
        duration_ms=tally.duration_ms,
        channel=order.channel,
        engine=order.engine,
        options=order.options.as_dict(),
        segments=tally.segments,
        speech_share=min(1.0, tally.speech_ms / max(1, tally.duration_ms)),
        real_time_factor=spent_s / worked_s if worked_s else None,
        result_id=batch_id,
    )
