"""Find, fetch, verify and remove the models of ``models/manifest.toml``.

A file of the store is used only when its size and SHA-256 are those of the
manifest. Because a file is known by its hash, the sources need not be trusted
and can complete each other: one may lack a file that the next one has.

``FSMN_VAD_MODEL_DIR`` names a directory that stands in for the default model
and is used as it is: its files must exist, but may differ from the manifest.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from webui import weights_manifest, weights_sources
from webui.model_errors import (
    ModelAlteredError,
    ModelDirectoryError,
    ModelError,
    ModelFetchError,
    ModelMissingError,
    ModelStoreError,
    ModelStoreFullError,
    UnknownModelError,
)
from webui.setting_places import fetch_command
from webui.settings import Settings
from webui.system_errors import FULL_DISK
from webui.weights_manifest import Model
from webui.weights_sources import ModelFile, Reason, Source

DEFAULT_MODEL = "fsmn-vad-16k-zh"
WEIGHTS_FILES = {"funasr": "model.pt", "onnx": "model.onnx"}
"""The file that holds the weights, by engine."""

State = Literal["absent", "ready", "altered", "external"]

_TEMPORARY_PREFIX = ".fetch-"
_TEMPORARY_AGE_S = 24 * 3600


@dataclass(frozen=True)
class Problem:
    """Why a file of a model cannot be used; ``engines`` cannot do without it."""

    file: str
    kind: Literal["missing", "size", "sha256"]
    engines: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far a fetch is; ``file`` is empty while a whole package is downloaded."""

    model: str
    source: str
    file: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class ModelRecord:
    """A model and what this machine has of it.

    ``state`` is "absent" (for no engine complete), "ready" (complete for the
    engines in ``engines``), "altered" (a file differs from the manifest) or
    "external" (``FSMN_VAD_MODEL_DIR`` stands in for it). Whether the packages of an
    engine are installed is another matter.
    """

    name: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    licence: str
    licence_url: str
    licence_note: Mapping[str, str]
    card: str
    state: State
    engines: tuple[str, ...]
    problems: tuple[Problem, ...]
    directory: Path
    size_bytes: int


def find(
    name: str = DEFAULT_MODEL, engine: str | None = None, *, settings: Settings | None = None
) -> Path:
    """Return the directory of a model after checking its files.

    Args:
        name: a model of the manifest.
        engine: "funasr" or "onnx": only the files that this engine needs are
            checked. None: the model must be complete for one engine at least,
            and no file may be altered.
        settings: where to look; None reads the environment.

    Raises:
        UnknownModelError: the manifest has no such model.
        ModelMissingError: files are missing; a `ModelDirectoryError` where
            ``FSMN_VAD_MODEL_DIR`` is set.
        ModelAlteredError: a file differs from the manifest.
        ModelError: a file cannot be read.
    """
    settings = settings or Settings.from_environment()
    model = _model(name, settings)
    directory, external = _directory(model, settings)
    problems = _problems(model, directory, content=not external)
    relevant = [file for file in model.files if engine is None or engine in file.engines]
    for file in relevant:
        kind = problems.get(file.name)
        if kind is not None and kind != "missing":
            raise ModelAlteredError(model=name, file=file.name)
    complete = model.engines_without(set(problems))
    if not complete or (engine is not None and engine not in complete):
        if external:
            lacking = [file.name for file in relevant if file.name in problems]
            raise _unusable(name, directory, lacking)
        command = fetch_command(settings.models_directory)
        raise ModelMissingError(model=name, directory=str(directory), command=command)
    return directory


def lacks_files(settings: Settings) -> bool:
    """Whether the default model lacks files for every engine; takes a millisecond, reads none.

    Raises:
        SettingsError: the manifest cannot be read.
    """
    model = _model(DEFAULT_MODEL, settings)
    directory, _ = _directory(model, settings)
    lacking = {file.name for file in model.files if not (directory / file.name).is_file()}
    return not model.engines_without(lacking)


