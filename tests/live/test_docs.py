"""docs/streaming.md: its client runs against the whole program, and it names what is told."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import serving
from tests.live.server import demo, write_wav
from tests.live.server import serving as live_serving
from webui.vad import Detector, VadOptions


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "streaming.md").read_text(encoding="utf-8")


@pytest.fixture
def client(page: str, tmp_path: Path) -> Path:
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    client = tmp_path / "client.py"
    client.write_text(code, encoding="utf-8")
    return client


def test_client_of_the_documentation(
    page: str, client: Path, tmp_path: Path, model_dir: Path
) -> None:
    talk = demo()
    recording = write_wav(tmp_path / "talk.wav", 16_000, np.stack([talk, talk // 2], axis=1))
    with serving(tmp_path, model_dir, "onnx") as server:
        address = server.url.replace("http", "ws") + "/stream"
        run = subprocess.run(
            [sys.executable, "-W", "error", str(client), address, str(recording)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 0 and run.stderr == "", run.stderr
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(15) in (0, -signal.SIGINT, 130)
        assert "Traceback" not in server.log.read_text()
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    options = VadOptions(max_end_silence_time=500)
    expected = Detector("onnx", model_directory=model_dir).score(recording).segments(options)
    found = [(m["start_ms"], m["end_ms"]) for m in messages if m["type"] == "speech_end"]
    assert found == [(segment.start_ms, segment.end_ms) for segment in expected]
    assert messages[-1]["segments"] == len(expected) > 4
    for name in {name for message in messages for name in message} - {"type"}:
        assert f"`{name}`" in page, name


def test_client_that_is_refused_says_why(client: Path, tmp_path: Path, model_dir: Path) -> None:
    recording = write_wav(tmp_path / "talk.wav", 16_000, demo(seconds=1))

    def told(address: str, says: str) -> None:
        run = subprocess.run(
            [sys.executable, "-W", "error", str(client), address, str(recording)],
            capture_output=True,
            text=True,
            timeout=60,
            env={name: v for name, v in os.environ.items() if not name.lower().endswith("_proxy")},
        )
        assert (run.returncode, run.stdout, run.stderr.count("\n")) == (1, "", 1), run.stderr
        assert says in run.stderr

    with live_serving(tmp_path / "a", model_dir, password="anna:geheim") as server:
        told(server.url, "refused this with 401: it wants ws://USER:PASSWORD@")
        told(server.url.replace("//", "//anna:wrong@"), "with 401")
    with live_serving(tmp_path / "b", model_dir) as server:
        # By a name that leads here, as another site's may.
        told(server.url.replace("127.0.0.1", "0.0.0.0"), "answers on this machine only")


def test_every_message_and_code_is_described(page: str, root: Path) -> None:
    sources = [
        (root / "webui" / path).read_text(encoding="utf-8")
        for path in ("live/session.py", "live/protocol.py", "ui/streaming.py", "ui/lives.py")
    ]
    said = {name for text in sources for name in re.findall(r'^ +"(\w+)": ', text, re.MULTILINE)}
    assert {"kept_from_ms", "received_bytes", "open_since_ms", "keep_ms"} <= said
    for name in said - {"type"}:
        assert f"`{name}`" in page, name
    errors = (root / "webui" / "stream_errors.py").read_text(encoding="utf-8")
    for name in re.findall(r"^class (Stream\w+)Error", errors, re.MULTILINE):
        code = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        assert f"`{code}`" in page, code
