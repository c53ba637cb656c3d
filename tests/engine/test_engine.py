"""The engine with real processes: score, stop, kill, unload, restart, fairness."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psutil
import pytest

from webui.engine import Engine
from webui.errors import (
    EngineBusyError,
    EngineCrashedError,
    EngineStalledError,
    FileMissingError,
    JobCancelledError,
    NotAudioError,
)
from webui.model_errors import ModelError, ModelMissingError
from webui.setting_places import fetch_command
from webui.settings import Settings
from webui.vad import Detector


def write_wav(path, duration_s: float):
    """Write noise as 16 kHz WAV."""
    import wave

    random = np.random.default_rng(0)
    minute = (random.standard_normal(16_000 * 10) * 3000).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for _ in range(int(duration_s // 10)):
            file.writeframes(minute)
    return path


@pytest.fixture(scope="module")
def short_wav(tmp_path_factory):
    return write_wav(tmp_path_factory.mktemp("audio") / "short.wav", 20)


@pytest.fixture(scope="module")
def long_wav(tmp_path_factory):
    return write_wav(tmp_path_factory.mktemp("audio") / "long.wav", 7200)


@pytest.fixture
def engine(model_dir):
    engine = Engine(replace(Settings.from_environment(), model_dir=model_dir))
    yield engine
    engine.close()


def wait_for(condition, timeout_s: float = 30):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def scoring(job):
    return lambda: job.progress.phase == "scoring" and job.progress.position_s > 0


def test_scores_as_the_detector_does(engine, short_wav, model_dir):
    (scores,) = engine.submit(short_wav, engine="onnx").result()
    expected = Detector("onnx", model_directory=model_dir).score(short_wav)
    np.testing.assert_array_equal(scores.probabilities, expected.probabilities)
    np.testing.assert_array_equal(scores.peaks.values, expected.peaks.values)
    assert scores.receipt == expected.receipt
    assert scores.audio == expected.audio


def test_loads_in_readable_stages(engine, short_wav):
    job = engine.load("onnx")
    stages = []
    while not job.wait(0.001):
        stages.append(job.progress.stage)
    assert job.result().state == "ready"
    assert job.result().load_time_s > 0
    seen = [stage for stage in dict.fromkeys(stages) if stage]
    order = ["start_process", "import_onnxruntime", "load_weights", "warm_up"]
    assert seen == [stage for stage in order if stage in seen]
    assert "start_process" in seen


def test_progress_is_real_and_ends_with_the_recording(engine, long_wav):
    job = engine.submit(long_wav, engine="onnx")
    wait_for(scoring(job))
    first = job.progress
    assert first.duration_s == pytest.approx(7200, abs=1)
    wait_for(lambda: job.progress.position_s > first.position_s)
    assert 0 < job.progress.fraction < 1
    wait_for(lambda: job.progress.eta_s is not None)
    assert job.progress.eta_s > 0
    assert engine.status().state == "busy"
    job.cancel()


def test_stop_takes_less_than_a_second_and_the_model_stays(engine, long_wav, short_wav):
    job = engine.submit(long_wav, engine="onnx")
    wait_for(scoring(job))
    pid = engine.status().pid
    begin = time.monotonic()
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.result()
    assert time.monotonic() - begin < 1
    engine.submit(short_wav, engine="onnx").result()
    assert engine.status().pid == pid


@pytest.mark.funasr
def test_stop_while_loading_ends_the_process(engine, short_wav):
    job = engine.submit(short_wav, engine="funasr")
    wait_for(lambda: job.progress.stage in ("import_torch", "import_funasr"))
    pid = engine.status().pid
    begin = time.monotonic()
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.result()
    assert time.monotonic() - begin < 1
    assert not psutil.pid_exists(pid)
    assert engine.status().state == "not_loaded"


def test_stopping_a_waiting_job_leaves_the_running_one(engine, long_wav, short_wav):
    running = engine.submit(long_wav, engine="onnx")
    waiting = engine.submit(short_wav, engine="onnx")
    wait_for(scoring(running))
    waiting.cancel()
    with pytest.raises(JobCancelledError):
        waiting.result()
    assert not running.wait(0)
    running.cancel()


def test_a_killed_process_fails_its_job_only(engine, long_wav, short_wav):
    job = engine.submit(long_wav, engine="onnx")
    wait_for(scoring(job))
    os.kill(engine.status().pid, signal.SIGKILL)
    with pytest.raises(EngineCrashedError, match="SIGKILL"):
        job.result()
    assert engine.submit(short_wav, engine="onnx").result()[0].duration_ms == 20_000


def test_killed_while_idle_is_noticed_and_mended(engine, short_wav, caplog):
    engine.submit(short_wav, engine="onnx").result()
    pid = engine.status().pid
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: engine.status().state == "not_loaded")
    engine.submit(short_wav, engine="onnx").result()
    assert engine.status().pid != pid
    assert f"engine process {pid} (onnx) ended: SIGKILL; phase: idle" in caplog.messages


def test_killed_while_loading(engine, short_wav):
    job = engine.load("onnx")
    wait_for(lambda: engine.status().pid is not None)
    os.kill(engine.status().pid, signal.SIGKILL)
    with pytest.raises(EngineCrashedError):
        job.result()
    engine.submit(short_wav, engine="onnx").result()


def test_a_process_that_hangs_is_ended(model_dir, long_wav, short_wav):
    settings = replace(Settings.from_environment(), model_dir=model_dir, stall_timeout_s=1.5)
    engine = Engine(settings)
    try:
        job = engine.submit(long_wav, engine="onnx")
        wait_for(scoring(job))
        os.kill(engine.status().pid, signal.SIGSTOP)
        with pytest.raises(EngineStalledError):
            job.result()
        engine.submit(short_wav, engine="onnx").result()
    finally:
        engine.close()


def test_stop_ends_a_process_that_hangs(engine, long_wav):
    job = engine.submit(long_wav, engine="onnx")
    wait_for(scoring(job))
    os.kill(engine.status().pid, signal.SIGSTOP)
    begin = time.monotonic()
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.result()
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize("name", ["onnx", pytest.param("funasr", marks=pytest.mark.funasr)])
def test_unload_ends_the_process_and_gives_its_memory_back(engine, short_wav, name):
    engine.submit(short_wav, engine=name).result()
    pid = engine.status().pid
    change = engine.unload()
    assert not psutil.pid_exists(pid)
    assert change.before.engine.uss_bytes > 30e6
    assert change.freed_engine_bytes >= 0.9 * change.before.engine.uss_bytes
    assert change.after.engine.rss_bytes == 0
    assert engine.status().state == "not_loaded"
    assert engine.submit(short_wav, engine=name).result()[0].duration_ms == 20_000


def test_unload_waits_for_those_who_wait_already(engine, long_wav, short_wav):
    running = engine.submit(long_wav, engine="onnx", owner="a")
    waiting = engine.submit(short_wav, engine="onnx", owner="b")
    wait_for(scoring(running))
    pid = engine.status().pid
    with ThreadPoolExecutor(2) as pool:
        changes = [pool.submit(engine.unload) for _ in range(2)]
        wait_for(lambda: engine.status().waiting == 2)
        assert waiting.progress.ahead == 1
        running.cancel()
        assert waiting.result()[0].duration_ms == 20_000
        assert waiting.result()[0].receipt.engine == "onnx"
        first, second = (change.result() for change in changes)
    assert first is second  # asked twice, done once
    assert not psutil.pid_exists(pid)


def test_unload_without_a_model_changes_nothing(engine):
    change = engine.unload()
    assert change.before.engine.rss_bytes == change.after.engine.rss_bytes == 0


@pytest.mark.funasr
def test_another_engine_replaces_the_loaded_one(engine, short_wav):
    engine.submit(short_wav, engine="onnx").result()
    first = engine.status()
    engine.submit(short_wav, engine="funasr").result()
    assert not psutil.pid_exists(first.pid)
    assert engine.status().engine == "funasr"


def test_clear_gpu_cache_without_gpu_answers_with_figures(engine, short_wav):
    engine.submit(short_wav, engine="onnx").result()
    change = engine.clear_gpu_cache()
    assert change.freed_gpu_bytes == 0
    assert change.after.engine.rss_bytes > 0


@pytest.mark.parametrize(
    ("content", "error"), [(None, FileMissingError), (b"hello, this is text\n", NotAudioError)]
)
def test_bad_input_is_a_typed_error_and_the_engine_goes_on(
    engine, tmp_path, short_wav, content, error
):
    path = tmp_path / "bad.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as caught:
        engine.submit(path, engine="onnx").result()
    assert caught.value.message("zh") != caught.value.message("en")
    pid = engine.status().pid
    engine.submit(short_wav, engine="onnx").result()
    assert engine.status().pid == pid


def test_a_missing_model_says_so(tmp_path, short_wav):
    settings = replace(Settings.from_environment(), model_dir=None, models_directory=tmp_path)
    engine = Engine(settings)
    try:
        with pytest.raises(ModelMissingError) as caught:
            engine.submit(short_wav, engine="onnx").result()
        # As it is typed, it fetches into the directory in which there is none.
        command = fetch_command(tmp_path)
        assert command.startswith(f"FSMN_VAD_MODELS_DIRECTORY={tmp_path} ")
        assert command in caught.value.message("en") and command in caught.value.message("zh")
        assert engine.status().state == "not_loaded"
        assert engine.health() == "refusing"
    finally:
        engine.close()


def test_broken_weights_are_said_to_be_broken(tmp_path, model_dir, short_wav):
    (tmp_path / "model.onnx").write_bytes(b"no weights")
    (tmp_path / "am.mvn").write_bytes((model_dir / "am.mvn").read_bytes())
    engine = Engine(replace(Settings.from_environment(), model_dir=tmp_path))
    try:
        with pytest.raises(ModelError, match=r"model\.onnx"):
            engine.submit(short_wav, engine="onnx").result()
    finally:
        engine.close()


def test_sessions_are_served_in_turn(engine, long_wav, short_wav):
    first = engine.submit(long_wav, engine="onnx", owner="a")
    heap = [engine.submit(short_wav, engine="onnx", owner="a") for _ in range(4)]
    other = engine.submit(short_wav, engine="onnx", owner="b")
    wait_for(scoring(first))
    assert other.progress.ahead <= 2
    assert heap[-1].progress.ahead == 5
    first.cancel()
    other.result()
    assert not heap[1].wait(0)
    heap[-1].result()


def test_too_many_jobs_are_turned_away(model_dir, long_wav):
    settings = replace(Settings.from_environment(), model_dir=model_dir, max_waiting_jobs=2)
    engine = Engine(settings)
    try:
        running = engine.submit(long_wav, engine="onnx")
        wait_for(scoring(running))
        for _ in range(2):
            engine.submit(long_wav, engine="onnx")
        with pytest.raises(EngineBusyError):
            engine.submit(long_wav, engine="onnx")
    finally:
        engine.close()


def test_close_ends_everything(model_dir, long_wav):
    engine = Engine(replace(Settings.from_environment(), model_dir=model_dir))
    jobs = [engine.submit(long_wav, engine="onnx") for _ in range(2)]
    wait_for(scoring(jobs[0]))
    pid = engine.status().pid
    engine.close()
    for job in jobs:
        with pytest.raises(JobCancelledError):
            job.result()
    assert not psutil.pid_exists(pid)
    with pytest.raises(JobCancelledError):
        engine.submit(long_wav, engine="onnx")


PARENT = """
import sys, time
from webui.engine import Engine
from webui.settings import Settings

if __name__ == "__main__":
    engine = Engine(Settings.from_environment())
    job = engine.submit(sys.argv[1], engine="onnx")
    while not job.progress.position_s:
        time.sleep(0.01)
    print(engine.status().pid, flush=True)
    time.sleep(60)
"""


def test_no_orphan_when_the_parent_is_killed(tmp_path, long_wav, model_dir, root):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "FSMN_VAD_MODEL_DIR": str(model_dir), "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, script, long_wav], stdout=subprocess.PIPE, env=environment, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    wait_for(lambda: not psutil.pid_exists(pid), 5)


def test_this_process_stays_light(engine, short_wav, root, model_dir):
    code = (
        "import sys\n"
        "from webui.engine import Engine\n"
        "from webui.settings import Settings\n"
        "if __name__ == '__main__':\n"
        "    engine = Engine(Settings.from_environment())\n"
        f"    engine.submit({str(short_wav)!r}).result()[0].segments()\n"
        "    heavy = {'torch', 'funasr', 'onnxruntime', 'av'} & sys.modules.keys()\n"
        "    engine.close()\n"
        "    sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    environment = {**os.environ, "FSMN_VAD_MODEL_DIR": str(model_dir), "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
