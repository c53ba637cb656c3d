"""Jobs that do not fit are refused with figures; short of memory, blocks and workers shrink."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av.error
import pytest

from webui import choice, guard, memory_room
from webui.audio.pcm import PcmFormat
from webui.audio.track import Track
from webui.audio.wav import wav_header
from webui.batch.order import Order
from webui.batch.work import Task, process
from webui.cli import main
from webui.engine import Engine, worker
from webui.engine.messages import Score
from webui.errors import FileMissingError
from webui.guard import KEPT_BYTES_PER_S, SCORES, Guard, is_out_of_memory
from webui.memory_errors import MemoryExceededError, MemoryShortError
from webui.memory_room import Room, limit_data, own_limits, tightest
from webui.process_memory import measure, peak_rss_bytes
from webui.settings import Settings
from webui.vad import Detector
from webui.vad.detector import Pace
from webui.vad.options import VadOptions

MB = 1_000_000
SETTINGS = Settings(engine="onnx", threads=4)
HOUR_S = 3600.0


def with_room(monkeypatch: pytest.MonkeyPatch, left_bytes: int, wall: memory_room.Wall) -> None:
    """Leave so much until 85 % are in use."""
    limit_bytes = 1000 * MB
    room = Room(wall, limit_bytes, int(0.85 * limit_bytes) - left_bytes)
    for module in (guard, choice):
        monkeypatch.setattr(module, "tightest", lambda share, others_bytes=0: room)


def test_with_room_enough_nothing_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    with_room(monkeypatch, 900 * MB, "machine")
    assert Guard("onnx", SETTINGS).pace(HOUR_S, 1, None) == Pace(30.0, 4)


def test_workers_shrink_first_then_blocks_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    for left_bytes in range(120 * MB, 0, -MB):
        with_room(monkeypatch, left_bytes, "machine")
        try:
            pace = Guard("onnx", SETTINGS).pace(HOUR_S, 1, None)
        except MemoryShortError:
            break
        if pace not in seen:
            seen.append(pace)
    assert seen == [Pace(30.0, 4), Pace(30.0, 1), Pace(10.0, 1), Pace(5.0, 1)]
    assert left_bytes > 5 * HOUR_S * KEPT_BYTES_PER_S  # what an hour's scores take, all copies


def test_a_refusal_has_figures_and_advice_in_both_languages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_room(monkeypatch, 50 * MB, "container")
    with pytest.raises(MemoryShortError) as caught:
        Guard("onnx", SETTINGS).pace(20 * HOUR_S, 2, None)
    english, chinese = caught.value.message("en"), caught.value.message("zh")
    for words in ("50 MB are left", "85 % of the container's memory limit (1000 MB)"):
        assert words in english
    for words in ("仅剩 50 MB", "容器内存上限（1000 MB）", "85 %"):
        assert words in chinese
    assert english.endswith(
        "in use. Cut the recording into parts, clear the page's caches, or give the container "
        "more memory."
    )
    assert chinese.endswith("请把录音分成几段、清理页面缓存，或提高容器的内存上限。")


@pytest.mark.parametrize(
    ("engine", "left_mb", "wall", "duration_s", "advice"),
    [
        # Too little for any recording: a shorter one would not help, nor would the share.
        ("onnx", -200, "machine", HOUR_S, "End other programs."),
        ("onnx", 5, "machine", None, "End other programs or raise FSMN_VAD_MEMORY_SHARE."),
        ("onnx", 50, "process", 20 * HOUR_S, "Cut the recording into parts or raise the limit ("),
        ("onnx", 9, "engine", 60.0, "Raise FSMN_VAD_ENGINE_MEMORY_BYTES (0 = no limit)."),
        (
            "funasr",
            50,
            "machine",
            60.0,
            "Use ONNX Runtime (onnx) in place of FunASR, end other programs, or raise FSMN_VAD_",
        ),
    ],
)
def test_the_advice_is_what_may_help_in_this_case(
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    left_mb: int,
    wall: memory_room.Wall,
    duration_s: float | None,
    advice: str,
) -> None:
    used = (1000 if wall in ("process", "engine") else 850) - left_mb
    room = Room(wall, 1000 * MB, used * MB)
    monkeypatch.setattr(guard, "tightest", lambda share, others_bytes=0: room)
    with pytest.raises(MemoryShortError) as caught:
        Guard(engine, SETTINGS, SCORES).pace(duration_s, 1)
    assert caught.value.advice().startswith(advice)
    assert caught.value.message("en").endswith(f"in use. {caught.value.advice()}")
    assert caught.value.advice("zh").startswith("请") and caught.value.advice("zh")[-1] == "。"


def test_two_channels_take_twice_as_much_and_unknown_lengths_only_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_room(monkeypatch, 300 * MB, "machine")
    checked = Guard("onnx", SETTINGS)
    checked.pace(15 * HOUR_S, 1, None)
    with pytest.raises(MemoryShortError):
        checked.pace(15 * HOUR_S, 2, None)
    checked.pace(None, 2, None)


def test_limits_of_the_pages_process_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with_room(monkeypatch, 900 * MB, "machine")
    page = Room("process", 500 * MB, 400 * MB)
    checked = Guard("onnx", SETTINGS)
    checked.pace(HOUR_S, 1, page)
    with pytest.raises(MemoryShortError, match="the limit of this process"):
        checked.pace(20 * HOUR_S, 1, page)


def test_what_a_job_took_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    with_room(monkeypatch, 100 * MB, "machine")
    learning = Guard("onnx", SETTINGS)
    assert learning.pace(60.0, 1, None) == Pace(30.0, 4)
    # More than this process ever had: what it had before tells nothing.
    size = max(0, (peak_rss_bytes() or 0) - measure([os.getpid()]).rss_bytes) + 150 * MB
    with learning.measuring() as note:
        ballast = bytearray(b"1") * size
        note(Pace(30.0, 4), 60.0)
    assert len(ballast) == size
    expected = Pace(30.0, 1) if sys.platform == "linux" else Pace(30.0, 4)
    assert learning.pace(60.0, 1, None) == expected


def test_an_engine_that_does_not_fit_is_not_started(
    monkeypatch: pytest.MonkeyPatch, model_dir: Path, root: Path
) -> None:
    with_room(monkeypatch, 10 * MB, "machine")
    engine = Engine(replace(SETTINGS, model_dir=model_dir))
    try:
        with pytest.raises(MemoryShortError, match="this needs about 60 MB, and 10 MB"):
            engine.load("onnx").result()
        assert engine.status().state == "not_loaded"
        monkeypatch.undo()
        sound = root / "assets/audio/english-clean.flac"
        assert engine.submit(sound, engine="onnx").result()[0].duration_ms > 0
        assert engine.health() == "ready"
        monkeypatch.setattr("webui.engine.engine.tightest", lambda share: Room("machine", 10, 10))
        assert engine.health() == "refusing"
    finally:
        engine.close()


@pytest.mark.funasr
def test_auto_takes_the_smaller_engine_when_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_room(monkeypatch, 900 * MB, "machine")
    assert choice.choose("auto", SETTINGS).engine == "funasr"
    with_room(monkeypatch, 100 * MB, "machine")
    chosen = choice.choose("auto", SETTINGS)
    assert chosen.engine == "onnx"
    assert chosen.reason["en"] == "FunASR needs about 560 MB, and 100 MB may be taken"
    assert choice.choose("funasr", SETTINGS).engine == "funasr"  # whoever names it, gets it


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """Silence of ten days, in a file that takes no room on disk."""
    path, size = tmp_path / "days.wav", 240 * 3600 * 1000
    with path.open("wb") as file:
        file.write(wav_header(1000, 1, 8, is_float=False, size_bytes=size))
        file.truncate(file.tell() + size)
    return path


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, model_dir: Path) -> None:
    """The commands of this process find the model, and little room."""
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(model_dir))
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "en")
    with_room(monkeypatch, 100 * MB, "container")


@pytest.mark.usefixtures("commands")
def test_detect_refuses_what_does_not_fit_and_goes_on(
    days: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = root / "assets/audio/english-clean.flac"
    assert main(["detect", "--engine", "onnx", str(days), str(sound)]) == 1
    said = capsys.readouterr()
    assert "and 100 MB are left until 85 % of the container's memory limit" in said.err
    (line,) = said.out.splitlines()
    assert json.loads(line)["file"].endswith(sound.name)


@pytest.mark.parametrize("command", ["detect", "stream"])
@pytest.mark.usefixtures("commands")
def test_commands_do_not_load_what_does_not_fit(
    command: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with_room(monkeypatch, 10 * MB, "machine")
    sound = root / "assets/audio/english-clean.flac"
    with sound.open("rb") as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        given = [str(sound)] if command == "detect" else []
        assert main([command, "--engine", "onnx", *given]) == 1
    assert "this needs about 60 MB, and 10 MB are left" in capfd.readouterr().err


def test_a_batch_goes_on_beside_what_does_not_fit(
    days: Path,
    model_dir: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(model_dir))
    with_room(monkeypatch, 100 * MB, "machine")
    order = Order.of(Settings.from_environment(), VadOptions(), "mix", ["json"], engine="onnx")
    refused = process(Task(0, str(days)), order)
    assert isinstance(refused.error, MemoryShortError) and not refused.files
    done = process(Task(1, str(root / "assets/audio/english-clean.flac")), order)
    assert done.error is None and done.figures is not None and done.figures.segments == 4


def test_a_live_stream_that_does_not_fit_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, model_dir: Path
) -> None:
    engine = Engine(replace(SETTINGS, model_dir=model_dir))
    pcm = PcmFormat(16_000)
    try:
        running = engine.open_stream(pcm, engine="onnx")
        running.ready.result(60)
        # What it keeps of half an hour, and what it is itself.
        with_room(monkeypatch, 3 * MB, "machine")
        with pytest.raises(MemoryShortError, match="this needs about 3 MB, and 3 MB"):
            engine.open_stream(pcm, engine="onnx")
        with_room(monkeypatch, 4 * MB, "machine")
        engine.open_stream(pcm, engine="onnx").close()
        assert running.feed(b"\0" * 32_000).result(60)  # those that run go on
    finally:
        engine.close()


class Pipe:
    """Nobody says stop, and nobody listens."""

    def poll(self) -> bool:
        return False

    def send(self, message: object) -> None:
        pass


class Short(Detector):
    """A detector that runs out of memory in blocks of more than so many seconds."""

    def __init__(self, model_dir: Path, tmp_path: Path, most_s: float) -> None:
        super().__init__("onnx", model_directory=model_dir, prepared_directory=tmp_path)
        self.most_s, self.tried = most_s, list[Pace]()

    def score_tracks(self, path, *, plan, **given):  # type: ignore[no-untyped-def]
        def checked(duration_s: float | None, tracks: int) -> Pace:
            pace = plan(duration_s, tracks)
            self.tried.append(pace)
            if pace.block_s > self.most_s:
                raise RuntimeError("std::bad_alloc")
            return pace

        return super().score_tracks(path, plan=checked, **given)


def score(detector: Detector, path: Path) -> object:
    wanted = Score(str(path), "mix", None)
    gpu = worker.GpuMeter()
    return worker._score(Pipe(), detector, wanted, gpu, Guard("onnx", SETTINGS))  # type: ignore[arg-type]


def test_out_of_memory_is_tried_once_more_in_small_blocks(
    model_dir: Path, tmp_path: Path, root: Path
) -> None:
    sound = root / "assets/audio/english-clean.flac"
    detector = Short(model_dir, tmp_path, most_s=10)
    answer = score(detector, sound)
    assert detector.tried == [Pace(30.0, 4), Pace(5.0, 1)]
    whole = Detector("onnx", model_directory=model_dir, prepared_directory=tmp_path).score(sound)
    (track,) = answer.tracks  # type: ignore[attr-defined]
    assert track.segments() == whole.segments()


def test_out_of_memory_twice_is_an_error_of_that_job_alone(
    model_dir: Path, tmp_path: Path, root: Path
) -> None:
    detector = Short(model_dir, tmp_path, most_s=1)
    with pytest.raises(MemoryExceededError, match="bad_alloc"):
        score(detector, root / "assets/audio/english-clean.flac")
    assert len(detector.tried) == 2


def test_other_errors_are_not_tried_again(model_dir: Path, tmp_path: Path) -> None:
    detector = Short(model_dir, tmp_path, most_s=1)
    with pytest.raises(FileMissingError):
        score(detector, tmp_path / "gone.wav")
    assert detector.tried == []


def test_what_counts_as_out_of_memory() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(OSError(12, "Cannot allocate memory"))
    assert is_out_of_memory(av.error.MemoryError(12, "Cannot allocate memory"))
    assert is_out_of_memory(ImportError("libonnx.so: failed to map segment from shared object"))
    # ONNX Runtime's errors are none of Python's, and torch's are only RuntimeErrors.
    refusal = "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"
    assert is_out_of_memory(type("RuntimeException", (Exception,), {})(refusal))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    assert is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"))
    assert is_out_of_memory(RuntimeError("can't start new thread"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(FileMissingError(file="out of memory.wav"))
    assert not is_out_of_memory(OSError(2, "No such file"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits data")
def test_the_engines_own_limit_makes_an_excess_a_memory_error() -> None:
    code = (
        "import numpy\n"
        "from webui.memory_room import limit_data, own_limits, tightest\n"
        "assert own_limits(0.85) is None\n"
        f"limit_data({300 * MB})\n"
        "room = own_limits(1.0)\n"
        f"assert room.wall == 'engine' and room.limit_bytes == {300 * MB}, room\n"
        "assert tightest(1.0) == own_limits(1.0)\n"
        "held = numpy.ones(100_000_000, dtype='u1')\n"
        "assert own_limits(1.0).left_bytes(1.0) < room.left_bytes(1.0) - 99_000_000\n"
        "try:\n"
        "    more = numpy.ones(250_000_000, dtype='u1')\n"
        "except MemoryError:\n"
        "    print('refused')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout == "refused\n", run.stderr


def test_memory_that_a_decoder_is_refused_is_no_damage(root: Path) -> None:
    class Packet:
        def has_sidedata(self, name: str) -> bool:
            return False

        def decode(self) -> list[object]:
            raise av.error.MemoryError(12, "Cannot allocate memory")

    track = Track(root / "assets/audio/english-clean.flac")
    try:
        with pytest.raises(MemoryError):
            next(track._decoded(iter([Packet()])))  # type: ignore[list-item]
        assert track.damaged_packets == 0
    finally:
        track.close()


def test_measuring_a_job_leaves_the_processs_peak() -> None:
    ballast = bytearray(b"1") * (150 * MB)
    del ballast
    peak_bytes = peak_rss_bytes()
    learning = Guard("onnx", SETTINGS, SCORES)
    with learning.measuring() as note:
        note(Pace(30.0, 4), 60.0)
    assert peak_rss_bytes() == peak_bytes and learning._measured == {}


def test_several_jobs_at_once_teach_nothing() -> None:
    learning = Guard("onnx", SETTINGS, SCORES)
    with learning.measuring() as first, learning.measuring() as second:
        ballast = bytearray(b"1") * (50 * MB)
        second(Pace(30.0, 4), 60.0)
        first(Pace(30.0, 4), 60.0)
    assert len(ballast) == 50 * MB and learning._measured == {}


def with_two_limits(monkeypatch: pytest.MonkeyPatch, own_mb: int, common_mb: int) -> None:
    """Leave so much to this process alone, and so much to all together (of 1000 MB)."""
    common = Room("container", 1000 * MB, (850 - common_mb) * MB)
    rooms = [common, Room("process", 1000 * MB, (1000 - own_mb) * MB)]
    monkeypatch.setattr(memory_room, "_rooms", lambda: iter(rooms))


def test_a_limit_of_this_process_does_not_hide_that_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tighter one by what is left is not the one that a job would break."""
    with_two_limits(monkeypatch, own_mb=300, common_mb=400)
    guard.check_load("onnx", None, 0.85)
    with pytest.raises(MemoryShortError, match="this needs about 560 MB, and 400 MB"):
        guard.check_load("funasr", None, 0.85)
    # Twelve hours: 104 MB here, 69 more in the page.
    with_two_limits(monkeypatch, own_mb=160, common_mb=165)
    with pytest.raises(MemoryShortError, match="the container's memory limit"):
        Guard("onnx", SETTINGS).pace(12 * HOUR_S, 1)
    with_two_limits(monkeypatch, own_mb=160, common_mb=400)
    assert Guard("onnx", SETTINGS).pace(12 * HOUR_S, 1) == Pace(30.0, 1)


def test_the_tightest_of_all_limits_is_told() -> None:
    room = tightest(0.85)
    assert room.limit_bytes >= room.used_bytes > 0
    assert room.left_bytes(1.0) > room.left_bytes(0.85)
    assert own_limits(0.85) is None or own_limits(0.85).wall == "process"  # type: ignore[union-attr]
    assert callable(limit_data)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits address space")
@pytest.mark.parametrize(("command", "least_mb"), [("serve", 480), ("detect", 335)])
def test_too_little_address_space_is_said_at_the_start(command: str, least_mb: int) -> None:
    code = (
        "import resource, sys\n"
        "from webui.cli import main\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({300 * MB}, {300 * MB}))\n"
        f"sys.exit(main([{command!r}, *sys.argv[1:]]))"
    )
    more = ["--port", "9"] if command == "serve" else ["x.wav"]
    run = subprocess.run(
        [sys.executable, "-c", code, *more],
        env={**os.environ, "FSMN_VAD_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert f"limited to 300 MB (ulimit -v), and this needs {least_mb} MB at least" in run.stderr
    assert "Traceback" not in run.stderr
