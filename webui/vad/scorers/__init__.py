"""Scorers: samples to speech probabilities. Each way to run the network is one module.

A scorer is heavy (weights, a session) and shared by all streams; what belongs to
one stream is a state that is passed in and returned. Importing this package
imports none of the frameworks: they are loaded when a scorer is made.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from webui.errors import EngineUnavailableError, SettingsError
from webui.settings import Settings

Samples = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float32]
OnStage = Callable[[str], None]
"""Told the name of each stage of loading: one of `STAGES`."""

STAGES: Mapping[str, Mapping[str, str]] = {
    "start_process": {"en": "Starting the engine process", "zh": "启动引擎进程"},
    "import_torch": {"en": "Importing torch", "zh": "导入 torch"},
    "import_funasr": {"en": "Importing FunASR", "zh": "导入 FunASR"},
    "import_onnxruntime": {"en": "Importing ONNX Runtime", "zh": "导入 ONNX Runtime"},
    "load_weights": {"en": "Loading the weights", "zh": "加载权重"},
    "warm_up": {"en": "Warming up", "zh": "预热"},
}


class Scorer(Protocol):
    """One way to run the network.

    Attributes:
        device: where it computes: "cpu", "cuda:0", ...
        versions: of the frameworks that it uses, by name.
    """

    device: str
    versions: dict[str, str]

    def start(self) -> Any:
        """State of a new stream."""

    def feed(self, state: Any, samples: Samples) -> tuple[Any, Probabilities]:
        """Score what the next samples complete.

        Args:
            state: of this stream; it is not changed.
            samples: 16 kHz mono in -1 to 1, float32, shape (samples,).

        Returns:
            The new state, and P(speech) of the frames that are complete by now,
            float32, shape (frames,). Frames come two hops late, since the
            network sees two frames ahead.
        """

    def finish(self, state: Any) -> Probabilities:
        """P(speech) of the frames that are still owed at the end of the stream."""

    def score(
        self, blocks: Iterator[Samples], tracks: int = 1, threads: int = 0
    ) -> Generator[Probabilities, None, None]:
        """Score a whole recording, on all threads.

        The blocks are taken a few ahead, in the caller's thread, and only so many are
        held. Leaving off before the end waits for those that are being scored.

        Args:
            blocks: 16 kHz mono in -1 to 1, float32, of a second or more each, but the last.
            tracks: how many take turns in the blocks: the first block of each, then the
                second of each, and so on; all have equally many.
            threads: that work at once, at most; 0 = all.

        Returns:
            P(speech) of each block in order, float32, shape (frames,); those of a track
            together are what `feed` and `finish` give.
        """


@dataclass(frozen=True)
class ScorerInfo:
    """What is known of a scorer before it is loaded.

    Attributes:
        label: its name on the page, by language.
        module, attribute: where its class is.
        packages: import names of what must be installed.
        weights: the key of `webui.weights.WEIGHTS_FILES` for what it loads.
    """

    label: Mapping[str, str]
    module: str
    attribute: str
    packages: tuple[str, ...]
    weights: str


SCORERS: Mapping[str, ScorerInfo] = {
    "funasr": ScorerInfo(
        {"en": "FunASR (torch)", "zh": "FunASR（torch）"},
        "webui.vad.scorers.funasr",
        "FunasrScorer",
        ("torch", "funasr"),
        "funasr",
    ),
    "onnx": ScorerInfo(
        {"en": "ONNX Runtime", "zh": "ONNX Runtime"},
        "webui.vad.scorers.onnx",
        "OnnxScorer",
        ("onnxruntime",),
        "onnx",
    ),
    "onnx-int8": ScorerInfo(
        {"en": "ONNX Runtime, 8-bit", "zh": "ONNX Runtime（8 位）"},
        "webui.vad.scorers.onnx",
        "OnnxInt8Scorer",
        ("onnxruntime",),
        "onnx",
    ),
}


def missing_package(engine: str) -> str | None:
    """Name of the first package that the engine lacks here; None if it can run."""
    for package in SCORERS[engine].packages:
        if importlib.util.find_spec(package) is None:
            return package
    return None


def resolve_engine(engine: str = "auto") -> str:
    """Name of the engine to use: "auto" is FunASR where it is installed, else ONNX Runtime.

    Raises:
        SettingsError: no such engine.
        EngineUnavailableError: its packages are not installed.
    """
    if engine == "auto":
        return "onnx" if missing_package("funasr") else "funasr"
    if engine not in SCORERS:
        known = ", ".join(["auto", *SCORERS])
        raise SettingsError(
            name="engine",
            reason=f"there is no engine {engine}; known are {known}",
            reason_zh=f"没有引擎 {engine}；可用的有 {known}",
        )
    if package := missing_package(engine):
        raise EngineUnavailableError(engine=engine, package=package)
    return engine


def load_scorer(
    engine: str,
    model_directory: Path,
    *,
    threads: int = 0,
    device: str = "auto",
    prepared_directory: Path | None = None,
    on_stage: OnStage = lambda stage: None,
    precision: str = "fp32",
) -> Scorer:
    """Load an engine's framework and the model's weights.

    Args:
        engine: a name of `SCORERS`.
        model_directory: holds the model's files.
        threads: that score; 0 = one for each core.
        device: "auto", "cpu", "cuda", "cuda:1".
        prepared_directory: where what is made from the model is kept; None = in
            the model store.
        on_stage: told each stage as it begins.
        precision: that funasr computes in on a GPU: "fp32" or "fp16".
    """
    info = SCORERS[engine]
    make = getattr(importlib.import_module(info.module), info.attribute)
    scorer: Scorer = make(
        model_directory,
        threads=threads,
        device=device,
        prepared_directory=prepared_directory or Settings.from_environment().prepared_directory,
        on_stage=on_stage,
        precision=precision,
    )
    on_stage("warm_up")
    silence = np.zeros(16_000, dtype=np.float32)
    scorer.finish(scorer.feed(scorer.start(), silence)[0])
    return scorer
