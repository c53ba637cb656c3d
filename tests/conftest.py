"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from webui import weights

# How long an example takes is the machine's affair.
settings.register_profile("untimed", settings(deadline=None))
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent

# What tests run is not what a person ran; those of the history name one of their own.
os.environ["FSMN_VAD_HISTORY_RUNS"] = "0"


# Whoever starts the tests in the background has them ignore Ctrl-C, and the commands that they
# start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs torch and funasr where only the light install is."""
    if all(importlib.util.find_spec(name) for name in ("torch", "funasr")):
        return
    skip = pytest.mark.skip(reason="torch and funasr are not installed (--lite)")
    for item in items:
        if item.get_closest_marker("funasr"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def root() -> Path:
    """The source tree."""
    return ROOT


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """The verified directory of the default model; ./run.sh test fetches it."""
    return weights.find()


@pytest.fixture(scope="session")
def environment(root: Path, model_dir: Path) -> dict[str, str]:
    """Of a command that a test starts: in English, on ONNX Runtime."""
    return {
        **os.environ,
        "PYTHONPATH": str(root),
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_LANGUAGE": "en",
    }


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recordings with known results that lie beside the project, never in it."""
    directory = ROOT.parent / "shared" / "data"
    if not directory.is_dir():
        pytest.skip(f"{directory} is not here")
    return directory


@pytest.fixture
def small_disk(tmp_path: Path) -> Callable[[Path, int], list[str]]:
    """What to put before a command that is to find a disk of a few bytes at a directory."""

    def before(directory: Path, size_bytes: int) -> list[str]:
        mount = f'mount -t tmpfs -o size={size_bytes} none "$0" && exec "$@"'
        return ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(directory)]

    try:
        subprocess.run([*before(tmp_path, 4096), "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk")
    return before
