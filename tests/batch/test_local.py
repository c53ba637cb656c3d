"""Processes of this machine: crashes, memory, threads."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from webui.batch.local import LocalProcesses
from webui.batch.order import Order
from webui.batch.resources import fitting_workers, threads_each
from webui.batch.work import Done, Task
from webui.errors import EngineCrashedError, EngineStartError
from webui.guard import process_bytes
from webui.memory_errors import MemoryExceededError, MemoryKilledError, MemoryShortError
from webui.vad.detector import Pace
from webui.vad.options import VadOptions

ORDER = Order(VadOptions(), "mix", "onnx", "0" * 64, ("json",))
MIB = 1024**2


def mimic(task: Task, order: Order) -> Done:
    """Dies with the recordings that are called so, and tells its process and threads."""
    if task.path == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    told = f"{os.getpid()} {order.threads} {os.environ['OMP_NUM_THREADS']}"
    return Done(task.number, {"json": told.encode()})


def fail(task: Task, order: Order) -> Done:
    if task.path == "large":
        raise MemoryError
    if task.path == "odd":
        raise RuntimeError("nobody thought of this")
    if task.path == "no model":
        raise EngineStartError(engine="onnx", reason="no model")
    return Done(task.number, {"json": b""})


def test_a_recording_that_kills_its_process_is_told_and_the_others_are_done():
    tasks = [Task(n, "deadly" if n in (2, 5) else "fine") for n in range(8)]
    done = {d.number: d for d in LocalProcesses(2, 1, mimic)(tasks, ORDER)}
    assert sorted(done) == list(range(8))
    assert {number for number, d in done.items() if d.error is not None} == {2, 5}
    assert "took its process with it" in str(done[2].error)


@pytest.mark.parametrize(
    ("kills", "error"),
    [
        # Before the first attempt, before the second, after it.
        ((0, 0, 0), EngineCrashedError),
        ((0, 1, 1), EngineCrashedError),
        ((0, 1, 2), MemoryKilledError),
    ],
)
def test_want_of_memory_is_told_only_where_the_last_attempt_ended_of_it(monkeypatch, kills, error):
    counts = iter(kills)
    monkeypatch.setattr("webui.batch.local.out_of_memory_kills", lambda: next(counts))
    (done,) = LocalProcesses(1, 1, mimic)([Task(0, "deadly")], ORDER)
    assert type(done.error) is error


def test_processes_have_the_threads_they_are_given():
    tasks = [Task(n, "fine") for n in range(6)]
    done = list(LocalProcesses(2, 3, mimic)(tasks, ORDER))
    told = [d.files["json"].decode().split() for d in done]
    assert {(threads, of_libraries) for _, threads, of_libraries in told} == {("3", "3")}
    assert str(os.getpid()) not in {process for process, _, _ in told}


def test_without_room_one_works_at_a_time():
    processes = LocalProcesses(2, 1, mimic, free_bytes=lambda share: 0)
    assert len(list(processes([Task(n, "fine") for n in range(4)], ORDER))) == 4


def test_what_nobody_thought_of_costs_one_recording_alone():
    tasks = [Task(n, path) for n, path in enumerate(["odd", "fine", "large", "fine"])]
    done = {d.number: d for d in LocalProcesses(2, 1, fail)(tasks, ORDER)}
    assert [done[n].error is None for n in range(4)] == [False, True, False, True]
    assert "RuntimeError: nobody thought of this" in str(done[0].error)
    assert "(MemoryError)" in str(done[2].error)


def test_what_no_recording_can_be_without_ends_all():
    with pytest.raises(EngineStartError):
        list(LocalProcesses(1, 1, fail)([Task(0, "no model"), Task(1, "fine")], ORDER))
    assert not [t for t in threading.enumerate() if "Executor" in t.name]


SHORT = {
    **{"needed_mb": 9, "left_mb": 1, "percent": 85, "limit_mb": 10, "wall": "", "wall_zh": ""},
    "remedies": ("programs",),
}


def short_beside_others(task: Task, order: Order) -> Done:
    """Has memory for the recordings that are called large only where another process has ended."""
    path, error = Path(task.path), None
    is_first = not path.with_suffix(f".{task.number}").exists()
    path.with_suffix(f".{task.number}").touch()
    if path.name == "load" and is_first:
        raise MemoryShortError(**SHORT)
    if path.name == "large" and is_first:
        error = MemoryShortError(**SHORT)
    elif path.name == "never":
        error = MemoryExceededError(reason="bad_alloc")
    return Done(task.number, {} if error else {"json": b"%d" % os.getpid()}, error=error)


def test_what_memory_is_short_for_is_tried_alone_after_the_others(tmp_path):
    names = ["large", "fine", "never", "load", "fine", "fine"]
    tasks = [Task(n, str(tmp_path / name)) for n, name in enumerate(names)]
    done = list(LocalProcesses(2, 1, short_beside_others)(tasks, ORDER))
    assert {d.number for d in done[:3]} == {1, 4, 5}
    alone = {d.number: d for d in done[3:]}
    assert isinstance(alone[2].error, MemoryExceededError)
    assert alone[0].error is None and alone[3].error is None
    before = {d.files["json"] for d in done[:3]}
    assert alone[0].files == alone[3].files and alone[0].files["json"] not in before


def test_without_room_for_any_model_the_batch_ends(tmp_path):
    def never(task, order):
        raise MemoryShortError(**SHORT)

    with pytest.raises(MemoryShortError):
        list(LocalProcesses(2, 1, never)([Task(0, "a"), Task(1, "b")], ORDER))


@pytest.mark.parametrize(
    ("engine", "files", "free", "cores", "wanted"),
    [
        ("onnx", 100, 64_000 * MIB, 8, 8),
        ("onnx", 3, 64_000 * MIB, 8, 3),
        ("onnx", 100, 300 * MIB, 8, 3),
        ("funasr", 100, 4_000 * MIB, 8, 4),
        ("funasr", 100, 100 * MIB, 8, 1),
    ],
)
def test_workers_follow_memory(engine, files, free, cores, wanted):
    each = process_bytes(engine, Pace(30.0, 1))
    workers = fitting_workers(files, each_bytes=each, free_bytes=free, processors=cores)
    assert workers == wanted
    assert workers * threads_each(workers, cores) <= cores
    assert workers == 1 or workers * each <= free
