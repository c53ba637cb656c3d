"""The engine against walls that are real: its own limit, and a container's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.limits.careless import BLOCK_S, careless
from webui.audio.wav import wav_header
from webui.engine import Engine, process, worker
from webui.engine.messages import EngineConfig
from webui.errors import EngineCrashedError
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
    with pytest.raises(MemoryShortError, match="the limit of this process"):
        engine.submit(hour, engine="onnx").result()
    assert engine.health() == "ready"


class Group:
    """A control group of this test's own, of version 1 or 2."""

    def __init__(self, limit_bytes: int) -> None:
        own = dict(
            line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()
        )
        root = Path("/sys/fs/cgroup")
        is_v1 = "memory" in own
        parents = [root / "memory"] if is_v1 else [root / own.get("", "").lstrip("/"), root]
        self.path = self._made(parents)
        names = ("limit_in_bytes", "memsw.limit_in_bytes") if is_v1 else ("max", "swap.max")
        try:
            (self.path / f"memory.{names[0]}").write_text(str(limit_bytes))
            if (self.path / f"memory.{names[1]}").exists():
                (self.path / f"memory.{names[1]}").write_text(str(limit_bytes if is_v1 else 0))
        except OSError as error:
            self.path.rmdir()
            pytest.skip(f"no control group can be limited here: {error}")

    @staticmethod
    def _made(parents: list[Path]) -> Path:
        for parent in parents:
            path = parent / f"fsmn-vad-test-{os.getpid()}"
            try:
                path.mkdir()
            except OSError:
                continue
            return path
        pytest.skip("no control group can be made here")

    def run(self, code: str, **changes: str) -> subprocess.CompletedProcess[str]:
        enter = f'echo $$ > "{self.path}/cgroup.procs" && exec "$@"'
        return subprocess.run(
            ["sh", "-c", enter, "sh", sys.executable, "-c", textwrap.dedent(code)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **changes},
            check=False,
        )


@pytest.fixture
def group() -> Iterator[Group]:
    group = Group(260 * MB)
    yield group
    give_up = time.monotonic() + 30
    while (group.path / "cgroup.procs").read_text():  # they are about to end
        assert time.monotonic() < give_up
        time.sleep(0.05)
    group.path.rmdir()


def test_an_engine_that_the_system_ended_is_told_as_such_and_tried_once_more(
    group: Group, model_dir: Path, root: Path, tmp_path: Path
) -> None:
    long = silence(tmp_path / "long.wav", 3000)
    run = group.run(
        """
        import os, sys
        from tests.limits.careless import careless
        from webui.control_groups import memory_limit, out_of_memory_kills
        from webui.engine import Engine, process
        from webui.settings import Settings

        if memory_limit() is None or memory_limit().limit_bytes > 261_000_000:
            sys.exit("SKIP")
        process.worker.main = careless
        engine = Engine(Settings.from_environment())
        (track,) = engine.submit(os.environ["LONG"], engine="onnx").result()
        print(track.duration_ms, out_of_memory_kills(), engine.health())
        engine.close()
        """,
        PYTHONPATH=str(root),
        FSMN_VAD_MODEL_DIR=str(model_dir),
        FSMN_VAD_THREADS="4",
        LONG=str(long),
    )
    if "SKIP" in run.stderr:
        pytest.skip("the group is not seen from within")
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
    limited: Limited, hour: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = limited(60 * MB)
    pid = engine.status().pid
    (track,) = engine.submit(hour, engine="onnx").result()
    assert track.duration_ms == 3_600_000
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
