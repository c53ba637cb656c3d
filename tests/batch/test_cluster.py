"""A real Dask cluster: a scheduler and two worker processes."""

from __future__ import annotations

import importlib.util
import json
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from webui.audio.pcm import PcmFormat
from webui.audio.wav_pipe import wav_head

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is not installed"
)


@pytest.fixture(scope="module")
def cluster(environment, tmp_path_factory):
    """The address of a scheduler with two workers, each a process of its own."""
    folder = tmp_path_factory.mktemp("dask")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    log = (folder / "log").open("w")
    quiet = {"stdout": log, "stderr": log, "env": environment, "cwd": folder}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1",
              "--no-dashboard", "--local-directory", str(folder)]  # fmt: skip
    host = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    processes = [
        subprocess.Popen([*scheduler, *host], **quiet),
        *(subprocess.Popen(worker, **quiet) for _ in range(2)),
    ]
    code = (
        "import sys; from distributed import Client\n"
        "with Client(sys.argv[1], timeout=60) as client: client.wait_for_workers(2, 60)"
    )
    subprocess.run([sys.executable, "-c", code, address], check=True, env=environment)
    yield address
    for process in processes[::-1]:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    log.close()


def test_a_cluster_gives_the_same_bytes(fsmn_vad, demos, tmp_path, cluster):
    formats = ["--format", "json", "--format", "textgrid"]
    here = fsmn_vad("batch", demos, "--output", tmp_path / "here", *formats)
    there = fsmn_vad("batch", demos, tmp_path / "missing.wav", "--output", tmp_path / "there",
                     *formats, "--backend", "dask", "--scheduler", cluster)  # fmt: skip
    assert here.returncode == 0
    assert there.returncode == 1, there.stderr
    assert "workers of the cluster: 2" in there.stderr
    assert "missing.wav does not exist" in there.stderr
    told = json.loads(there.stdout)
    assert (told["done"], told["failed"]) == (6, 1)
    results = sorted(path for path in (tmp_path / "here").iterdir() if path.is_file())
    for path in results:
        if path.name != "summary.csv":
            assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes()
    assert len(results) == 13


def test_interrupted_it_leaves_the_cluster_and_goes_on_later(
    command, environment, fsmn_vad, demos, tmp_path, cluster
):
    for number in range(20):
        (tmp_path / f"{number}.flac").symlink_to(next(demos.glob("*clean*")))
    # It is begun first and takes seconds, so that the signal comes before the end.
    with (tmp_path / "long.wav").open("wb") as file:
        file.write(wav_head(PcmFormat(16_000), 1800 * 32_000))
        file.truncate(file.tell() + 1800 * 32_000)
    given = ["batch", tmp_path, "--output", tmp_path / "out", "--backend", "dask",
             "--scheduler", cluster]  # fmt: skip
    running = subprocess.Popen(
        command(*given), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    while running.poll() is None and not list((tmp_path / "out").glob("*.json")):
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"Traceback" not in said
    told = json.loads(fsmn_vad(*given).stdout)
    assert told["skipped"] >= 1 and told["skipped"] + told["done"] == 21
    assert not psutil.pid_exists(running.pid)


def test_a_scheduler_that_is_not_there(fsmn_vad, demos, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    run = fsmn_vad("batch", demos, "--output", tmp_path, "--backend", "dask",
                   "--scheduler", address)  # fmt: skip
    assert run.returncode == 1
    assert f"The Dask cluster at {address} cannot be used" in run.stderr
    assert "Traceback" not in run.stderr
