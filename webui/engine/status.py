"""What the engine is doing, as it tells whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["not_loaded", "loading", "ready", "busy"]

Health = Literal["ready", "degraded", "refusing"]
"""New jobs are taken; they are, but the engine's process failed the last time; they are
refused for now, since memory is short, the line is full or there is no model."""


@dataclass(frozen=True)
class EngineStatus:
    """What the engine is doing.

    Attributes:
        state: of the model.
        engine: name of the loaded or loading engine; "" if there is none.
        stage: of loading, a key of `webui.vad.scorers.STAGES`; "" otherwise.
        load_time_s: how long loading took; None if nothing is loaded.
        device: where it computes; "" if nothing is loaded.
        pid: of the engine's process.
        waiting: jobs in the line.
        unload_in_s: time until the model is unloaded if nobody needs it; None while it
            works, is not loaded, or is never unloaded by itself.
    """

    state: State
    engine: str = ""
    stage: str = ""
    load_time_s: float | None = None
    device: str = ""
    pid: int | None = None
    waiting: int = 0
    unload_in_s: float | None = None
