"""Clients that leave without "stop", and those that are sent away: nothing is held for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from tests.live.server import Server, connected, demo, pieces, serving, wait_for


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Server]:
    # Far longer than a test waits: what ends here does not end because nothing comes.
    with serving(tmp_path_factory.mktemp("leaving"), model_dir, stream_idle_s=600.0) as server:
        yield server


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    return demo(seconds=4)


async def ended(server: Server) -> None:
    """Wait until no stream runs."""
    await asyncio.to_thread(wait_for, lambda: not server.studio.lives._open, 20)


@pytest.mark.parametrize(("code", "reads"), [(1000, True), (1001, True), (1000, False)])
def test_closing_ends_the_stream_and_saves_it(
    server: Server, talk: np.ndarray, code: int, reads: bool
) -> None:
    async def run() -> None:
        async with connected(server) as client:
            ready = await client.start(keep=True, frames=True)
            hearing = asyncio.create_task(client.hear_all()) if reads else None
            for piece in pieces(talk.tobytes(), most=2000):
                await client.socket.send(piece)
            await client.socket.close(code)
            if hearing is not None:
                await hearing
        await ended(server)
        async with connected(server) as client:
            await client.say(type="resume", stream=ready["stream"], key=ready["key"])
            end = await client.hear("end")
        assert end["reason"] == "closed"
        assert end["duration_ms"] == 4000  # all that was sent
        entry = server.studio.cache.get(end["result"])
        assert entry is not None and entry.scores.duration_ms == 4000

    asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize(
    ("sent", "closes"), [("nonsense", 1008), (bytes(2**20 + 1), 1009), (bytes(5 * 2**20), 1009)]
)
def test_fatal_error_ends_the_stream_and_saves_it(
    server: Server, talk: np.ndarray, sent: str | bytes, closes: int
) -> None:
    async def run() -> None:
        async with connected(server) as client:
            ready = await client.start(keep=True)
            await client.socket.send(talk.tobytes())
            # What has arrived is kept; a message too large ends the connection at once.
            await client.hear("speech_start")
            with contextlib.suppress(ConnectionClosed):  # it is cut off within the largest one
                await client.socket.send(sent)
            await client.hear_all()
            assert client.socket.close_code == closes
        await ended(server)
        async with connected(server) as client:
            await client.say(type="resume", stream=ready["stream"], key=ready["key"])
            end = await client.hear("end")
        assert end["reason"] == "refused"
        assert server.studio.cache.get(end["result"]) is not None

    asyncio.run(asyncio.wait_for(run(), 30))


def test_connection_that_was_taken_over_ends_nothing(server: Server, talk: np.ndarray) -> None:
    async def run() -> None:
        async with connected(server) as first, connected(server) as second:
            ready = await first.start()
            resume = {"stream": ready["stream"], "key": ready["key"]}
            await second.say(type="resume", **resume)
            await second.hear("ready")
            await first.hear("error")
            await first.socket.close(1000)
            await second.socket.send(talk.tobytes())
            await second.say(type="stop")
            end = await second.hear("end")
            assert (end["reason"], end["duration_ms"]) == ("stop", 4000)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_lost_connection_waits(server: Server, talk: np.ndarray) -> None:
    async def run() -> None:
        async with connected(server) as client:
            ready = await client.start()
            await client.socket.send(talk.tobytes())
            await client.hear("speech_start")
            client.socket.transport.abort()
        async with connected(server) as client:
            await client.say(type="resume", stream=ready["stream"], key=ready["key"])
            assert (await client.hear("ready"))["received_bytes"] == 2 * len(talk)
            await client.say(type="stop")
            assert (await client.hear("end"))["reason"] == "stop"

    asyncio.run(asyncio.wait_for(run(), 60))
