"""What is done with every recording of a batch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from webui import __version__
from webui.audio.report import ChannelChoice
from webui.vad.options import VadOptions


@dataclass(frozen=True)
class Order:
    """How each recording is scored and decided, and what is written of it.

    Attributes:
        options: of the endpointer.
        channel: what is taken of the channels.
        engine: name of the scorer.
        model_sha256: of the weights that it loads.
        formats: names of `webui.formats.FORMATS`, each once.
        device: where the engine computes.
        threads: that each process scores with; 0 = one for each core.
    """

    options: VadOptions
    channel: ChannelChoice
    engine: str
    model_sha256: str
    formats: tuple[str, ...]
    device: str = "auto"
    threads: int = 0

    @property
    def key(self) -> str:
        """The same for orders that give the same results of a recording, whatever the format."""
        decisive = {
            "options": self.options.as_dict(),
            "channel": self.channel,
            "engine": self.engine,
            "model_sha256": self.model_sha256,
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
