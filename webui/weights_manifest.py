"""The list of models, ``models/manifest.toml``, as values."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.errors import SettingsError
from webui.settings import Settings
from webui.system_errors import system_reason_zh
from webui.weights_sources import ModelFile, Source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Model:
    """One entry of the manifest; texts are by language ("en", "zh")."""

    name: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    card: str
    sample_rate_hz: int
    licence: str
    licence_url: str
    licence_note: Mapping[str, str]
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]

    def engines_without(self, lacking: set[str]) -> tuple[str, ...]:
        """Return the engines that need none of the files named in ``lacking``."""
        engines = dict.fromkeys(engine for file in self.files for engine in file.engines)
        blocked = {e for file in self.files if file.name in lacking for e in file.engines}
        return tuple(engine for engine in engines if engine not in blocked)


def read(settings: Settings) -> dict[str, Model]:
    """Return the models of the manifest by name, in its order.

    Raises:
        SettingsError: it cannot be read, or is no manifest.
    """
    path = settings.manifest_file
    try:
        with path.open("rb") as file:
            entries = tomllib.load(file)["model"]
        models = [_entry(entry) for entry in entries]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        cause_zh = system_reason_zh(error) if isinstance(error, OSError) else "内容有误"
        raise SettingsError(
            name="FSMN_VAD_MANIFEST_FILE",
            reason=f"{path} cannot be read as a model manifest ({error})",
            reason_zh=f"{path} 不是可读取的模型清单（{cause_zh}）",
        ) from error
    return {model.name: model for model in models}


def _entry(entry: dict[str, Any]) -> Model:
    files = tuple(
        ModelFile(file["name"], file["size_bytes"], file["sha256"], tuple(file["engines"]))
        for file in entry["file"]
    )
    for name in (entry["name"], *(file.name for file in files)):
        # Names become paths in the store.
        if name != Path(name).name or name.startswith("."):
            raise ValueError(f"{name!r} is not a plain file name")
    return Model(
        name=entry["name"],
        title=entry["title"],
        description=entry["description"],
        card=entry["card"],
        sample_rate_hz=entry["sample_rate_hz"],
        licence=entry["licence"]["name"],
        licence_url=entry["licence"]["url"],
        licence_note=entry["licence"]["note"],
        files=files,
        sources=tuple(Source(**source) for source in entry.get("source", ())),
    )
