"""A batch in the history: one run, since its recordings would push all others out."""

from __future__ import annotations

from webui.batch.order import Order
from webui.batch.run import Tally
from webui.history import Run


def noted(name: str, order: Order, tally: Tally, *, worked_ms: int, spent_s: float) -> Run:
    """Sum a batch up.

    Args:
        name: that people know it by.
        order: what was done with each recording.
        tally: how it ended.
        worked_ms: of audio that was worked on this time.
        spent_s: on that.
    """
    worked_s = worked_ms / 1000
    return Run(
        source="batch",
        file=f"{name} ({tally.done + tally.skipped})",
        duration_ms=tally.duration_ms,
        channel=order.channel,
        engine=order.engine,
        options=order.options.as_dict(),
        segments=tally.segments,
        speech_share=min(1.0, tally.speech_ms / max(1, tally.duration_ms)),
        real_time_factor=spent_s / worked_s if worked_s else None,
    )
