"""The processes that draw: served in turn, bounded, replaced when they end, gone when unwanted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.audio.recordings import RATE_HZ, encode, read, sweep
from webui.engine import spectrograms as module
from webui.engine.spectrograms import Drawing, Order, Spectrograms
from webui.errors import AudioError, EngineBusyError, FileMissingError
from webui.vad.spectrogram import Part, Scale, draw, samples_of

PART = Part(2000, 6000, 200)
SCALE = Scale(5.0, 25.0)
DEADLINE_S = 60


@pytest.fixture
def order(tmp_path: Path) -> Order:
    path = encode(tmp_path / "a.flac", sweep(10)[np.newaxis], RATE_HZ, "flac")
    return Order(path, read(path)[1], PART, SCALE)


@pytest.fixture
def spectrograms() -> Iterator[Spectrograms]:
    spectrograms = Spectrograms(30)
    yield spectrograms
    spectrograms.close()


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())
    ]


def drawn(drawing: Drawing) -> bytes:
    return drawing.picture.result(DEADLINE_S)


def wait_until_no_child() -> None:
    deadline = time.monotonic() + DEADLINE_S
    while children():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def waiting_order(order: Order) -> Order:
    """An order that is never done: opening a pipe waits for somebody who writes."""
    pipe = order.path.with_name("pipe.wav")
    os.mkfifo(pipe)
    return replace(order, path=pipe)


def test_what_is_drawn_is_the_picture(spectrograms: Spectrograms, order: Order) -> None:
    samples, _ = read(order.path)
    first, count = samples_of(PART, len(samples))
    wanted = draw(PART, len(samples), samples[first : first + count], SCALE)
    assert drawn(spectrograms.draw(order)) == wanted
    before = [child.pid for child in children()]
    assert drawn(spectrograms.draw(order)) == wanted
    # The same process has served both.
    assert [child.pid for child in children()] == before and len(before) == 1


def test_many_orders_take_two_processes(spectrograms: Spectrograms, order: Order) -> None:
    parts = [Part(at, at + 1000, 100) for at in range(0, 9000, 1000)]
    drawings = [spectrograms.draw(replace(order, part=part)) for part in parts]
    pictures = [drawn(drawing) for drawing in drawings]
    assert len(set(pictures)) == len(parts)
    assert 1 <= len(children()) <= 2


def test_orders_that_come_together_are_done_by_one_process(
    spectrograms: Spectrograms, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It takes longer to start another one.
    monkeypatch.setattr(module, "_PATIENCE_S", DEADLINE_S)
    for drawing in [spectrograms.draw(order) for _ in range(5)]:
        assert drawn(drawing)
    assert len(children()) == 1


def test_a_recording_that_cannot_be_read_is_told_and_harms_nobody(
    spectrograms: Spectrograms, order: Order
) -> None:
    with pytest.raises(FileMissingError):
        drawn(spectrograms.draw(replace(order, path=order.path.with_name("gone.wav"))))
    fake = order.path.with_name("fake.wav")
    fake.write_bytes(b"no sound at all " * 1000)
    with pytest.raises(AudioError):
        drawn(spectrograms.draw(replace(order, path=fake)))
    assert drawn(spectrograms.draw(order))
    assert len(children()) == 1


def test_a_process_that_ended_is_replaced(spectrograms: Spectrograms, order: Order) -> None:
    wanted = drawn(spectrograms.draw(order))
    [first] = children()
    os.kill(first.pid, signal.SIGKILL)
    assert drawn(spectrograms.draw(order)) == wanted
    assert first.pid not in [child.pid for child in children()]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
class TestUnderway:
    """With an order that is never done."""

    def test_whoever_hangs_is_ended(self, order: Order) -> None:
        spectrograms = Spectrograms(1.0)
        try:
            with pytest.raises(AudioError, match="does not go on"):
                drawn(spectrograms.draw(waiting_order(order)))
            wait_until_no_child()
        finally:
            spectrograms.close()

    def test_what_nobody_waits_for_ends(self, spectrograms: Spectrograms, order: Order) -> None:
        stuck = spectrograms.draw(waiting_order(order))
        deadline = time.monotonic() + DEADLINE_S
        while not children():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        stuck.drop()
        with pytest.raises(AudioError):
            drawn(stuck)
        wait_until_no_child()
        assert drawn(spectrograms.draw(order))

    def test_one_slow_recording_does_not_keep_others_waiting(
        self, spectrograms: Spectrograms, order: Order
    ) -> None:
        stuck = spectrograms.draw(waiting_order(order))
        assert drawn(spectrograms.draw(order))
        assert not stuck.picture.done()
        stuck.drop()

    def test_there_is_an_end_to_the_queue(
        self, spectrograms: Spectrograms, order: Order, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_MOST_WAITING", 3)
        stuck = waiting_order(order)
        drawings = [spectrograms.draw(stuck) for _ in range(5)]
        with pytest.raises(EngineBusyError):
            spectrograms.draw(order)
        for drawing in drawings:
            drawing.drop()
        for drawing in drawings:
            assert isinstance(drawing.picture.exception(DEADLINE_S), AudioError)
        assert drawn(spectrograms.draw(order))

    def test_closing_ends_all(self, order: Order) -> None:
        spectrograms = Spectrograms(30)
        stuck = spectrograms.draw(waiting_order(order))
        spectrograms.close()
        assert isinstance(stuck.picture.exception(0), AudioError)
        assert not children()
        with pytest.raises(EngineBusyError):
            spectrograms.draw(order)


def test_a_process_of_which_nothing_is_asked_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = multiprocessing.Pipe()
    monkeypatch.setattr(module, "_IDLE_S", 0.1)
    monkeypatch.setattr(os, "nice", lambda by: 0, raising=False)
    before = signal.getsignal(signal.SIGINT)
    try:
        module._work(theirs)  # comes back
    finally:
        signal.signal(signal.SIGINT, before)
        theirs.close()
        ours.close()


def test_nothing_is_left_of_a_process_that_has_ended(
    spectrograms: Spectrograms, order: Order
) -> None:
    drawn(spectrograms.draw(order))
    [child] = children()
    os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_S
    while child.pid in [each.pid for each in psutil.Process().children()]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        spectrograms.sweep()
    assert drawn(spectrograms.draw(order))


def test_no_process_is_told_and_the_next_order_is_served(
    order: Order, spectrograms: Spectrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_Drawer", refused)
        with pytest.raises(AudioError, match="could not start a process") as caught:
            drawn(spectrograms.draw(order))
    assert "启动进程" in caught.value.message("zh")
    assert drawn(spectrograms.draw(order))
