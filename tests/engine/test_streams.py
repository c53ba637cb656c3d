"""Live streams with real processes: beside jobs, many at once, through kills and stalls."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import wait
from dataclasses import replace

import numpy as np
import psutil
import pytest

from webui.audio.pcm import PcmFormat
from webui.bench import recording
from webui.engine import Engine, process, streams, worker
from webui.errors import EngineBusyError, EngineCrashedError, EngineInUseError, JobCancelledError
from webui.model_errors import ModelMissingError
from webui.settings import Settings
from webui.stream_errors import StreamsFullError
from webui.vad import Detector, VadOptions
from webui.vad.endpoint import Endpointer
from webui.vad.stream import Decider

MONO = PcmFormat(16_000)
CHUNK_BYTES = 6400  # 200 ms
DEADLINE_S = 120


@pytest.fixture(scope="module")
def samples(root):
    """A minute of talk, 16 kHz mono, int16."""
    demos = sorted((root / "assets" / "audio").glob("*.flac"))
    return np.resize(recording.read(demos), 60 * 16_000)


@pytest.fixture(scope="module")
def long_wav(samples, tmp_path_factory):
    return recording.write(tmp_path_factory.mktemp("audio") / "long.wav", samples, 7200)


@pytest.fixture(scope="module")
def detector(model_dir):
    return Detector("onnx", model_directory=model_dir, threads=1)


@pytest.fixture
def settings(model_dir):
    return replace(Settings.from_environment(), model_dir=model_dir)


@pytest.fixture
def engine(settings):
    engine = Engine(settings)
    yield engine
    engine.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("streams")]


def pieces_of(data, size=CHUNK_BYTES):
    return [data[first : first + size] for first in range(0, len(data), size)]


def scored_alone(detector, pcm, pieces):
    """What the engine is to give, computed in this process."""
    scorer = detector.stream_scorer
    state, every = scorer.start(pcm), []
    for piece in pieces:
        state, scored = scorer.feed(state, piece)
        every.append(scored)
    return [*every, scorer.finish(state)]


def gathered(futures):
    return [future.result(DEADLINE_S) for future in futures]


def assert_equal(found, wanted):
    """Each step gave the same, bit by bit."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
        np.testing.assert_array_equal(one.peaks, other.peaks)


