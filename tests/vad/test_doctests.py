"""What the documentation of `webui.vad` shows is what it does."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["", ".options", ".segment"])
def test_doctests(name: str, root: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(model_dir))
    failed, tried = doctest.testmod(importlib.import_module(f"webui.vad{name}"))
    assert tried > 0 and failed == 0
