"""Spectrograms over HTTP: the right track, bounded, told in words when there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Message

from tests.audio.recordings import RATE_HZ, encode, read, sweep
from tests.vad.test_summary import scores_of
from webui.audio.peaks import PeakBuilder
from webui.audio.report import Channel
from webui.engine.spectrograms import Drawing, Order, Spectrograms
from webui.errors import AudioError
from webui.ui import spectrogram, tiles
from webui.ui.session import ScoreCache
from webui.ui.workspace import Recording
from webui.vad.scores import SpeechScores
from webui.vad.spectrogram import Part, Scale, draw, samples_of

SECONDS = 70


class Shop:
    """What the route needs of a studio."""

    def __init__(self) -> None:
        self.cache = ScoreCache(10**8)
        self.spectrograms = Spectrograms(30)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tone = sweep(SECONDS)
    channels = np.stack([tone, tone[::-1]])
    return encode(tmp_path_factory.mktemp("audio") / "call.flac", channels, RATE_HZ, "flac")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.spectrograms.close()


@pytest.fixture(scope="module")
def client(shop: Shop) -> Iterator[TestClient]:
    # One event loop for all requests, as on a server.
    with TestClient(Starlette(routes=spectrogram.routes(shop))) as client:  # type: ignore[arg-type]
        yield client


def scored(path: Path, channel: Channel) -> SpeechScores:
    samples, report = read(path, channel)
    builder = PeakBuilder()
    builder.feed(samples)
    return replace(scores_of(np.zeros(10)), audio=report, peaks=builder.finish())


@pytest.fixture(scope="module")
def result_id(shop: Shop, path: Path) -> str:
    return shop.cache.put(Recording(path), (scored(path, "left"), scored(path, "right")))


def address(shop: Shop, result_id: str, track: int = 0) -> str:
    entry = shop.cache.get(result_id)
    assert entry is not None
    return f"/results/{result_id}/spectrogram/{tiles.version(entry)}/{track}"


def part_of(start_ms: object, end_ms: object, columns: object) -> dict[str, str]:
    return {"start_ms": str(start_ms), "end_ms": str(end_ms), "columns": str(columns)}


@pytest.mark.parametrize(("track", "channel"), [(0, "left"), (1, "right")])
def test_each_track_is_drawn_from_its_channel(
    client: TestClient, shop: Shop, result_id: str, path: Path, track: int, channel: Channel
) -> None:
    answer = client.get(address(shop, result_id, track), params=part_of(5000, 15_000, 250))
    assert answer.status_code == 200
    samples, _ = read(path, channel)
    part = Part(5000, 15_000, 250)
    scale = Scale.of(scored(path, channel).peaks)
    first, count = samples_of(part, len(samples))
    assert answer.content == draw(part, len(samples), samples[first : first + count], scale)
    assert answer.headers["x-spectrogram-rows"] == "80"
    assert answer.headers["x-spectrogram-columns"] == "250"
    floor, ceiling = (float(answer.headers[f"x-spectrogram-{n}"]) for n in ("floor", "ceiling"))
    assert ceiling - floor == pytest.approx(scale.ceiling - scale.floor, abs=0.01)
    # The address has all that it depends on: a browser keeps it.
    assert "immutable" in answer.headers["cache-control"]


def test_sixty_seconds_and_no_more(client: TestClient, shop: Shop, result_id: str) -> None:
    whole = client.get(address(shop, result_id), params=part_of(0, 60_000, 1000))
    assert whole.status_code == 200 and len(whole.content) == 80_000
    for language, words in (("en", "Zoom in to 60 s"), ("zh", "请放大到 60 秒")):
        more = client.get(
            address(shop, result_id),
            params={**part_of(0, 60_001, 1000), "language": language},
        )
        assert more.status_code == 400 and words in more.text
        assert more.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        part_of(0, 1000, 0),
        part_of(0, 1000, 5000),
        part_of(1000, 1000, 10),
        part_of(2000, 1000, 10),
        part_of(-10, 1000, 10),
        part_of("x", 1000, 10),
        part_of(0, "1e3", 10),
        part_of("٣", 1000, 10),
        part_of(0, "9" * 5000, 10),
    ],
)
def test_what_is_no_part_is_refused(
    client: TestClient, shop: Shop, result_id: str, wrong: dict[str, str]
) -> None:
    answer = client.get(address(shop, result_id), params=wrong)
    assert answer.status_code == 400 and "1 to 4096 columns" in answer.text


def test_a_part_beyond_the_end_is_empty(client: TestClient, shop: Shop, result_id: str) -> None:
    answer = client.get(address(shop, result_id), params=part_of(90_000, 99_000, 90))
    assert answer.status_code == 200 and answer.content == bytes(80 * 90)


def test_other_scores_and_other_tracks_are_unknown(
    client: TestClient, shop: Shop, result_id: str
) -> None:
    good = address(shop, result_id)
    old = good.rsplit("/", 2)[0] + "/0/0"
    for wrong in (old, address(shop, result_id, 2), good.replace(result_id, "nothing")):
        answer = client.get(wrong, params={**part_of(0, 100, 10), "language": "zh"})
        assert answer.status_code == 404 and "不再保留" in answer.text


def test_a_recording_that_is_gone_or_damaged_is_told(
    client: TestClient, shop: Shop, path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "talk.flac"
    copy.write_bytes(path.read_bytes())
    other_id = shop.cache.put(Recording(copy), (scored(copy, "mix"),))
    copy.write_bytes(b"no sound at all " * 1000)
    answer = client.get(address(shop, other_id), params=part_of(5000, 6000, 10))
    assert answer.status_code == 422 and "talk.flac" in answer.text
    copy.unlink()
    answer = client.get(address(shop, other_id), params=part_of(5000, 6000, 10))
    assert answer.status_code == 404 and "no longer kept" in answer.text


class _Pipe(Recording):
    """A recording that is never read: opening it waits for somebody who writes."""

    def use(self) -> bool:
        return True


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_whoever_goes_away_ends_the_work(shop: Shop, path: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.flac"
    os.mkfifo(pipe)
    stuck_id = shop.cache.put(_Pipe(pipe), (scored(path, "mix"),))
    dropped: list[Drawing] = []

    def draw(order: Order) -> Drawing:
        dropped.append(shop.spectrograms.draw(order))
        return dropped[-1]

    other = Shop.__new__(Shop)
    other.cache = shop.cache
    other.spectrograms = SimpleNamespace(draw=draw)  # type: ignore[assignment]
    app = Starlette(routes=spectrogram.routes(other))  # type: ignore[arg-type]
    scope = {
        "type": "http",
        "method": "GET",
        "path": address(shop, stuck_id),
        "query_string": b"start_ms=5000&end_ms=6000&columns=10",
        "headers": [],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    [drawing] = dropped
    assert drawing.is_dropped
    assert isinstance(drawing.picture.exception(60), AudioError)
    assert sent[0]["status"] != 200