def fetch(
    name: str = DEFAULT_MODEL,
    progress: Callable[[Progress], None] | None = None,
    engine: str | None = None,
    *,
    settings: Settings | None = None,
) -> Path:
    """Fetch what is missing or altered of a model and return its directory.

    Files are downloaded beside their place, verified, and moved there one by one,
    so that several processes may fetch at once. Sources are tried in the order of
    the manifest until every file is there. A fetch counts as done when the model
    is complete for ``engine``, or for any engine when that is None.

    Args:
        name: a model of the manifest.
        progress: called about every 64 KiB and at least five times a second while
            waiting; an exception that it raises ends the fetch.
        engine: "funasr" or "onnx", the engine that must be able to run afterwards.
        settings: where to look; None reads the environment.

    Raises:
        UnknownModelError: the manifest has no such model.
        ModelMissingError: ``FSMN_VAD_MODEL_DIR`` lacks files; it is never written to.
        ModelFetchError: no source had what is needed; it names each reason.
        ModelStoreError: the store cannot be written to, or its disk is full.
    """
    settings = settings or Settings.from_environment()
    model = _model(name, settings)
    directory, external = _directory(model, settings)
    if external:
        return find(name, engine, settings=settings)
    reasons: list[Reason] = []
    refused: OSError | None = None
    if _problems(model, directory):
        try:
            with _temporary_directory(settings.models_directory) as temporary:
                reasons = _fetch_missing(model, directory, temporary, progress, settings)
        except OSError as error:
            refused = error
    try:
        return find(name, engine, settings=settings)
    except (ModelMissingError, ModelAlteredError) as error:
        if refused is not None:
            raise _store_error(name, refused, settings.models_directory) from refused
        reasons = reasons or [Reason("no source offers what is missing", "没有来源提供所缺的文件")]
        raise ModelFetchError(
            model=name,
            reason="; ".join(reason.en for reason in reasons),
            reason_zh="；".join(reason.zh for reason in reasons),
        ) from error


def verify(name: str = DEFAULT_MODEL, *, settings: Settings | None = None) -> list[Problem]:
    """Compare every file of a model with the manifest; an empty list means all is well.

    A directory of ``FSMN_VAD_MODEL_DIR`` is compared too; differences there are
    allowed, so what to make of them is the caller's matter.

    Raises:
        UnknownModelError: the manifest has no such model.
    """
    settings = settings or Settings.from_environment()
    model = _model(name, settings)
    directory, _ = _directory(model, settings)
    return _named(model, _problems(model, directory))


def remove(name: str = DEFAULT_MODEL, *, settings: Settings | None = None) -> None:
    """Delete a model from the store; what ``FSMN_VAD_MODEL_DIR`` names is left alone.

    What engines have prepared goes too, of all models: it is made again in a second.

    Raises:
        UnknownModelError: the manifest has no such model.
        ModelStoreError: the store cannot be written to.
    """
    settings = settings or Settings.from_environment()
    directory = settings.models_directory / _model(name, settings).name
    for unwanted in (directory, settings.prepared_directory):
        try:
            if unwanted.is_symlink():
                unwanted.unlink()
            elif unwanted.exists():
                shutil.rmtree(unwanted)
        except OSError as error:
            raise _store_error(name, error, unwanted) from error


def list_models(*, settings: Settings | None = None) -> list[ModelRecord]:
    """Return every model of the manifest, in its order, with its state on this machine."""
    settings = settings or Settings.from_environment()
    return [_record(model, settings) for model in weights_manifest.read(settings).values()]


def model_sha256(directory: Path) -> dict[str, str]:
    """Return the SHA-256 (hex) of each weights file that ``directory`` has, by file name.

    ``WEIGHTS_FILES`` says which file belongs to which engine.
    """
    paths = (directory / file for file in WEIGHTS_FILES.values())
    return {path.name: weights_sources.sha256(path) for path in paths if path.is_file()}


def _record(model: Model, settings: Settings) -> ModelRecord:
    directory, external = _directory(model, settings)
    problems = _problems(model, directory, content=not external)
    engines = model.engines_without(set(problems))
    state: State = "ready" if engines else "absent"
    if external:
        state = "external"
    elif any(kind != "missing" for kind in problems.values()):
        state = "altered"
    paths = (directory / file.name for file in model.files)
    return ModelRecord(
        name=model.name,
        title=model.title,
        description=model.description,
        licence=model.licence,
        licence_url=model.licence_url,
        licence_note=model.licence_note,
        card=model.card,
        state=state,
        engines=engines,
        problems=tuple(_named(model, problems)),
        directory=directory,
        size_bytes=sum(path.stat().st_size for path in paths if path.is_file()),
    )


