"""A figure drawn in a process of its own, with which goes what Matplotlib takes."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

from webui.formats import Outcome

# A second one would only take the memory twice.
_one_at_a_time = threading.Lock()


def encode_apart(
    outcome: Outcome, kind: str, *, kept: Outcome | None = None, language: str = "en"
) -> bytes:
    """Draw a figure without importing Matplotlib here; takes a second or two.

    Args:
        outcome: as for `webui.plots.figure.draw`.
        kind: "svg", "png" or "pdf".
        kept: as for `webui.plots.figure.draw`.
        language: "en" or "zh".

    Raises:
        BrokenProcessPool: the process was ended from outside.
    """
    context = multiprocessing.get_context("spawn")
    with _one_at_a_time, ProcessPoolExecutor(1, context, initializer=_ignore_ctrl_c) as pool:
        return pool.submit(_encoded, outcome, kind, kept, language).result()


def _ignore_ctrl_c() -> None:
    # It reaches the whole group of the terminal; the page decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _encoded(outcome: Outcome, kind: str, kept: Outcome | None, language: str) -> bytes:
    # Not at the top: the page's process stays without Matplotlib.
    from webui.plots.figure import draw, encode

    return encode(draw(outcome, kept=kept, language=language), kind)
