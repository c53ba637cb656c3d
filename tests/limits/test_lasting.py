"""What goes on for long: unloads and jobs in a row leave nothing behind; killed, it comes back."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.limits.serving import served
from webui.engine import Engine
from webui.engine.jobs import Job
from webui.engine.memory import give_back, share_arenas
from webui.errors import EngineCrashedError, EngineError, StudioError
from webui.process_memory import measure
from webui.settings import Settings

MB = 1_000_000
UNLOADS = 20
JOBS = 200
SETTLED = 20


@pytest.fixture
def engine(model_dir: Path) -> Iterator[Engine]:
    share_arenas()
    engine = Engine(Settings(engine="onnx", model_dir=model_dir))
    yield engine
    engine.close()


@pytest.fixture
def sound(root: Path) -> Path:
    return root / "assets/audio/english-clean.flac"


def own_bytes() -> int:
    give_back()
    return measure([os.getpid()]).own_bytes


def test_unloading_again_and_again_leaves_nothing(engine: Engine, sound: Path) -> None:
    sizes, descriptors, threads = [], [], []
    me = psutil.Process()
    for _ in range(UNLOADS):
        engine.submit(sound, engine="onnx").result()
        assert engine.unload().after.engine.own_bytes == 0
        sizes.append(own_bytes())
        threads.append(me.num_threads())
        descriptors.append(me.num_fds() if sys.platform != "win32" else 0)
    assert sizes[-1] - sizes[2] < 2 * MB
    assert descriptors[-1] <= descriptors[2] and threads[-1] <= threads[2]
    assert not [child for child in me.children() if "spawn_main" in " ".join(child.cmdline())]


def test_job_after_job_on_the_page_does_not_grow(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # Kept results are bounded; a small bound is reached before the measurement begins.
    small = {**environment, "FSMN_VAD_CACHE_BYTES": "1MiB"}
    sizes = []
    with served(tmp_path, small) as (page, pid):
        for _ in range(JOBS):
            answer = page.post("/gradio_api/run/detect", json={"data": [None, "english-clean"]})
            assert len(answer.json()["data"][0]["segments"]) == 4
            sizes.append(measure([pid]).own_bytes)
    assert sizes[-1] - sizes[SETTLED] < 5 * MB


def phase(job: Job, engine: Engine, wanted: str) -> bool:
    progress = job.progress
    if wanted == "starting":
        return engine.status().pid is not None
    if wanted == "loading":
        return progress.stage in ("import_onnxruntime", "load_weights", "warm_up")
    return progress.phase == "scoring" and progress.position_s > 0


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
@pytest.mark.parametrize(
    ("wanted", "kill"),
    [
        *((phase, "SIGKILL") for phase in ("starting", "loading", "scoring", "idle")),
        ("scoring", "SIGTERM"),
        ("scoring", "SIGSEGV"),
    ],
)
def test_killed_in_any_phase_the_next_job_works(
    engine: Engine, sound: Path, tmp_path: Path, wanted: str, kill: str
) -> None:
    long = tmp_path / "long.wav"
    with long.open("wb") as file:  # raw silence of ten hours behind a WAV header of them
        size = 10 * 3600 * 32_000
        head = (
            b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
        )
        head += bytes.fromhex("0100 0100 803e0000 007d0000 0200 1000") + b"data"
        file.write(head + size.to_bytes(4, "little"))
        file.truncate(44 + size)
    job = engine.submit(sound if wanted == "idle" else long, engine="onnx")
    if wanted == "idle":
        job.result()
    else:
        give_up = time.monotonic() + 60
        while not phase(job, engine, wanted):
            assert time.monotonic() < give_up and not job.wait(0)
            time.sleep(0.001)
    pid = engine.status().pid
    assert pid is not None
    os.kill(pid, signal.Signals[kill])
    if wanted != "idle":
        with pytest.raises(EngineError) as caught:
            job.result()
        assert isinstance(caught.value, EngineCrashedError), caught.value
        assert engine.health() == "degraded"
    else:
        while engine.status().state != "not_loaded":
            time.sleep(0.001)
    try:
        (track,) = engine.submit(sound, engine="onnx").result()
    except StudioError as error:
        pytest.fail(f"the next job failed: {error}")
    assert len(track.segments()) == 4
    assert engine.health() == "ready"
