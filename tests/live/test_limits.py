"""What a server of live streams does not take, and what it says of that."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.live.server import (
    Server,
    as_dicts,
    connected,
    demo,
    ends,
    refused,
    serving,
    wait_for,
    write_wav,
)
from webui.live.protocol import MOST_BINARY_BYTES
from webui.ui.streaming import MAX_FRAME_BYTES
from webui.vad import Detector

BYTES_PER_S = 64_000
START = json.dumps({"type": "start", "rate_hz": 16_000})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("limits")
    limits = {"stream_bytes_per_s": BYTES_PER_S, "stream_idle_s": 0.8}
    with serving(directory, model_dir, **limits) as server:
        yield server


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    return demo(seconds=7)


@pytest.mark.parametrize(
    ("sent", "code", "closes"),
    [
        ([b"\0\0"], "stream_message", 1008),
        ([b""], "stream_message", 1008),
        (["{"], "stream_message", 1008),
        (["[" * 60_000], "stream_message", 1008),
        (["x" * 70_000], "stream_size", 1009),
        (['{"type":"stop"}'], "stream_message", 1008),
        (['{"type":"tune","options":{}}'], "stream_message", 1008),
        (['{"type":"resume","stream":"a","key":"b"}'], "stream_gone", 1008),
        (['{"type":"resume","stream":"语","key":"语"}'], "stream_gone", 1008),
        (['{"type":"start","rate_hz":5}'], "pcm_format", 1008),
        (['{"type":"start","rate_hz":16000,"engine":"sphinx"}'], "settings", 1008),
        (['{"type":"start","rate_hz":48000,"channels":2}'], "stream_rate", 1008),
        (['{"type":"start","rate_hz":16000,"options":{"a":1}}'], "options", 1008),
        ([START, START], "stream_message", 1008),
        ([START, '{"type":"resume","stream":"a","key":"b"}'], "stream_message", 1008),
        ([START, "{"], "stream_message", 1008),
        ([START, b"\0" * (MOST_BINARY_BYTES + 1)], "stream_size", 1009),
    ],
)
def test_what_is_refused_is_told(server: Server, sent: Any, code: str, closes: int) -> None:
    told, closed = asyncio.run(refused(server, *sent))
    assert (told["type"], told["code"], told["fatal"], closed) == ("error", code, True, closes)
    assert told["message"]
    wait_for(lambda: not server.files())


def test_errors_are_told_in_the_language_of_the_stream(server: Server) -> None:
    zh = '{"type":"start","rate_hz":1,"language":"zh"}'
    told, _ = asyncio.run(refused(server, zh))
    assert re.search("[\u4e00-\u9fff]", told["message"])

    async def by_header() -> str:
        headers = {"Accept-Language": "zh-CN"}
        async with connected(server, additional_headers=headers) as client:
            await client.socket.send("{")
            message: str = (await client.hear("error"))["message"]
            return message

    assert re.search("[\u4e00-\u9fff]", asyncio.run(by_header()))


def test_what_is_far_too_large_is_not_even_read(server: Server) -> None:
    async def run() -> None:
        async with connected(server) as client:
            ready = await client.start()
            # It is refused while it still comes in.
            with contextlib.suppress(ConnectionClosedError):
                await client.socket.send(b"\0" * (MAX_FRAME_BYTES + 1))
            await client.hear_all()
            assert client.socket.close_code in (1009, 1006)
        async with connected(server) as client:
            # No key at all, and not even text.
            await client.say(type="resume", stream=ready["stream"], key="\ud800")
            assert (await client.hear("error"))["code"] == "stream_gone"
        async with connected(server) as client:
            # Who errs ends the stream: it holds no place and no engine.
            await client.say(type="resume", stream=ready["stream"], key=ready["key"])
            assert (await client.hear_all())[-1]["type"] in ("end", "error")

    asyncio.run(run())


def test_only_so_many_streams(tmp_path: Path, model_dir: Path) -> None:
    async def run(server: Server) -> None:
        async with connected(server) as first, connected(server) as second:
            for client in (first, second):
                await client.start()
            told, closed = await refused(server, START)
            assert (told["code"], closed) == ("streams_full", 1013)
            assert "FSMN_VAD_MAX_STREAMS" in told["message"]
            for client in (first, second):
                await client.say(type="stop")
                await client.hear("end")
        async with connected(server) as client:
            await client.start()
            await client.say(type="stop")
            assert (await client.hear("end"))["segments"] == 0

    with serving(tmp_path, model_dir, max_streams=2) as server:
        asyncio.run(run(server))


def test_only_so_many_connections_that_say_nothing(tmp_path: Path, model_dir: Path) -> None:
    async def run(server: Server) -> None:
        async with contextlib.AsyncExitStack() as stack:
            silent = [await stack.enter_async_context(connected(server)) for _ in range(18)]
            told, closed = await refused(server)
            assert (told["code"], closed) == ("connections_full", 1013)
            assert "18" in told["message"]
            # Who says what it wants makes room for the next one.
            await silent[0].start()
            async with connected(server) as client:
                await client.start()
            await silent[1].socket.close()
            async with connected(server) as client:
                await client.say(type="stop")
                assert (await client.hear("error"))["code"] == "stream_message"

    with serving(tmp_path, model_dir, max_streams=2) as server:
        asyncio.run(run(server))


def test_faster_input_is_held_up_and_not_lost(
    server: Server, talk: np.ndarray, model_dir: Path, tmp_path: Path
) -> None:
    data = talk.tobytes()
    expected = Detector("onnx", model_directory=model_dir).score(
        write_wav(tmp_path / "a.wav", 16_000, talk)
    )

    async def run() -> tuple[float, list[dict[str, Any]]]:
        async with connected(server) as client:
            await client.start()
            began = time.monotonic()
            await client.socket.send(data)
            await client.say(type="stop")
            told = await client.hear_all()
            return time.monotonic() - began, told

    took_s, told = asyncio.run(run())
    assert took_s > len(data) / BYTES_PER_S - 1
    assert ends(told) == as_dicts(expected.segments())
    received = [m["received_bytes"] for m in told if m["type"] == "received"]
    assert received and received == sorted(received) and received[-1] <= len(data)


def test_silent_client_is_ended_with_a_result(server: Server, talk: np.ndarray) -> None:
    async def run() -> dict[str, Any]:
        async with connected(server) as client:
            await client.start(keep=True)
            await client.socket.send(talk[:32_000].tobytes())
            told = await client.hear_all()
            assert client.socket.close_code == 1000
            return told[-1]

    told = asyncio.run(run())
    assert (told["type"], told["reason"], told["duration_ms"]) == ("end", "idle", 2000)
    assert server.studio.cache.get(told["result"]) is not None


def test_lost_client_learns_later_how_its_stream_ended(server: Server, talk: np.ndarray) -> None:
    async def run() -> tuple[dict[str, Any], int | None]:
        async with connected(server) as client:
            ready = await client.start(keep=True)
            await client.socket.send(talk[:32_000].tobytes())
            await asyncio.sleep(0.1)
            client.socket.transport.abort()
        entries = len(server.studio.cache)
        while len(server.studio.cache) == entries:
            await asyncio.sleep(0.02)
        named = {"type": "resume", "stream": ready["stream"], "key": ready["key"]}
        return await refused(server, json.dumps(named))

    told, closed = asyncio.run(run())
    assert (told["type"], told["reason"], closed) == ("end", "idle", 1000)
    assert server.studio.cache.get(told["result"]) is not None


def test_client_that_says_nothing_at_all(server: Server) -> None:
    told, closed = asyncio.run(refused(server))
    assert (told["code"], closed) == ("stream_start", 1008)
    assert told["message"].startswith("No message came for")


def test_pages_of_other_sites_and_other_names_are_turned_away(server: Server) -> None:
    async def opened(**options: Any) -> int:
        try:
            async with connected(server, **options):
                return 101
        except InvalidStatus as error:
            return error.response.status_code

    assert asyncio.run(opened(origin=f"http://{server.netloc}")) == 101
    assert asyncio.run(opened(origin="http://evil.example")) == 403
    headers = {"Host": "evil.example"}
    assert asyncio.run(opened(additional_headers=headers)) in (400, 421)


def test_password(tmp_path: Path, model_dir: Path) -> None:
    with serving(tmp_path, model_dir, password="ann:secret") as server:

        async def run() -> None:
            with pytest.raises(InvalidStatus, match="401"):
                async with connected(server):
                    pass
            signed_in = Server(server.studio, f"ann:secret@{server.netloc}")
            async with connected(signed_in) as client:
                await client.say(type="stop")
                assert (await client.hear("error"))["code"] == "stream_message"

        asyncio.run(run())
