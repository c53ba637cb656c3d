"""Live streams over a real WebSocket, with the real engine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.live.server import (
    Server,
    as_dicts,
    check_order,
    connected,
    demo,
    ends,
    pieces,
    serving,
    write_wav,
)
from webui.vad import Detector, VadOptions
from webui.vad.scores import SpeechScores
from webui.vad.stream import Decider


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("live"), model_dir) as server:
        yield server


@pytest.fixture(scope="module")
def detector(model_dir: Path) -> Detector:
    return Detector("onnx", model_directory=model_dir)


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    return demo()


@pytest.fixture(scope="module")
def offline(
    talk: np.ndarray, detector: Detector, tmp_path_factory: pytest.TempPathFactory
) -> SpeechScores:
    return detector.score(write_wav(tmp_path_factory.mktemp("wav") / "talk.wav", 16_000, talk))


async def streamed(server: Server, data: bytes, **start: Any) -> list[dict[str, Any]]:
    """All that a client is told of a stream that is sent at once."""
    async with connected(server) as client:
        await client.start(**start)
        hearing = asyncio.create_task(client.hear_all())
        for piece in pieces(data):
            await client.socket.send(piece)
        await client.say(type="stop")
        told = await hearing
        assert client.socket.close_code == 1000
        return told


@pytest.mark.parametrize(
    ("rate_hz", "channels", "sample_format"),
    [(16_000, 1, "s16le"), (48_000, 1, "s16le"), (44_100, 2, "f32le"), (8_000, 1, "u8")],
)
def test_events_are_the_segments_of_the_recording(
    server: Server,
    talk: np.ndarray,
    detector: Detector,
    tmp_path: Path,
    rate_hz: int,
    channels: int,
    sample_format: str,
) -> None:
    options = VadOptions(max_end_silence_time=400, min_pause_ms=100, pad_end_ms=50)
    places = np.arange(len(talk) * rate_hz // 16_000) * 16_000 / rate_hz
    mono = np.interp(places, np.arange(len(talk)), talk.astype(np.float64))
    rows = np.stack([np.rint(mono * (1 - 0.3 * row)) for row in range(channels)], axis=1)
    if sample_format == "u8":
        rows = np.rint(rows / 256) * 256
        data = (rows / 256 + 128).astype(np.uint8).tobytes()
    elif sample_format == "f32le":
        data = (rows / 32_768).astype("<f4").tobytes()
    else:
        data = rows.astype("<i2").tobytes()
    path = write_wav(tmp_path / "same.wav", rate_hz, rows.astype("<i2"))
    expected = detector.score(path)
    told = asyncio.run(
        streamed(
            server,
            data,
            rate_hz=rate_hz,
            channels=channels,
            sample_format=sample_format,
            frames=True,
            options=options.as_dict(),
        )
    )
    check_order(told)
    assert ends(told) == as_dicts(expected.segments(options))
    assert told[-1] == {
        "type": "end",
        "duration_ms": len(rows) * 1000 // rate_hz,
        "segments": len(expected.segments(options)),
        "reason": "stop",
        "result": None,
        "from_ms": 0,
    }
    frames = [message for message in told if message["type"] == "frames"]
    assert [m["first"] for m in frames] == np.cumsum(
        [0, *(len(m["speech"]) for m in frames[:-1])]
    ).tolist()
    speech = np.concatenate([m["speech"] for m in frames])
    np.testing.assert_allclose(speech, expected.probabilities, atol=6e-4)
    peaks = np.concatenate([m["peaks"] for m in frames]).reshape(-1, 2)
    np.testing.assert_array_equal(peaks, expected.peaks.values)
    assert frames[-1]["received_bytes"] == len(data)


def test_delays_are_what_they_say(server: Server, talk: np.ndarray) -> None:
    told = asyncio.run(streamed(server, talk.tobytes(), rate_hz=16_000))
    events = [message for message in told if message["type"].startswith("speech")]
    assert len(events) == 8
    for event in events:
        boundary_ms = event.get("end_ms", event["start_ms"])
        assert event["possible_after_ms"] == event["possible_ms"] - boundary_ms > 0
        assert event["possible_ms"] <= event["received_ms"]
        assert event["made_after_ms"] >= event["received_ms"] - boundary_ms


def test_lost_connections_lose_and_double_nothing(
    server: Server, talk: np.ndarray, offline: SpeechScores
) -> None:
    data = talk.tobytes()
    random = np.random.default_rng(5)

    async def run() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        number = frame = sent = 0
        ready: dict[str, Any] = {}
        while True:
            async with connected(server) as client:
                if not ready:
                    ready = await client.start(frames=True)
                else:
                    await client.say(
                        type="resume",
                        stream=ready["stream"],
                        key=ready["key"],
                        events=number,
                        frames=frame,
                    )
                    ready = await client.hear("ready")
                client.told.clear()
                at = ready["received_bytes"]
                assert at <= sent
                until = min(len(data), at + int(random.integers(1, 120_000)))
                sent = max(sent, until)
                hearing = asyncio.create_task(client.hear_all())
                for piece in pieces(data[at:until], seed=at, most=9000):
                    await client.socket.send(piece)
                    await asyncio.sleep(0)
                if until == len(data):
                    await client.say(type="stop")
                    await hearing
                    return told + client.told
                await asyncio.sleep(float(random.uniform(0, 0.02)))
                client.socket.transport.abort()
                await asyncio.gather(hearing, return_exceptions=True)
                told += client.told
                numbers = [m["number"] for m in told if "number" in m]
                number = max(numbers, default=0)
                frame = max(
                    (m["first"] + len(m["speech"]) for m in told if m["type"] == "frames"),
                    default=0,
                )

    told = asyncio.run(run())
    check_order(told)
    assert ends(told) == as_dicts(offline.segments())
    probabilities = np.full(len(offline.probabilities), -1.0)
    peaks = np.zeros_like(offline.peaks.values)
    for message in told:
        if message["type"] == "frames":
            first, speech = message["first"], message["speech"]
            assert (probabilities[first : first + len(speech)] == -1).all()
            probabilities[first : first + len(speech)] = speech
            rows = np.reshape(message["peaks"], (-1, 2))
            peaks[message["first_peak"] : message["first_peak"] + len(rows)] = rows
    np.testing.assert_allclose(probabilities, offline.probabilities, atol=6e-4)
    np.testing.assert_array_equal(peaks, offline.peaks.values)


def test_engine_killed_in_mid_stream(
    server: Server, talk: np.ndarray, offline: SpeechScores
) -> None:
    async def run() -> list[dict[str, Any]]:
        async with connected(server) as client:
            await client.start()
            hearing = asyncio.create_task(client.hear_all())
            for number, piece in enumerate(pieces(talk.tobytes(), seed=3)):
                await client.socket.send(piece)
                if number % 20 == 10:
                    pid = server.studio.engine.status().pid
                    if pid is not None:
                        os.kill(pid, signal.SIGKILL)
            await client.say(type="stop")
            return await hearing

    told = asyncio.run(run())
    check_order(told)
    assert ends(told) == as_dicts(offline.segments())


def test_another_connection_takes_the_stream_over(
    server: Server, talk: np.ndarray, offline: SpeechScores
) -> None:
    data = talk.tobytes()

    async def run() -> None:
        async with connected(server) as first, connected(server) as second:
            ready = await first.start(language="zh")
            await first.socket.send(data[:100_001])
            hearing = asyncio.create_task(first.hear_all())
            stream, key = ready["stream"], ready["key"]
            for wrong in ({"key": "x"}, {"stream": "x"}):
                async with connected(server) as other:
                    named = {"type": "resume", "stream": stream, "key": key, **wrong}
                    await other.say(**named)
                    assert (await other.hear("error"))["code"] == "stream_gone"
            await second.say(type="resume", stream=stream, key=key, events=0)
            ready = await second.hear("ready")
            told = (await hearing)[-1]
            assert (told["code"], first.socket.close_code) == ("stream_elsewhere", 1008)
            assert told["message"] == "另一个连接已接管这个实时流。"
            await second.socket.send(data[ready["received_bytes"] :])
            await second.say(type="stop")
            told_all = await second.hear_all()
            # What only the first one has heard is told again.
            assert ends(told_all) == as_dicts(offline.segments())

    asyncio.run(run())


@pytest.mark.parametrize("past", [False, True])
def test_tuning_acts_on_what_follows_or_on_all(
    server: Server, talk: np.ndarray, offline: SpeechScores, past: bool
) -> None:
    data = talk.tobytes()
    cut = len(data) * 2 // 3
    options = VadOptions(max_end_silence_time=300, speech_noise_thres=0.7)

    async def run() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        async with connected(server) as client:
            await client.start(keep=past)
            await client.socket.send(data[:cut])
            await client.say(type="tune", options=options.as_dict(), past=past)
            tuned = await client.hear("tuned")
            before = ends(client.told)
            client.told.clear()
            await client.socket.send(data[cut:])
            await client.say(type="stop")
            return tuned, before, await client.hear_all()

    tuned, before, after = asyncio.run(run())
    assert tuned["options"] == options.as_dict() and tuned["past"] == past
    usual = as_dicts(offline.segments())
    assert before == usual[: len(before)] and before
    if past:
        assert tuned["from_ms"] == 0
        expected = as_dicts(offline.segments(options))
    else:
        # Whatever ended stays; what comes behind is judged as if it had begun there.
        assert tuned["from_ms"] == before[-1]["end_ms"]
        first = tuned["from_ms"] // 10
        decider = Decider(options, first)
        events = decider.feed(offline.probabilities[first:]) + decider.flush(offline.audio.samples)
        expected = as_dicts(event.segment for event in events)
    assert len(expected) > 3
    assert tuned["segments"] + ends(after) == expected
    started = [m["start_ms"] for m in after if m["type"] == "speech_start"]
    open_ms = [tuned["open_since_ms"]] if tuned["open_since_ms"] is not None else []
    assert open_ms + started == [segment["start_ms"] for segment in ends(after)]
    count = len(expected) + (0 if past else len(before))
    assert after[-1]["segments"] == count


def test_options_that_contradict_each_other_end_no_stream(
    server: Server, talk: np.ndarray, offline: SpeechScores
) -> None:
    async def run() -> list[dict[str, Any]]:
        async with connected(server) as client:
            await client.start()
            await client.say(type="tune", options={"window_size_ms": 100})
            told = await client.hear("error")
            assert (told["code"], told["fatal"]) == ("options", False)
            await client.socket.send(talk.tobytes())
            await client.say(type="stop")
            return await client.hear_all()

    assert ends(asyncio.run(run())) == as_dicts(offline.segments())


def test_missed_tuning_restates_everything(
    server: Server, talk: np.ndarray, offline: SpeechScores
) -> None:
    data = talk.tobytes()
    options = VadOptions(max_end_silence_time=300)

    async def run() -> None:
        async with connected(server) as client:
            ready = await client.start(keep=True)
            await client.socket.send(data)
            await client.say(type="tune", options=options.as_dict(), past=True)
            await client.hear("tuned")
            client.socket.transport.abort()
        named = {"type": "resume", "stream": ready["stream"], "key": ready["key"]}
        async with connected(server) as client:
            await client.say(**named, events=1)
            assert (await client.hear("ready"))["options"] == options.as_dict()
            told = await client.hear("tuned")
            assert told["from_ms"] == 0 and told["open_since_ms"] is None
            assert told["segments"] == as_dicts(offline.segments(options))[:10]
            client.socket.transport.abort()
        async with connected(server) as client:
            await client.say(**named, events=told["number"])
            await client.hear("ready")
            await client.say(type="stop")
            last = (await client.hear_all())[-1]
            assert last["segments"] == len(told["segments"])

    asyncio.run(run())


def test_clients_that_leave_while_the_model_loads(
    server: Server, talk: np.ndarray, offline: SpeechScores
) -> None:
    server.studio.engine.unload()

    async def run() -> list[dict[str, Any]]:
        async with connected(server) as client:
            await client.say(type="start", rate_hz=16_000)
            told = await client.hear("loading")
            assert told["text"] and told["stage"]
            client.socket.transport.abort()
        return await streamed(server, talk.tobytes(), rate_hz=16_000)

    assert ends(asyncio.run(run())) == as_dicts(offline.segments())
    # Neither of them holds the model any more.
    server.studio.engine.unload()
    assert server.studio.engine.status().state == "not_loaded"
