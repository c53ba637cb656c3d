"""Nothing piles up, and nobody waits for ever, whoever is slow, stuck, gone or dead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from webui.audio.pcm import PcmFormat
from webui.errors import EngineCrashedError, StudioError
from webui.live.protocol import Resume, Tune
from webui.live.runner import Outlet, Runner
from webui.live.session import LiveSession, Step, Told
from webui.stream_errors import StreamElsewhereError, StreamGoneError
from webui.vad.options import VadOptions
from webui.vad.stream import Scored

PCM = PcmFormat(16_000)
PIECE = b"\0" * 320  # one frame


def silence(frames: int) -> Scored:
    return Scored(np.zeros(frames, np.float32), np.zeros((frames, 2), np.int16), 0.25)


class Source:
    """Scores each 10 ms as silence, at once; or fails."""

    def __init__(self) -> None:
        self.receipt = None
        self.state_bytes = 0
        self.fed_bytes = 0
        self.error: StudioError | None = None
        self.is_over = False
        self.largest_bytes = 0
        self.waiting: list[Future[Scored]] | None = None  # answers that a test gives itself
        self.is_closed = False

    def feed(self, data: bytes) -> Future[Scored]:
        if self.is_over and self.error is not None:
            raise self.error
        self.fed_bytes += len(data)
        self.largest_bytes = max(self.largest_bytes, len(data))
        answer: Future[Scored] = Future()
        if self.error is not None:
            answer.set_exception(self.error)
        elif self.waiting is not None:
            self.waiting.append(answer)
        else:
            answer.set_result(silence(len(data) // 320))
        return answer

    def finish(self) -> Future[Scored]:
        answer: Future[Scored] = Future()
        answer.set_result(silence(1))
        return answer

    def close(self) -> None:
        self.is_closed = True


class Live:
    def __init__(self, pcm: PcmFormat = PCM) -> None:
        self.source = Source()
        self.session = LiveSession(self.source, pcm, VadOptions(), with_frames=True)
        self.saved: list[bool] = []
        self.may_save = asyncio.Event()
        self.may_save.set()
        self.over = False
        self.runner = Runner(self.session, 10**9, "en", self.save, self.be_over)

    async def save(self, session: LiveSession, is_whole: bool) -> Told:
        self.saved.append(is_whole)
        await self.may_save.wait()
        return {"result": "kept", "from_ms": 0}

    def be_over(self, runner: Runner) -> None:
        self.over = True

    async def attached(self) -> Outlet:
        outlet = Outlet()
        await self.runner.attach(outlet, lambda: {"type": "ready"}, None)
        assert await outlet.get() == {"type": "ready"}
        return outlet


def run(test: Callable[[Live], Coroutine[Any, Any, None]], pcm: PcmFormat = PCM) -> None:
    async def within() -> None:
        live = Live(pcm)
        await asyncio.wait_for(test(live), 30)
        if not live.over:
            await live.runner.close()
        assert live.source.is_closed

    asyncio.run(within())


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(2000):
        await asyncio.sleep(0)


async def drained(outlet: Outlet) -> list[Told]:
    told = []
    while (message := await outlet.get()) is not None:
        told.append(message)
    return told


def test_client_that_reads_nothing_holds_up_only_its_own_input() -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        frames = 1000

        async def send() -> None:
            for _ in range(frames):
                await live.runner.feed(outlet, PIECE)
            await live.runner.end("stop")

        sending = asyncio.create_task(send())
        await settle()
        held = live.source.fed_bytes
        await settle()
        assert not sending.done()
        assert live.source.fed_bytes == held < 100 * len(PIECE)
        told = await drained(outlet)
        await sending
        speech = [value for m in told if m["type"] == "frames" for value in m["speech"]]
        assert len(speech) == frames + 1
        assert told[-1]["type"] == "end" and told[-1]["reason"] == "stop"

    run(test)


def test_client_that_is_stuck_is_cut_off_when_its_stream_ends() -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        sending = asyncio.create_task(live.runner.feed(outlet, PIECE * 8))
        sendings = [asyncio.create_task(live.runner.feed(outlet, PIECE)) for _ in range(200)]
        await settle()
        assert outlet.is_stuck
        await live.runner.end("idle")
        await settle()
        assert live.over and live.saved == [True]
        await asyncio.wait_for(outlet.wait_closed(), 5)
        for each in (sending, *sendings):
            each.cancel()
        await asyncio.gather(sending, *sendings, return_exceptions=True)

    run(test)


def test_client_that_gets_stuck_on_the_last_words() -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        await live.runner.feed(outlet, PIECE)
        await live.runner.end("stop")
        outlet.preload([{"type": "received"}] * 64)
        await settle()
        assert not live.over
        await live.runner.end("idle")
        await settle()
        assert live.over and live.runner.ended is not None
        assert live.runner.ended.message["reason"] == "stop"

    run(test)


def test_engine_that_cannot_go_on_ends_the_stream_and_saves_what_there_is() -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        await live.runner.feed(outlet, PIECE)
        live.source.error = EngineCrashedError(reason="killed", reason_zh="被杀")
        await live.runner.feed(outlet, PIECE)
        told = await drained(outlet)
        assert told[-1]["code"] == "engine_crashed" and told[-1]["fatal"]
        assert told[-1]["result"] == "kept" and live.saved == [False]
        assert outlet.code == 1011 and live.over
        later = Outlet()
        await live.runner.attach(later, lambda: {"type": "ready"}, None)
        assert await drained(later) == told[-1:]
        with pytest.raises(StreamGoneError):
            await live.runner.feed(later, PIECE)

    run(test)


@pytest.mark.parametrize("refuses_at_once", [False, True])
def test_who_sends_on_while_the_stream_fails_is_told_why_and_what_was_saved(
    refuses_at_once: bool,
) -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        live.may_save.clear()
        live.source.error = EngineCrashedError(reason="killed", reason_zh="被杀")
        live.source.is_over = refuses_at_once
        await live.runner.feed(outlet, PIECE)
        await settle()
        assert live.saved == [False] and not live.over
        for _ in range(20):
            await live.runner.feed(outlet, PIECE)
            await live.runner.tune(outlet, Tune(VadOptions()))
        live.may_save.set()
        told = await drained(outlet)
        assert told == [told[-1]]
        assert (told[-1]["code"], told[-1]["result"]) == ("engine_crashed", "kept")
        assert live.session.received_bytes == (0 if refuses_at_once else len(PIECE))

    run(test)


def test_sound_that_comes_after_the_end_is_dropped_and_the_end_told() -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        live.may_save.clear()
        await live.runner.feed(outlet, PIECE)
        await live.runner.end("idle")
        await live.runner.feed(outlet, PIECE)
        live.may_save.set()
        told = await drained(outlet)
        assert (told[-1]["type"], told[-1]["reason"]) == ("end", "idle")
        assert live.source.fed_bytes == len(PIECE)

    run(test)


def test_what_waits_for_the_engine_arrived_when_it_came_and_is_not_idle() -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        live.source.waiting = waiting = []
        arrived_s: list[float] = []
        feed = live.session.feed

        def noting(data: bytes, at_s: float) -> Step:
            arrived_s.append(at_s)
            return feed(data, at_s)

        live.session.feed = noting  # type: ignore[method-assign]
        sending = [asyncio.create_task(live.runner.feed(outlet, PIECE)) for _ in range(12)]
        await settle()
        assert len(waiting) < 12
        live.runner.touched_s -= 3600
        assert live.runner.idle_s == 0
        later_s = time.monotonic()
        while waiting:
            waiting.pop(0).set_result(silence(1))
            await settle()
        await asyncio.gather(*sending)
        assert len(arrived_s) == 12 and max(arrived_s) < later_s
        assert 0 < live.runner.idle_s < 3600
        # What the engine has worked, and nothing of the waiting.
        assert live.session.scoring_s == 12 * 0.25

    run(test)


def test_pieces_of_a_slow_format_are_never_more_than_may_wait() -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        await live.runner.feed(outlet, b"\x80" * 200_000)
        await live.runner.end("stop")
        await drained(outlet)
        assert live.source.fed_bytes == 200_000
        assert live.source.largest_bytes == 60_000  # of 600 s

    run(test, PcmFormat(1000, 1, "u8"))


def test_bug_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def test(live: Live) -> None:
        outlet = await live.attached()
        live.session.absorb = None  # type: ignore[assignment, method-assign]
        await live.runner.feed(outlet, PIECE)
        told = await drained(outlet)
        assert told[-1]["code"] == "engine" and "TypeError" in told[-1]["message"]

    run(test)
    assert "a live stream failed" in caplog.text


def test_piece_on_its_way_in_when_its_sender_is_cut_off_is_counted_and_scored() -> None:
    async def test(live: Live) -> None:
        first = await live.attached()
        feeding = asyncio.create_task(live.runner.feed(first, PIECE * 10))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        feeding.cancel()
        second = await live.attached()
        taken = live.session.received_bytes
        await live.runner.feed(second, PIECE * 3)
        with pytest.raises(StreamElsewhereError):
            await live.runner.feed(first, PIECE)
        with pytest.raises(StreamElsewhereError):
            await live.runner.tune(first, Tune(VadOptions()))
        with pytest.raises(StreamElsewhereError):
            await live.runner.end("stop", first)
        await settle()
        assert live.saved == []
        await live.runner.end("stop", second)
        await drained(second)
        assert live.source.fed_bytes == live.session.received_bytes == taken + 3 * 320
        assert live.runner.ended is not None
        assert live.runner.ended.message["duration_ms"] == taken // 32 + 30

    run(test)


def test_what_was_missed_is_told_first_and_made_bit_by_bit() -> None:
    async def test(live: Live) -> None:
        made: list[int] = []

        def missed(resume: Resume) -> Iterator[Told]:
            for number in range(100):
                made.append(number)
                yield {"type": "frames", "number": number}

        live.session.missed = missed  # type: ignore[method-assign]
        outlet = Outlet()
        await live.runner.attach(outlet, lambda: {"type": "ready"}, Resume("stream", "key"))
        await live.runner.feed(outlet, PIECE)
        await settle()
        assert made == []
        assert await outlet.get() == {"type": "ready"}
        assert [(await outlet.get() or {})["number"] for _ in range(3)] == made == [0, 1, 2]
        await live.runner.end("stop", outlet)
        told = await drained(outlet)
        assert [m["number"] for m in told[:97]] == list(range(3, 100))
        assert told[97]["first"] == 0 and told[-1]["type"] == "end"

    run(test)
