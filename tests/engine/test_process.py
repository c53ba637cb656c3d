"""The pipe's end: answers that stop half-way must hold nobody."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import threading
import time
from dataclasses import replace

import pytest

from webui.engine import Engine, process
from webui.engine.jobs import Job
from webui.errors import EngineCrashedError, EngineStalledError, JobCancelledError
from webui.settings import Settings


def half_an_answer(pipe, streams, config) -> None:
    """Stand where the worker stands: begin a large answer and never end it."""
    message = pickle.dumps(b"x" * 1_000_000)
    os.write(pipe.fileno(), struct.pack("!i", len(message)) + message[:1000])
    time.sleep(60)


@pytest.fixture
def engine(model_dir, monkeypatch):
    monkeypatch.setattr(process.worker, "main", half_an_answer)
    engine = Engine(
        replace(
            Settings.from_environment(), model_dir=model_dir, start_timeout_s=2, stall_timeout_s=2
        )
    )
    yield engine
    engine.close()


def begun(job: Job, engine: Engine) -> int:
    while engine.status().pid is None:
        assert not job.wait(0.01)
    # The process has to start Python before it can write.
    time.sleep(1)
    return engine.status().pid or 0


def test_an_answer_that_stops_half_way_is_a_stall(engine):
    with pytest.raises(EngineStalledError):
        engine.load("onnx").result()


def test_stop_works_in_the_middle_of_an_answer(engine):
    job = engine.load("onnx")
    begun(job, engine)
    begin = time.monotonic()
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.result()
    assert time.monotonic() - begin < 1


def test_killed_in_the_middle_of_an_answer_is_a_crash(engine):
    job = engine.load("onnx")
    os.kill(begun(job, engine), signal.SIGKILL)
    with pytest.raises(EngineCrashedError, match="SIGKILL"):
        job.result()


@pytest.mark.skipif(sys.platform != "linux", reason="signals without names")
def test_killed_by_a_signal_without_a_name_is_a_crash_too(engine):
    job = engine.load("onnx")
    os.kill(begun(job, engine), signal.SIGRTMIN + 1)
    with pytest.raises(EngineCrashedError, match=f"signal {signal.SIGRTMIN + 1}"):
        job.result()


def test_no_thread_outlives_its_process(engine):
    with pytest.raises(EngineStalledError):
        engine.load("onnx").result()
    assert not [t for t in threading.enumerate() if t.name == "engine-answers"]
