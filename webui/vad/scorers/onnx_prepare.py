"""Make our own graphs from the published model once, check them, and keep them."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from webui.audio import SAMPLE_RATE_HZ
from webui.model_errors import ModelError
from webui.vad.frontend import CONTEXT_FRAMES, Cmvn, Frontend, FrontendState
from webui.vad.scorers.blocks import LAYERS, PAST_FRAMES
from webui.vad.scorers.onnx_graph import INTEGER_PRODUCTS, MEMORY_SIZE, PAST_SHAPE, build
from webui.vad.scorers.runtime import import_onnxruntime

Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")

# Part of the name of what is kept: raise it whenever other graphs are made.
_VERSION = 1
_LARGEST_DIFFERENCE: dict[Precision, float] = {"fp32": 1e-5, "int8": 0.25}
_CHECK_S = 20
# Graphs of so many models are kept, those that were made last.
_KEPT_MODELS = 4


def prepared_graph(
    model_directory: Path,
    precision: Precision,
    directory: Path,
    on_unkept: Callable[[OSError], None] = lambda error: None,
) -> bytes:
    """Return a graph, made from the model now or earlier.

    Args:
        model_directory: holds the published model.onnx and am.mvn.
        precision: "fp32" or "int8".
        directory: where graphs are kept; one that cannot be written to is done without.
        on_unkept: told why the graph could not be kept.

    Raises:
        ModelError: a file of the model is damaged or not FSMN-VAD's, or the graph's scores
            differ from the model's.
    """
    kept = _kept(model_directory, precision, directory)
    graph = _read(kept)
    if graph is None:
        graph = _make(model_directory, precision)
        try:
            _write(kept, graph)
        except OSError as error:
            on_unkept(error)
    return graph


def is_prepared(model_directory: Path, precision: Precision, directory: Path) -> bool:
    """Tell whether a graph is kept, so that `prepared_graph` need not make it.

    Args:
        model_directory: as in `prepared_graph`.
        precision: as in `prepared_graph`.
        directory: as in `prepared_graph`.

    Raises:
        OSError: a file of the model cannot be read.
    """
    return _read(_kept(model_directory, precision, directory)) is not None


def _kept(model_directory: Path, precision: Precision, directory: Path) -> Path:
    source = hashlib.sha256()
    for name in ("model.onnx", "am.mvn"):
        source.update((model_directory / name).read_bytes())
    return directory / f"{source.hexdigest()[:16]}-{_VERSION}" / f"{precision}.onnx"


def _read(kept: Path) -> bytes | None:
    """Return a kept graph if it is there and as it was written."""
    try:
        graph = kept.read_bytes()
        receipt = json.loads(kept.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return None
    return graph if receipt.get("sha256") == hashlib.sha256(graph).hexdigest() else None


def _write(kept: Path, graph: bytes) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    receipt = json.dumps({"sha256": hashlib.sha256(graph).hexdigest()}).encode()
    for path, content in ((kept, graph), (kept.with_suffix(".json"), receipt)):
        # Not of tempfile, whose files nobody else may read: several users share a store.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    _tidy(kept.parent)


def _tidy(newest: Path) -> None:
    """Remove graphs that no program will read again, and the oldest of too many models."""
    others = [
        (path.stat().st_mtime, int(path.name.partition("-")[2]), path)
        for path in newest.parent.iterdir()
        if re.fullmatch(r"[0-9a-f]{16}-\d+", path.name) and path != newest
    ]
    current = sorted(other for other in others if other[1] >= _VERSION)
    unwanted = [other for other in others if other[1] < _VERSION]
    for *_, path in [*unwanted, *current[: max(0, len(current) + 1 - _KEPT_MODELS)]]:
        shutil.rmtree(path, ignore_errors=True)


def _make(model_directory: Path, precision: Precision) -> bytes:
    try:
        cmvn = Cmvn.read(model_directory / "am.mvn")
    except ValueError as error:
        raise ModelError(
            model="am.mvn",
            reason="the file is damaged or incomplete; fetch or copy it again",
            reason_zh="文件已损坏或不完整，请重新下载或复制",
        ) from error
    integer_products = INTEGER_PRODUCTS if precision == "int8" else ()
    model = build(model_directory / "model.onnx", cmvn, integer_products)
    graph: bytes = model.SerializeToString()
    difference = _difference(model_directory, cmvn, graph)
    if not difference <= _LARGEST_DIFFERENCE[precision]:
        raise ModelError(
            model=model_directory.name,
            reason=f"the graph made from it is off by {difference:.2g}",
            reason_zh=f"由其生成的计算图偏差为 {difference:.2g}",
        )
    return graph


def _difference(model_directory: Path, cmvn: Cmvn, graph: bytes) -> float:
    """Largest difference of P(speech) between a graph and the published one.

    Ours is run in two calls, so that what it hands from one to the next is compared too.
    """
    onnxruntime = import_onnxruntime()
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    ours = onnxruntime.InferenceSession(graph, settings, providers=providers)
    published = onnxruntime.InferenceSession(
        str(model_directory / "model.onnx"), settings, providers=providers
    )
    frames = _check_frames()
    half, context = len(frames) // 2, 2 * CONTEXT_FRAMES
    past = [np.zeros(PAST_SHAPE, np.float32)] * LAYERS
    found = []
    for part in (frames[: half + context], frames[half:]):
        inputs = {f"past_{layer}": array for layer, array in enumerate(past)}
        speech, *past = ours.run(None, {"frames": part, **inputs})
        found.append(speech)
    cache = np.zeros((1, MEMORY_SIZE, PAST_FRAMES, 1), np.float32)
    caches = {f"in_cache{i}": cache for i in range(LAYERS)}
    posteriors = published.run(None, {"speech": cmvn.stack(frames)[None], **caches})[0]
    return float(np.abs(np.concatenate(found) - (1.0 - posteriors[0, :, 0])).max())


def _check_frames() -> npt.NDArray[np.float32]:
    """Frames of a sound that comes and goes like speech, always the same."""
    random = np.random.default_rng(0)
    time_s = np.arange(_CHECK_S * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    pitch = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * time_s)) / SAMPLE_RATE_HZ
    voice = sum(np.sin(k * pitch) / k for k in range(1, 20))
    loudness = np.maximum(0, np.sin(2 * np.pi * 0.4 * time_s)) * (
        0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)
    )
    samples = 0.1 * loudness * voice + 0.001 * random.standard_normal(len(time_s))
    return Frontend().feed(FrontendState(), samples.astype(np.float32))[1].frames()
