"""What stands in deploy/ holds together: there is no container engine where tests run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from webui.settings import PREFIX, Settings


@pytest.fixture
def deploy(root: Path) -> Path:
    return root / "deploy"


def test_all_that_is_copied_into_the_image_exists(deploy: Path, root: Path) -> None:
    dockerfile = (deploy / "Dockerfile").read_text("utf-8")
    kept = (root / ".dockerignore").read_text("utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", dockerfile, re.MULTILINE)
    for source in " ".join(copied).split():
        assert (root / source).exists(), source
        assert any(source.rstrip("/").startswith(line[1:]) for line in kept if line[0] == "!")
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))
    assert {"lite", "full"} <= stages
    assert set(re.findall(r"--from=(\S+)", dockerfile)) <= stages
    assert "USER studio" in dockerfile and "HEALTHCHECK" in dockerfile


def test_every_variable_is_a_setting_that_can_be_used(deploy: Path) -> None:
    for name in ("Dockerfile", "fsmn-vad-studio.service", "compose.yaml"):
        text = (deploy / name).read_text("utf-8")
        given = dict(re.findall(rf"({PREFIX}[A-Z_]+)[=:] ?([^\s\\]+)", text))
        assert given
        values = {key: value for key, value in given.items() if not re.search(r"[$%{]", value)}
        Settings.from_environment(values)
        for key in given:
            assert hasattr(Settings(), key.removeprefix(PREFIX).lower()), key


class Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        assert self.path == "/healthz"
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b'{"state": "ready"}')

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_the_page(
    deploy: Path, port: int, monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    monkeypatch.setattr(Health, "status", status)
    environment = {**os.environ, "FSMN_VAD_PORT": str(port), "HTTP_PROXY": "http://127.0.0.1:1"}
    run = subprocess.run([sys.executable, deploy / "healthy"], env=environment, check=False)
    assert run.returncode == code


STUB = """#!/bin/sh
echo "$@" >>"$LOG"
case "$*" in "-m webui models verify") exit "$VERIFIED" ;; esac
"""


@pytest.mark.parametrize(
    ("verified", "model_dir", "steps"),
    [
        ("1", "", ["models verify", "models fetch", "serve --port 9"]),
        ("0", "", ["models verify", "serve --port 9"]),
        ("1", "/a/model", ["serve --port 9"]),
    ],
)
def test_container_and_unit_fetch_the_model_where_there_is_none(
    deploy: Path, tmp_path: Path, verified: str, model_dir: str, steps: list[str]
) -> None:
    unit = (deploy / "fsmn-vad-studio.service").read_text("utf-8")
    assert "ExecStart=/opt/fsmn-vad-studio/deploy/start\n" in unit
    assert "Environment=PATH=/opt/fsmn-vad-studio/.venv/bin:" in unit
    stub, log = tmp_path / "python", tmp_path / "log"
    stub.write_text(STUB)
    stub.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "LOG": str(log),
        "VERIFIED": verified,
        "FSMN_VAD_MODEL_DIR": model_dir,
    }
    subprocess.run([deploy / "start", "--port", "9"], env=environment, check=True)
    assert log.read_text().splitlines() == [f"-m webui {step}" for step in steps]


def test_what_compose_lets_results_take_fits_beside_page_and_engine(deploy: Path) -> None:
    text = (deploy / "compose.yaml").read_text("utf-8")
    page_mb = 140
    for service, profile, engine_mb in (("lite", "board", 110), ("full", "server", 690)):
        part = re.split(r"^  (?=\w+:$)", text, flags=re.MULTILINE)
        (lines,) = [each for each in part if each.startswith(f"{service}:\n")]
        (limit,) = re.findall(r"^    mem_limit: (\S+)$", lines, re.MULTILINE)
        cache = re.search(rf"{PREFIX}CACHE_BYTES: (\S+)", lines)
        given = {f"{PREFIX}PROFILE": profile}
        if cache:
            given[f"{PREFIX}CACHE_BYTES"] = cache[1]
        settings = Settings.from_environment(given)
        limited = {**given, f"{PREFIX}WORKSPACE_BYTES": limit, f"{PREFIX}MAX_UPLOAD_BYTES": "1M"}
        limit_bytes = Settings.from_environment(limited).workspace_bytes
        most_bytes = (page_mb + engine_mb) * 1_000_000 + settings.cache_bytes
        assert most_bytes < settings.memory_share * limit_bytes, service
