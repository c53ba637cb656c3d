"""The page under real memory limits: it starts, scores, refuses what cannot fit, and goes on.

``ulimit -v`` holds each process for itself to so much address space; a container, where one
can be made, holds all together to what they use.
"""

from __future__ import annotations

import contextlib
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.limits.groups import limited_group
from tests.limits.serving import served

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("prlimit"), reason="needs prlimit"
)
MIB = 1024**2
# Days of one channel fit into 1 GB, and are scored then: there it takes more.
LIMITS = {
    "1 GB": (1024 * MIB, "ten-days.wav"),
    "512 MB": (512 * MIB, "twenty-hours.wav"),
    "container of 512 MB": (512 * MIB, "twenty-hours.wav"),
}


def write_wav(path: Path, hours: float, rate_hz: int) -> None:
    """Write silence: as long as is wanted, in a file that takes no room on disk."""
    size_bytes = round(hours * 3600) * rate_hz
    header = struct.pack(
        *("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size_bytes, b"WAVE", b"fmt ", 16),
        *(1, 1, rate_hz, rate_hz, 1, 8, b"data", size_bytes),
    )
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + size_bytes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    write_wav(folder / "ten-minutes.wav", 1 / 6, 16_000)
    write_wav(folder / "twenty-hours.wav", 20, 1000)
    write_wav(folder / "ten-days.wav", 240, 1000)
    shutil.copy(root / "assets/audio/english-clean.flac", folder)
    return folder


@pytest.fixture(scope="module", params=LIMITS)
def page(
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    """A server that may have so much memory: each process for itself, or all together."""
    directory = tmp_path_factory.mktemp("served")
    with contextlib.ExitStack() as stack:
        limit = ["prlimit", f"--as={LIMITS[request.param][0]}"]
        if request.param.startswith("container"):
            limit = stack.enter_context(limited_group(LIMITS[request.param][0]))
        folders = {**environment, "FSMN_VAD_SERVER_FOLDERS": str(folder)}
        page, _ = stack.enter_context(served(directory, folders, limit))
        yield page


@pytest.fixture
def too_long(page: httpx.Client, folder: Path, request: pytest.FixtureRequest) -> Path:
    """A recording that cannot fit."""
    return folder / LIMITS[request.node.callspec.params["page"]][1]


def detect(page: httpx.Client, path: Path) -> httpx.Response:
    return page.post(
        "/gradio_api/run/detect", json={"data": [None, "", str(path), "mix", "onnx", None]}
    )


def scored(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["data"]
    return dict(result)


def test_it_scores_refuses_and_goes_on(
    page: httpx.Client, folder: Path, too_long: Path, request: pytest.FixtureRequest
) -> None:
    assert scored(detect(page, folder / "ten-minutes.wav"))["duration_ms"] == 600_000
    refused = detect(page, too_long)
    assert refused.status_code >= 400
    told = refused.json()["error"]
    wall = request.node.callspec.params["page"]
    of = "the container's memory limit" if wall.startswith("container") else "this process"
    assert "memory is short" in told and of in told
    assert "Cut the recording into parts" in told  # what to do
    assert len(scored(detect(page, folder / "english-clean.flac"))["segments"]) == 4
    health = page.get("/healthz")
    assert (health.status_code, health.json()) == (200, {"state": "ready"})


def test_a_refusal_ends_no_process(page: httpx.Client, folder: Path, too_long: Path) -> None:
    scored(detect(page, folder / "english-clean.flac"))
    server = next(
        each for each in psutil.net_connections("tcp") if each.laddr.port == page.base_url.port
    )
    before = {child.pid for child in psutil.Process(server.pid).children(recursive=True)}
    assert detect(page, too_long).status_code >= 400
    after = {child.pid for child in psutil.Process(server.pid).children(recursive=True)}
    assert before == after
