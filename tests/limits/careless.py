"""Engines that run out of memory, in a module that their processes can import."""

from __future__ import annotations

from multiprocessing.connection import Connection

from webui import guard
from webui.engine import worker
from webui.engine.messages import EngineConfig
from webui.vad.detector import Pace

BLOCK_S = 600.0


def careless(pipe: Connection, streams: Connection, config: EngineConfig) -> None:
    """The engine's process, with a guard that lets everything pass, in large blocks."""
    wanted = Pace(BLOCK_S, config.settings.threads)
    guard.Guard.pace = lambda *given: wanted  # type: ignore[method-assign]
    worker.main(pipe, streams, config)
