"""Every example of the documentation that is marked as runnable, against a real server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "README_zh.md", *sorted((ROOT / "docs").glob("*.md"))]
# <!-- runnable: what it prints --> and the fence after it.
MARK = re.compile(
    r"<!-- runnable: (?P<prints>.+?) -->\n```(?P<kind>\w+)\n(?P<code>.*?)```", re.DOTALL
)
EXAMPLES = [
    pytest.param(found["kind"], found["code"], found["prints"], id=f"{path.name}-{number}")
    for path in DOCUMENTS
    for number, found in enumerate(MARK.finditer(path.read_text(encoding="utf-8")))
]
USUAL = "127.0.0.1:7860"


@pytest.fixture(scope="module")
def address(
    root: Path, model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, dict[str, str]]]:
    directory = tmp_path_factory.mktemp("examples")
    for name in ("talk.flac", "talk.mp3"):
        shutil.copy(root / "assets" / "audio" / "english-clean.flac", directory / name)
    command = directory / "bin" / "fsmn-vad"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m webui "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(command.parent), os.environ["PATH"])),
        "PYTHONPATH": str(root),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_WORKSPACE_DIRECTORY": str(directory / "work"),
        "FSMN_VAD_HISTORY_RUNS": "20",
    }
    log = directory / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "webui", "serve", "--port", str(port)],
            env=environment,
            stderr=stream,
        )
    try:
        for _ in range(400):
            if process.poll() is not None or "FSMN-VAD Studio" in log.read_text("utf-8"):
                break
            time.sleep(0.25)
        yield f"127.0.0.1:{port}", directory, environment
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(("kind", "code", "prints"), EXAMPLES)
def test_example(
    address: tuple[str, Path, dict[str, str]], kind: str, code: str, prints: str
) -> None:
    here, directory, environment = address
    commands = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    if kind == "bash" and "curl" in code and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    done = subprocess.run(
        [*commands[kind], code.replace(USUAL, here)],
        cwd=directory,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert prints in done.stdout


def test_each_way_has_an_example() -> None:
    """curl, gradio_client, Python and the command line, in docs/api.md."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    code = "\n".join(found["code"] for found in MARK.finditer(text))
    for way in ("curl ", "gradio_client", "Detector(", "fsmn-vad detect"):
        assert way in code
