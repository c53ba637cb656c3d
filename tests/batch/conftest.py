"""The batch as a shell runs it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def environment(root, model_dir, tmp_path_factory):
    return {
        **os.environ,
        "PYTHONPATH": str(root),
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_LANGUAGE": "en",
        "FSMN_VAD_WORKSPACE_DIRECTORY": str(tmp_path_factory.mktemp("workspace")),
    }


@pytest.fixture(scope="module")
def command():
    def arguments(*given):
        return [sys.executable, "-m", "webui", *map(str, given)]

    return arguments


@pytest.fixture(scope="module")
def fsmn_vad(environment, command):
    def run(*arguments, before=(), **changes):
        return subprocess.run(
            [*before, *command(*arguments)],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=120,
            env={**environment, **changes},
        )

    return run


@pytest.fixture(scope="module")
def demos(root):
    return root / "assets" / "audio"
