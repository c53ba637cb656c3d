"""Where the program keeps things, as the platform wants it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

_PACKAGE = "fsmn-vad-studio"
# What run.sh leaves in the environment that it makes.
_STAMP = "fsmn-vad-studio.stamp"


def project_root() -> Path | None:
    """Return the source tree that this package runs from, or None when there is none."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "models" / "manifest.toml").is_file() else None


def program() -> str:
    """Return what starts this program, as it is typed: ``run.sh`` where that has set it up."""
    root = project_root()
    if root is None or not (Path(sys.prefix) / _STAMP).is_file():
        return "fsmn-vad"
    return shlex.quote(str(root / "run.sh"))


def fetch_command(models_directory: Path) -> str:
    """Return what fetches a model into this store, as it is typed in any shell of this user."""
    command = f"{program()} models fetch"
    if models_directory == default_models_directory():
        return command
    return f"FSMN_VAD_MODELS_DIRECTORY={shlex.quote(str(models_directory))} {command}"


def _user_directory(kind: str) -> Path:
    """Return the directory for the user's "cache" or "data", as the platform wants it."""
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / _PACKAGE
        return local / kind
    if sys.platform == "darwin":
        shelf = "Caches" if kind == "cache" else "Application Support"
        return home / "Library" / shelf / _PACKAGE
    fallback = home / (".cache" if kind == "cache" else ".local/share")
    # The XDG specification: a relative path is invalid and counts as unset.
    named = Path(os.environ.get(f"XDG_{kind.upper()}_HOME", ""))
    return (named if named.is_absolute() else fallback) / _PACKAGE


def default_models_directory() -> Path:
    """The model store."""
    root = project_root()
    return root / "models" if root else _user_directory("data") / "models"


def default_manifest_file() -> Path:
    """The list of models."""
    root = project_root()
    shelf = root / "models" if root else Path(sys.prefix) / "share" / _PACKAGE
    return shelf / "manifest.toml"


def default_workspace_directory() -> Path:
    """Uploads, results and history."""
    return _user_directory("cache")
