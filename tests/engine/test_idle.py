"""A model that nobody needs is unloaded by itself, and loaded again for whoever comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from webui.audio.pcm import PcmFormat
from webui.engine import Engine
from webui.settings import Settings

SOON_S = 0.5


def wait_for(condition: Callable[[], bool], most_s: float = 60) -> None:
    give_up = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.fixture
def make(model_dir: Path) -> Iterator[Callable[[float], Engine]]:
    made = []

    def make(idle_unload_s: float) -> Engine:
        settings = Settings(engine="onnx", model_dir=model_dir, idle_unload_s=idle_unload_s)
        made.append(Engine(replace(settings)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def test_an_idle_model_is_unloaded_and_comes_back(
    make: Callable[[float], Engine], root: Path
) -> None:
    engine = make(SOON_S)
    assert engine.load("onnx").result().state == "ready"
    pid = engine.status().pid
    assert pid is not None
    wait_for(lambda: engine.status().state == "not_loaded")
    wait_for(lambda: not psutil.pid_exists(pid))
    assert engine.status().unload_in_s is None
    tracks = engine.submit(root / "assets/audio/english-clean.flac", engine="onnx").result()
    assert tracks[0].duration_ms > 0


def test_the_time_that_is_left_is_told(make: Callable[[float], Engine]) -> None:
    engine = make(1000)
    status = engine.load("onnx").result()
    # The job that loads it is still the one that runs when it tells.
    left_s = engine.status().unload_in_s
    assert status.state == "ready" and left_s is not None and 900 < left_s <= 1000


def test_zero_means_never(make: Callable[[float], Engine]) -> None:
    engine = make(0)
    engine.load("onnx").result()
    assert engine.status().unload_in_s is None
    assert engine._until_unload_s() is None


def test_a_live_stream_keeps_the_model(make: Callable[[float], Engine]) -> None:
    engine = make(SOON_S)
    stream = engine.open_stream(PcmFormat(16_000), engine="onnx")
    stream.feed(bytes(32_000)).result(60)
    pid = engine.status().pid
    time.sleep(3 * SOON_S)
    assert engine.status().pid == pid and engine.status().unload_in_s is None
    stream.close()
    wait_for(lambda: engine.status().state == "not_loaded")