def _directory(model: Model, settings: Settings) -> tuple[Path, bool]:
    """Return where a model lies, and whether that is a directory the user named."""
    if settings.model_dir is not None and model.name == DEFAULT_MODEL:
        return settings.model_dir, True
    return settings.models_directory / model.name, False


def _problems(
    model: Model, directory: Path, *, content: bool = True
) -> dict[str, Literal["missing", "size", "sha256"]]:
    found: dict[str, Literal["missing", "size", "sha256"]] = {}
    for file in model.files:
        path = directory / file.name
        try:
            if not path.is_file():
                found[file.name] = "missing"
            elif content and path.stat().st_size != file.size_bytes:
                found[file.name] = "size"
            elif content and weights_sources.sha256(path) != file.sha256:
                found[file.name] = "sha256"
        except FileNotFoundError:  # removed by another process in this moment
            found[file.name] = "missing"
        except OSError as error:
            raise _disk_error(model.name, error, path) from error
    return found


def _named(
    model: Model, problems: Mapping[str, Literal["missing", "size", "sha256"]]
) -> list[Problem]:
    return [
        Problem(file.name, problems[file.name], file.engines)
        for file in model.files
        if file.name in problems
    ]


def _unusable(model: str, directory: Path, lacking: list[str]) -> ModelDirectoryError:
    """Say why the directory that the user named cannot be used."""
    if directory.is_dir():
        reason, reason_zh = f"it lacks {', '.join(lacking)}", f"缺少 {'、'.join(lacking)}"
    elif directory.exists():
        reason, reason_zh = "it is not a directory", "不是目录"
    else:
        reason, reason_zh = "it does not exist", "目录不存在"
    return ModelDirectoryError(
        model=model, directory=str(directory), reason=reason, reason_zh=reason_zh
    )


def _store_error(model: str, error: OSError, path: Path) -> ModelStoreError:
    if error.errno in FULL_DISK:
        return ModelStoreFullError(model=model, directory=str(path))
    en, zh = Reason.of_disk(error, path)
    return ModelStoreError(model=model, reason=en, reason_zh=zh)


def _disk_error(model: str, error: OSError, path: Path) -> ModelError:
    en, zh = Reason.of_disk(error, path)
    return ModelError(model=model, reason=en, reason_zh=zh)


def _fetch_missing(
    model: Model,
    directory: Path,
    temporary: Path,
    progress: Callable[[Progress], None] | None,
    settings: Settings,
) -> list[Reason]:
    """Try the sources in turn; return why each that was tried left files missing."""
    reasons: list[Reason] = []
    for source in model.sources:
        # Looked up anew each time: another process may have fetched meanwhile.
        problems = _problems(model, directory)
        missing = [file for file in model.files if file.name in problems]
        offered = [file for file in missing if file.name in source.files]
        if not offered:
            continue
        total_bytes = sum(file.size_bytes for file in missing)

        def report(
            file: str, done_bytes: int, source: Source = source, total_bytes: int = total_bytes
        ) -> None:
            if progress is not None:
                progress(Progress(model.name, source.title, file, done_bytes, total_bytes))

        def keep(file: ModelFile, path: Path) -> None:
            directory.mkdir(parents=True, exist_ok=True)
            path.replace(directory / file.name)

        failures = weights_sources.deliver(
            source, offered, temporary, settings.fetch_timeout_s, report, keep
        )
        reasons += [failure.of_source(source.title) for failure in dict.fromkeys(failures)]
    return reasons


@contextmanager
def _temporary_directory(store: Path) -> Iterator[Path]:
    """Make a directory inside the store, so that moving out of it is atomic."""
    store.mkdir(parents=True, exist_ok=True)
    for leftover in store.glob(f"{_TEMPORARY_PREFIX}*"):
        try:
            stale = time.time() - leftover.stat().st_mtime > _TEMPORARY_AGE_S
        except FileNotFoundError:  # its owner has just finished
            continue
        if stale:
            shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY_PREFIX, dir=store) as path:
        yield Path(path)


def _model(name: str, settings: Settings) -> Model:
    models = weights_manifest.read(settings)
    if name not in models:
        raise UnknownModelError(model=name, known=", ".join(models))
    return models[name]
