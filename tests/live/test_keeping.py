"""What is kept of a live stream: clips while it runs, and a result like any other after it."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.error
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from tests.live.server import Server, connected, demo, pieces, serving, wait_for
from webui.audio.report import Notice
from webui.ui.i18n import Texts
from webui.ui.tabs.detection import Detection
from webui.vad import Detector, VadOptions
from webui.vad.timebase import frames_in


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("keep"), model_dir) as server:
        yield server


@pytest.fixture(scope="module")
def detector(model_dir: Path) -> Detector:
    return Detector("onnx", model_directory=model_dir)


def get(server: Server, ready: dict[str, Any], **query: Any) -> tuple[int, bytes]:
    named = urlencode({"key": ready["key"], **query})
    address = f"http://{server.netloc}/live/{ready['stream']}/clip.wav?{named}"
    try:
        with urllib.request.urlopen(address) as answer:
            assert answer.headers["content-type"] == "audio/wav"
            assert answer.headers["x-content-type-options"] == "nosniff"
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def raw(rate_hz: int, channels: int, sample_format: str) -> bytes:
    talk = demo(seconds=12).astype(np.float64)
    places = np.arange(len(talk) * rate_hz // 16_000) * 16_000 / rate_hz
    rows = np.stack([np.interp(places, np.arange(len(talk)), talk)] * channels, axis=1)
    if channels > 1:
        rows[:, 1] *= 0.5
    if sample_format == "f32le":
        return (rows / 32_768).astype("<f4").tobytes()
    if sample_format == "s24le":
        wide = np.rint(rows * 256).astype("<i4")
        return wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return np.rint(rows).astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("rate_hz", "channels", "sample_format"),
    [(48_000, 1, "s16le"), (44_100, 2, "f32le"), (16_000, 3, "s24le")],
)
def test_result_is_that_of_the_recording(
    server: Server, detector: Detector, rate_hz: int, channels: int, sample_format: str
) -> None:
    data = raw(rate_hz, channels, sample_format)

    async def run() -> dict[str, Any]:
        async with connected(server) as client:
            await client.start(
                rate_hz, channels=channels, sample_format=sample_format, keep=True, language="zh"
            )
            for piece in pieces(data + b"\1"):  # the last sample does not come whole
                await client.socket.send(piece)
            await client.say(type="stop")
            return await client.hear("end")

    end = asyncio.run(run())
    entry = server.studio.cache.get(end["result"])
    assert entry is not None and end["from_ms"] == 0
    path = entry.recording.path
    assert path.name.startswith("实时录音 ") and path.suffix == ".wav"
    expected = detector.score(path)
    assert entry.scores.audio == expected.audio
    assert entry.scores.receipt == expected.receipt
    np.testing.assert_allclose(entry.scores.probabilities, expected.probabilities, atol=1e-5)
    np.testing.assert_array_equal(entry.scores.peaks.values, expected.peaks.values)
    for options in (VadOptions(), VadOptions(max_end_silence_time=300, min_pause_ms=200)):
        assert entry.scores.segments(options) == expected.segments(options)
    assert len(entry.scores.segments()) == end["segments"] > 0
    stored = path.read_bytes()
    assert stored[len(stored) - len(data) :] == data
    server.studio.runs.settle()
    run = server.studio.runs.history.runs()[0]
    assert (run.source, run.result_id) == ("live", end["result"])
    # The page opens and shows it like any other.
    detection = Detection(server.studio, Texts("en"), "./")
    assert detection.open(f"?r={end['result']}").result_id == end["result"]
    shown = json.loads(
        detection.show(end["result"], list(VadOptions().as_dict().values()))[0] or ""
    )
    assert len(shown["tracks"][0]["rows"]) == end["segments"]


def test_samples_that_are_no_numbers_are_told_as_of_a_file(
    server: Server, detector: Detector
) -> None:
    samples = np.frombuffer(raw(16_000, 2, "f32le"), "<f4").reshape(-1, 2).copy()
    samples[20_000:20_050, 1] = np.nan
    samples[70_000] = np.inf

    async def run() -> dict[str, Any]:
        async with connected(server) as client:
            await client.start(channels=2, sample_format="f32le", keep=True)
            for piece in pieces(samples.tobytes()):
                await client.socket.send(piece)
            await client.say(type="stop")
            return await client.hear("end")

    entry = server.studio.cache.get(asyncio.run(run())["result"])
    assert entry is not None
    assert Notice("non_finite", {"count": 52}) in entry.scores.audio.notices
    assert entry.scores.audio == detector.score(entry.recording.path).audio


def test_clips_are_what_was_sent(server: Server) -> None:
    data = raw(44_100, 2, "s16le")
    frame_bytes = 4

    async def run() -> None:
        async with connected(server) as client:
            ready = await client.start(44_100, channels=2, keep=True)
            for piece in pieces(data[:-1001]):
                await client.socket.send(piece)
            end = await client.hear("speech_end")
            span = {name: end[name] for name in ("start_ms", "end_ms")}
            status, clip = await asyncio.to_thread(get, server, ready, **span)
            first = end["start_ms"] * 44_100 // 1000 * frame_bytes
            last = -(-end["end_ms"] * 44_100 // 1000) * frame_bytes
            assert status == 200
            with wave.open(io.BytesIO(clip)) as file:
                assert (file.getframerate(), file.getnchannels()) == (44_100, 2)
                assert file.readframes(file.getnframes()) == data[first:last]
            refusals = [
                (404, {"key": "wrong"}),
                (404, {"start_ms": 60_000, "end_ms": 61_000}),
                (400, {"start_ms": 5, "end_ms": 5}),
                (400, {"start_ms": -5}),
                (400, {"end_ms": "x"}),
                (400, {"end_ms": "9" * 5000}),
            ]
            for status, wrong in refusals:
                query = {**span, **wrong, "language": "zh"}
                answered, text = await asyncio.to_thread(get, server, ready, **query)
                assert answered == status and "。" in text.decode()
            await client.say(type="stop")
            await client.hear("end")
        # The result's recording has the same sound.
        assert await asyncio.to_thread(get, server, ready, **span) == (200, clip)
        ready["stream"] = "unknown"
        assert (await asyncio.to_thread(get, server, ready, **span))[0] == 404

    asyncio.run(run())


def test_oldest_is_dropped_and_told(tmp_path: Path, model_dir: Path) -> None:
    data = demo(seconds=8.5).tobytes()
    limits = {"live_keep_s": 3.0, "stream_bytes_per_s": 100_000}
    with serving(tmp_path, model_dir, **limits) as server:

        async def run() -> dict[str, Any]:
            async with connected(server) as client:
                ready = await client.start(keep=True)
                assert ready["keep_ms"] == 3000
                for at in range(0, len(data), 6400):
                    await client.socket.send(data[at : at + 6400])
                status = await client.hear("status")
                assert 2000 <= status["kept_ms"] <= 3000 and status["kept_from_ms"] >= 1000
                assert status["disk_bytes"] <= 3 * 32_000
                assert 0 < status["state_bytes"] < status["memory_bytes"] < 300_000
                await client.say(type="tune", options={}, past=True)
                tuned = await client.hear("tuned")
                assert tuned["from_ms"] == 6000
                span = {"start_ms": 5999, "end_ms": 6500}
                assert (await asyncio.to_thread(get, server, ready, **span))[0] == 404
                span = {"start_ms": 6000, "end_ms": 60_000}
                status_code, clip = await asyncio.to_thread(get, server, ready, **span)
                assert (status_code, clip[44:]) == (200, data[6 * 32_000 :])
                await client.say(type="stop")
                end = await client.hear("end")
                assert (await asyncio.to_thread(get, server, ready, **span))[1] == clip
                span["start_ms"] = 5999
                assert (await asyncio.to_thread(get, server, ready, **span))[0] == 404
                return end

        end = asyncio.run(run())
        assert (end["from_ms"], end["duration_ms"]) == (6000, 8500)
        entry = server.studio.cache.get(end["result"])
        assert entry is not None
        assert entry.recording.path.read_bytes()[44:] == data[6 * 32_000 :]
        assert entry.scores.duration_ms == 2500
        assert len(entry.scores.probabilities) == frames_in(40_000)
        assert len(entry.scores.peaks) == 250
        taken = server.studio.workspace.size_bytes
        assert taken == sum(path.stat().st_size for path in server.files())


def test_nothing_stays_of_streams_that_keep_nothing_or_got_nothing(
    tmp_path: Path, model_dir: Path
) -> None:
    with serving(tmp_path, model_dir, stream_idle_s=0.5) as server:

        async def run() -> None:
            for keep, sent in ((False, 64_000), (True, 0)):
                async with connected(server) as client:
                    await client.start(keep=keep)
                    await client.socket.send(b"\0" * sent)
                    await client.say(type="stop")
                    assert (await client.hear("end"))["result"] is None
            async with connected(server) as client:
                await client.start(keep=False)
                await client.socket.send(b"\0" * 64_000)
                client.socket.transport.abort()

        asyncio.run(run())
        wait_for(lambda: not server.files() and not server.studio.workspace.size_bytes)
        directories = [p for p in server.studio.workspace.directory.iterdir() if p.is_dir()]
        assert directories == []


def test_streams_that_run_leave_nothing_when_the_server_ends(
    tmp_path: Path, model_dir: Path
) -> None:
    data = demo(seconds=5).tobytes()

    async def run() -> int | None:
        with serving(tmp_path, model_dir) as server:
            async with connected(server) as client, connected(server) as lost:
                for each in (client, lost):
                    await each.start(keep=True)
                    await each.socket.send(data)
                    await each.hear("speech_start")
                lost.socket.transport.abort()
                assert len(server.files()) == 2
                server.ending()
                await client.hear_all()
                return client.socket.close_code

    assert asyncio.run(run()) == 1012
