"""The engine against walls that are real: its own limit, and a container's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.limits.careless import BLOCK_S, careless
from tests.limits.groups import limited_group
from webui.audio.wav import wav_header
from webui.doctor.models import engines
from webui.engine import Engine, process, worker
from webui.engine.messages import EngineConfig
from webui.errors import EngineCrashedError, EngineStartError
from webui.memory_errors import MemoryExceededError, MemoryKilledError, MemoryShortError
from webui.process_memory import status_kilobytes
from webui.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits data")
MB = 1_000_000
Limited = Callable[..., Engine]


def ended_by_the_system(pipe: Connection, streams: Connection, config: EngineConfig) -> None:
    """The engine's process as one that is ended as soon as it scores."""
    worker._score = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
    worker.main(pipe, streams, config)


def short_while_loading(pipe: Connection, streams: Connection, config: EngineConfig) -> None:
    """The engine's process as one to which memory is refused while it loads."""

    def refused(*given: object, **named: object) -> None:
        raise MemoryError

    worker.Detector = refused  # type: ignore[assignment,misc]
    worker.main(pipe, streams, config)


@pytest.fixture
def limited(model_dir: Path, sound: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Limited]:
    """Make an engine that may have so much data beside what it has once it has scored."""
    made: list[Engine] = []

    def start(limit_bytes: int = 0) -> Engine:
        settings = Settings(
            engine="onnx",
            model_dir=model_dir,
            threads=2,
            block_s=BLOCK_S,
            engine_memory_bytes=limit_bytes,
        )
        made.append(Engine(settings))
        made[-1].submit(sound, engine="onnx").result()
        return made[-1]

    def make(more_bytes: int, *, is_careless: bool = True) -> Engine:
        if is_careless:
            monkeypatch.setattr(process.worker, "main", careless)
        unlimited = start()
        data_bytes = 1024 * status_kilobytes(unlimited.status().pid)["VmData"]
        unlimited.close()
        return start(data_bytes + more_bytes)

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def sound(root: Path) -> Path:
    return root / "assets/audio/english-clean.flac"


@pytest.fixture
def hour(tmp_path: Path) -> Path:
    return silence(tmp_path / "hour.wav", 3600)


def silence(path: Path, duration_s: int) -> Path:
    size = duration_s * 32_000
    with path.open("wb") as file:
        file.write(wav_header(16_000, 1, 16, is_float=False, size_bytes=size))
        file.truncate(file.tell() + size)
    return path


def test_what_the_engines_limit_leaves_no_room_for_is_refused(limited: Limited, hour: Path) -> None:
    engine = limited(8 * MB, is_careless=False)
    with pytest.raises(MemoryShortError, match="the engine's own limit"):
        engine.submit(hour, engine="onnx").result()
    assert engine.health() == "ready"


def test_a_limit_below_what_the_engine_needs_is_said_to_be_that(
    model_dir: Path, sound: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(engine="onnx", model_dir=model_dir, engine_memory_bytes=100 * MB)
    (finding,) = [each for each in engines(settings) if each.check == "engine onnx"]
    assert finding.level == "fail" and "100 MB, and it needs 160 MB" in finding.text["en"]
    assert finding.advice["en"].startswith("Raise FSMN_VAD_ENGINE_MEMORY_BYTES")
    assert finding.advice["zh"].startswith("请调高 FSMN_VAD_ENGINE_MEMORY_BYTES")
    # And with what is said to be the least, it scores.
    engine = Engine(replace(settings, threads=1, engine_memory_bytes=160 * MB))
    try:
        assert engine.submit(sound, engine="onnx").result()[0].duration_ms > 0
    finally:
        engine.close()
    assert "Traceback" not in capfd.readouterr().err


def test_memory_that_runs_out_while_loading_is_one_line(
    model_dir: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process.worker, "main", short_while_loading)
    settings = Settings(engine="onnx", model_dir=model_dir, engine_memory_bytes=300 * MB)
    engine = Engine(settings)
    try:
        with pytest.raises(EngineStartError, match=r"raise FSMN_VAD_ENGINE_MEMORY_BYTES \(300 MB"):
            engine.load("onnx").result()
    finally:
        engine.close()
    assert "Traceback" not in capfd.readouterr().err


SCORE = """
import os
from tests.limits.careless import careless
from webui.control_groups import out_of_memory_kills
from webui.engine import Engine, process
from webui.settings import Settings

process.worker.main = careless
engine = Engine(Settings.from_environment())
(track,) = engine.submit(os.environ["LONG"], engine="onnx").result()
print(track.duration_ms, out_of_memory_kills(), engine.health())
engine.close()
"""


def test_an_engine_that_the_system_ended_is_told_as_such_and_tried_once_more(
    model_dir: Path, root: Path, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_THREADS": "4",
        "LONG": str(silence(tmp_path / "long.wav", 3000)),
    }
    with limited_group(260 * MB) as before:
        run = subprocess.run(
            [*before, sys.executable, "-c", SCORE],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
    assert run.stdout == "3000000 1 ready\n", run.stderr
    assert "ended for want of memory; once more in small blocks" in run.stderr


def test_an_engine_that_is_ended_twice_says_why(
    model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter(range(100))
    monkeypatch.setattr(process, "out_of_memory_kills", lambda: next(kills))
    monkeypatch.setattr(process.worker, "main", ended_by_the_system)
    engine = Engine(Settings(engine="onnx", model_dir=model_dir))
    try:
        with pytest.raises(MemoryKilledError, match="memory was used up") as caught:
            engine.submit(silence(tmp_path / "a.wav", 1), engine="onnx").result()
        assert isinstance(caught.value, EngineCrashedError) and engine.health() == "degraded"
        assert "内存耗尽" in caught.value.message("zh")
    finally:
        engine.close()


def test_memory_that_runs_out_is_one_more_try_in_small_blocks(
    limited: Limited, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = limited(60 * MB)
    pid = engine.status().pid
    long = silence(tmp_path / "long.wav", 1800)
    (track,) = engine.submit(long, engine="onnx").result()
    assert track.duration_ms == 1_800_000
    assert "once more in small blocks" in capfd.readouterr().err
    assert engine.status().pid == pid  # nothing died of it


def test_memory_that_runs_out_twice_is_that_jobs_error_alone(
    limited: Limited, hour: Path, sound: Path
) -> None:
    engine = limited(1 * MB)
    pid = engine.status().pid
    with pytest.raises(MemoryExceededError, match="ran out of memory"):
        engine.submit(hour, engine="onnx").result()
    assert engine.status().pid == pid
    (track,) = engine.submit(sound, engine="onnx").result()
    assert len(track.segments()) == 4
