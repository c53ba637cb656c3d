"""What is done with every recording of a batch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from webui import __version__, weights
from webui.audio.report import ChannelChoice
from webui.settings import Settings
from webui.vad.options import VadOptions
from webui.vad.scorers import SCORERS, resolve_engine


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
        block_s: seconds of audio that are scored at a time, where memory allows it.
        memory_share: of the memory that may be in use.
    """

    options: VadOptions
    channel: ChannelChoice
    engine: str
    model_sha256: str
    formats: tuple[str, ...]
    device: str = "auto"
    threads: int = 0
    block_s: float = Settings.block_s
    memory_share: float = Settings.memory_share

    @classmethod
    def of(
        cls,
        settings: Settings,
        options: VadOptions,
        channel: ChannelChoice,
        formats: Iterable[str],
        engine: str = "",
    ) -> Order:
        """Find the model, and say with what each recording is scored.

        Args:
            settings: engine, device, threads, and where models are.
            options: of the endpointer.
            channel: what is taken of the channels.
            formats: that are written.
            engine: in place of that of the settings.

        Raises:
            EngineUnavailableError: this engine's packages are not installed.
            ModelError: there is no model for it.
        """
        name = resolve_engine(engine or settings.engine)
        kind = SCORERS[name].weights
        directory = weights.find(engine=kind, settings=settings)
        return cls(
            options=options,
            channel=channel,
            engine=name,
            model_sha256=weights.model_sha256(directory)[weights.WEIGHTS_FILES[kind]],
            formats=tuple(dict.fromkeys(formats)),
            device=settings.device,
            threads=settings.threads,
            block_s=settings.block_s,
            memory_share=settings.memory_share,
        )

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
