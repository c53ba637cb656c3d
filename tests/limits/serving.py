"""The page in a process of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx


@contextlib.contextmanager
def served(
    directory: Path, environment: Mapping[str, str], before: Sequence[str] = ()
) -> Iterator[tuple[httpx.Client, int]]:
    """Serve it; who asks it, and its process's id.

    Args:
        directory: for its log and its workspace.
        environment: of a command.
        before: what runs the command, such as prlimit.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    log = directory / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "webui", "serve", "--port", port],
            env={**environment, "FSMN_VAD_WORKSPACE_DIRECTORY": str(directory / "workspace")},
            stderr=stream,
            cwd=environment["PYTHONPATH"],
        )
    try:
        give_up = time.monotonic() + 120
        while "FSMN-VAD Studio" not in log.read_text("utf-8"):
            assert process.poll() is None and time.monotonic() < give_up, log.read_text("utf-8")
            time.sleep(0.25)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=240) as client:
            yield client, process.pid
        assert process.poll() is None, log.read_text("utf-8")
    finally:
        process.terminate()
        process.wait(30)