def wait_for(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def kill(engine, number=signal.SIGKILL):
    pid = engine.status().pid
    if pid is not None:
        # It may have ended of an earlier signal since its id was read.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.mark.parametrize("name", ["onnx", pytest.param("funasr", marks=pytest.mark.funasr)])
def test_events_equal_the_offline_segments(engine, model_dir, samples, long_wav, tmp_path, name):
    with engine.open_stream(MONO, engine=name) as stream:
        futures = [stream.feed(piece) for piece in pieces_of(samples.tobytes())]
        futures.append(stream.finish())
        scored = gathered(futures)
        assert stream.receipt.engine == name == stream.ready.result().engine
        assert 0 < stream.state_bytes <= 64_000
    decider = Decider(VadOptions())
    events = [event for step in scored for event in decider.feed(step.probabilities)]
    events += decider.flush(len(samples))
    path = recording.write(tmp_path / "whole.wav", samples, len(samples) / 16_000)
    (offline,) = engine.submit(path, engine=name).result()
    wanted = offline.segments(VadOptions())
    assert [event.segment for event in events if event.segment is not None] == list(wanted)
    assert len(wanted) > 5
    peaks = np.concatenate([step.peaks for step in scored])
    np.testing.assert_array_equal(peaks, offline.peaks.values)


def test_many_streams_at_once_do_not_touch_each_other(engine, detector, samples):
    dice = random.Random(0)
    formats = [MONO, PcmFormat(48_000, 2), PcmFormat(44_100), PcmFormat(8000, 1, "f32le")]
    given = []
    for number in range(24):
        pcm = formats[number % len(formats)]
        data = np.roll(samples, 7919 * number).astype(
            "<f4" if pcm.sample_format == "f32le" else "<i2"
        )
        if pcm.sample_format == "f32le":
            data /= 32768
        given.append((pcm, pieces_of(data.tobytes()[:200_001], dice.randint(99, 9999))))
    opened = [engine.open_stream(pcm, engine="onnx") for pcm, _ in given]
    left = [list(pieces) for _, pieces in given]
    futures = [[] for _ in given]
    while any(left):
        number = dice.choice([index for index, pieces in enumerate(left) if pieces])
        futures[number].append(opened[number].feed(left[number].pop(0)))
    for stream, own in zip(opened, futures, strict=True):
        own.append(stream.finish())
    for own, (pcm, pieces) in zip(futures, given, strict=True):
        assert_equal(gathered(own), scored_alone(detector, pcm, pieces))


def test_a_long_recording_holds_no_stream(engine, samples, long_wav):
    job = engine.submit(long_wav, engine="onnx")
    wait_for(lambda: job.progress.position_s > 0)
    stream = engine.open_stream(MONO)
    for piece in pieces_of(samples.tobytes())[:20]:
        stream.feed(piece).result(DEADLINE_S)
    assert not job.wait(0), "the recording is to be longer"
    assert engine.status().state == "busy"
    job.cancel()


class TestKilled:
    @pytest.mark.parametrize("seed", range(3))
    def test_nothing_is_lost_or_doubled(self, engine, detector, samples, seed):
        dice = random.Random(seed)
        pieces = pieces_of(samples.tobytes()[:1_000_000])
        doomed = set(dice.sample(range(len(pieces)), 4))
        stream = engine.open_stream(MONO, engine="onnx")
        beside = engine.open_stream(MONO, engine="onnx")
        futures, others = [], []
        for number, piece in enumerate(pieces):
            futures.append(stream.feed(piece))
            others.append(beside.feed(piece))
            if number in doomed:
                # In the middle of a step, between two, or while the model is loaded again.
                time.sleep(dice.random() / 100)
                kill(engine)
                if dice.random() < 0.5:
                    wait((futures[-1], others[-1]), DEADLINE_S)
        futures.append(stream.finish())
        others.append(beside.finish())
        wanted = scored_alone(detector, MONO, pieces)
        assert_equal(gathered(futures), wanted)
        assert_equal(gathered(others), wanted)

    def test_while_the_model_is_loaded(self, engine, detector, samples):
        stream = engine.open_stream(MONO, engine="onnx")
        pieces = pieces_of(samples.tobytes()[:100_000])
        futures = [stream.feed(piece) for piece in pieces]
        for _ in range(2):
            wait_for(lambda: engine.status().state == "loading")
            assert stream.stage and stream.loading.phase == "loading"
            first = engine.status().pid
            kill(engine)
            wait_for(lambda first=first: engine.status().pid not in (first, None))
        futures.append(stream.finish())
        assert_equal(gathered(futures), scored_alone(detector, MONO, pieces))
        assert stream.loading is None and stream.stage == ""

    def test_between_two_steps(self, engine, detector, samples):
        stream = engine.open_stream(MONO, engine="onnx")
        pieces = pieces_of(samples.tobytes()[:50_000])
        found = []
        for piece in pieces:
            found.append(stream.feed(piece).result(DEADLINE_S))
            kill(engine)
        found.append(stream.finish().result(DEADLINE_S))
        assert_equal(found, scored_alone(detector, MONO, pieces))

    def test_one_that_hangs_is_ended(self, settings, detector, samples, monkeypatch):
        monkeypatch.setattr(streams, "_SILENCE_S", 1.0)
        engine = Engine(settings)
        try:
            stream = engine.open_stream(MONO, engine="onnx")
            pid = stream.ready.result(DEADLINE_S) and engine.status().pid
            os.kill(pid, signal.SIGSTOP)
            pieces = pieces_of(samples.tobytes())  # more than its pipe holds
            futures = [stream.feed(piece) for piece in pieces]
            futures.append(stream.finish())
            assert_equal(gathered(futures), scored_alone(detector, MONO, pieces))
            assert not psutil.pid_exists(pid)
        finally:
            engine.close()

    def test_whoever_kills_it_each_time_fails_alone(self, settings, samples, monkeypatch):
        monkeypatch.setattr(process.worker, "main", poisonable)
        monkeypatch.setattr(streams, "_PAUSE_S", 0.0)
        monkeypatch.setattr(streams, "_ATTEMPTS", 3)
        engine = Engine(settings)
        try:
            sound, poisoned = (engine.open_stream(MONO, engine="onnx") for _ in range(2))
            for stream in (sound, poisoned):
                stream.ready.result(DEADLINE_S)
            fatal = poisoned.feed(POISON)
            futures = [sound.feed(piece) for piece in pieces_of(samples.tobytes()[:100_000])]
            with pytest.raises(EngineCrashedError):
                fatal.result(DEADLINE_S)
            with pytest.raises(EngineCrashedError):
                poisoned.feed(b"")
            gathered([*futures, sound.finish()])
        finally:
            engine.close()


POISON = b"poison"


def poisonable(pipe, streams, config):
    """Stand where the worker stands, and fall over one piece."""
    step = worker._step

    def fall(scorer, wanted):
        if POISON in wanted.pieces:
            os._exit(1)
        return step(scorer, wanted)

    worker._step = fall
    worker.main(pipe, streams, config)


class TestInUse:
    def test_the_model_is_not_unloaded(self, engine):
        stream = engine.open_stream(MONO, engine="onnx")
        pid = stream.ready.result(DEADLINE_S) and engine.status().pid
        with pytest.raises(EngineInUseError, match="Live detection is using the model") as caught:
            engine.unload()
        assert "停止实时检测" in caught.value.message("zh")
        stream.close()
        assert engine.status().pid == pid  # closing the last one changes nothing else
        assert engine.unload().freed_engine_bytes > 0

    def test_no_other_engine_replaces_it(self, engine, long_wav):
        stream = engine.open_stream(MONO, engine="onnx")
        with pytest.raises(EngineInUseError):
            engine.load("onnx-int8")
        with pytest.raises(EngineInUseError):
            engine.submit(long_wav, engine="onnx-int8")
        with pytest.raises(EngineInUseError):
            engine.open_stream(MONO, engine="onnx-int8")
        assert engine.open_stream(MONO).engine == "onnx"
        assert engine.load("onnx").result().engine == "onnx"
        assert stream.ready.result(DEADLINE_S).engine == "onnx"

    def test_nor_one_that_waited_before_the_stream_began(self, engine, long_wav):
        running = engine.submit(long_wav, engine="onnx")
        wait_for(lambda: running.progress.position_s > 0)
        waiting = engine.load("onnx-int8")
        stream = engine.open_stream(MONO)
        assert stream.ready.result(DEADLINE_S).engine == "onnx"
        running.cancel()
        with pytest.raises(EngineInUseError):
            waiting.result()
        stream.feed(bytes(CHUNK_BYTES)).result(DEADLINE_S)

    def test_a_stream_waits_for_a_recording_on_another_engine(self, engine, long_wav):
        running = engine.submit(long_wav, engine="onnx-int8")
        wait_for(lambda: running.progress.position_s > 0)
        stream = engine.open_stream(MONO, engine="onnx")
        wait_for(lambda: stream.loading is not None)
        assert stream.loading.phase == "queued" and not stream.ready.done()
        running.cancel()
        assert stream.ready.result(DEADLINE_S).engine == "onnx"


class TestEnds:
    def test_closed_in_mid_stream(self, engine, samples):
        stream = engine.open_stream(MONO, engine="onnx")
        futures = [stream.feed(piece) for piece in pieces_of(samples.tobytes())]
        stream.close()
        stream.close()
        for future in futures:
            if future.exception(DEADLINE_S) is not None:
                assert isinstance(future.exception(), JobCancelledError)
        assert isinstance(futures[-1].exception(), JobCancelledError)
        assert stream.waiting_bytes == 0
        with pytest.raises(JobCancelledError):
            stream.feed(b"")

    def test_after_the_end_nothing_is_taken(self, engine):
        stream = engine.open_stream(MONO, engine="onnx")
        assert len(stream.finish().result(DEADLINE_S).probabilities) == 0
        with pytest.raises((ValueError, JobCancelledError)):
            stream.feed(b"")
        assert engine.unload().freed_engine_bytes > 0  # finished is closed

    def test_closing_the_engine_ends_all(self, settings, samples):
        engine = Engine(settings)
        opened = [engine.open_stream(MONO, engine="onnx") for _ in range(3)]
        futures = [stream.feed(samples.tobytes()) for stream in opened]
        engine.close()
        for future in [*futures, *(stream.ready for stream in opened)]:
            assert future.done()
        with pytest.raises(JobCancelledError):
            opened[0].feed(b"")
        with pytest.raises(JobCancelledError):
            engine.open_stream(MONO)

    def test_a_missing_model_says_so(self, settings, tmp_path):
        engine = Engine(replace(settings, model_dir=None, models_directory=tmp_path))
        try:
            stream = engine.open_stream(MONO, engine="onnx")
            with pytest.raises(ModelMissingError, match="fetch"):
                stream.ready.result(DEADLINE_S)
            with pytest.raises(ModelMissingError):
                stream.feed(b"")
            engine.unload()  # nobody uses it any more
        finally:
            engine.close()


class TestBounds:
    def test_as_many_streams_as_there_may_be(self, settings):
        engine = Engine(replace(settings, max_streams=2))
        try:
            first, _ = (engine.open_stream(MONO, engine="onnx") for _ in range(2))
            with pytest.raises(StreamsFullError) as caught:
                engine.open_stream(MONO, engine="onnx")
            assert isinstance(caught.value, EngineBusyError)
            assert "2 live streams" in caught.value.message("en")
            assert "2 个实时流" in caught.value.message("zh")
            first.close()
            engine.open_stream(MONO, engine="onnx")
        finally:
            engine.close()

    def test_what_waits_in_a_stream(self, engine):
        stream = engine.open_stream(MONO, engine="onnx")
        stream.ready.result(DEADLINE_S)
        kill(engine, signal.SIGSTOP)
        piece = bytes(1024**2)
        with pytest.raises(queue.Full):
            for _ in range(100):
                stream.feed(piece)
        assert stream.most_waiting_bytes - len(piece) < stream.waiting_bytes
        assert stream.waiting_bytes <= stream.most_waiting_bytes
        kill(engine, signal.SIGCONT)
        assert stream.finish().result(DEADLINE_S) is not None
        assert stream.waiting_bytes == 0

    def test_odd_formats_may_not_fill_the_engines_memory(self, engine):
        stream = engine.open_stream(PcmFormat(1000, 1, "u8"), engine="onnx")
        with pytest.raises(queue.Full):
            stream.feed(bytes(1_000_000))
        stream.feed(bytes(300_000)).result(DEADLINE_S)


def test_loading_waits_for_a_place_in_the_line(settings, long_wav):
    engine = Engine(replace(settings, max_waiting_jobs=1))
    try:
        running = engine.submit(long_wav, engine="onnx-int8")
        wait_for(lambda: running.progress.position_s > 0)
        waiting = engine.submit(long_wav, engine="onnx-int8")
        stream = engine.open_stream(MONO, engine="onnx")
        time.sleep(0.2)
        assert not stream.ready.done()
        waiting.cancel()
        running.cancel()
        assert stream.ready.result(DEADLINE_S).engine == "onnx"
    finally:
        engine.close()


def test_no_engine_outlives_its_stream_and_this_process_stays_light(root, model_dir):
    code = (
        "import sys\n"
        "from webui.audio.pcm import PcmFormat\n"
        "from webui.engine import Engine\n"
        "from webui.settings import Settings\n"
        "if __name__ == '__main__':\n"
        "    engine = Engine(Settings.from_environment())\n"
        "    stream = engine.open_stream(PcmFormat(48000, 2), engine='onnx')\n"
        "    stream.feed(bytes(100_000)).result()\n"
        "    heavy = {'torch', 'funasr', 'onnxruntime', 'av'} & sys.modules.keys()\n"
        "    print(engine.status().pid, *heavy)\n"
        "    sys.stdout.flush()\n"
        "    import os; os._exit(0)\n"  # as if it were killed
    )
    environment = {**os.environ, "FSMN_VAD_MODEL_DIR": str(model_dir), "PYTHONPATH": str(root)}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        check=True,
        timeout=120,
        capture_output=True,
        text=True,
    )
    (pid,) = run.stdout.split()
    wait_for(lambda: not psutil.pid_exists(int(pid)))


def test_dynamic_silence_and_splits_are_decided_alike_in_a_stream(engine, samples):
    options = VadOptions(dynamic_silence=True, split_capped=True, max_single_segment_time=3000)
    with engine.open_stream(MONO, engine="onnx") as stream:
        futures = [stream.feed(piece) for piece in pieces_of(samples.tobytes(), 333)]
        scored = gathered([*futures, stream.finish()])
    decider, endpointer = Decider(options), Endpointer(options)
    events = [event for step in scored for event in decider.feed(step.probabilities)]
    events += decider.flush(len(samples))
    wanted = endpointer.feed(np.concatenate([step.probabilities for step in scored]))
    wanted += endpointer.flush(len(samples))
    assert [event.segment for event in events if event.segment is not None] == wanted
