"""Regions by hand over HTTP, beside scores of a real engine."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.vad.test_summary import scores_of
from webui.settings import Settings
from webui.ui import edits
from webui.ui.i18n import Texts
from webui.ui.routes import routes
from webui.ui.session import ScoreCache
from webui.ui.studio import Studio
from webui.ui.tabs.detection import Detection
from webui.ui.views import ticket
from webui.ui.workspace import Recording
from webui.vad import VadOptions
from webui.vad.edited import Edits

DEFAULTS = list(VadOptions().as_dict().values())
SPEECH = [*[0.0] * 50, *[0.99] * 200, *[0.0] * 150, *[0.9] * 200, *[0.0] * 100]


@pytest.fixture(scope="module")
def studio(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    workspace = tmp_path_factory.mktemp("workspace")
    studio = Studio(Settings(engine="onnx", model_dir=model_dir, workspace_directory=workspace))
    yield studio
    studio.close()


@pytest.fixture
def client(studio: Studio) -> TestClient:
    return TestClient(Starlette(routes=[*routes(studio), *edits.routes(studio)]))


@pytest.fixture
def result_id(studio: Studio) -> str:
    return studio.cache.put(Recording(Path("a.wav")), (scores_of(SPEECH),))


def shown(studio: Studio, result_id: str, **changed: Any) -> dict[str, Any]:
    values = list(VadOptions(**changed).as_dict().values())
    value, note = Detection(studio, Texts("en"), "./").show(result_id, values)
    assert note == "" and value is not None
    result: dict[str, Any] = json.loads(value)
    return result


def put(client: TestClient, result_id: str, spans: Any, query: str = "", **options: Any) -> Any:
    body = {"spans": spans, "options": options}
    return client.put(f"/results/{result_id}/edits?{query}", json=body)


def test_regions_by_hand_are_shown_whatever_the_sliders_say(
    client: TestClient, studio: Studio, result_id: str
) -> None:
    before = shown(studio, result_id)
    assert not before["edited"] and not before["tracks"][0]["edited"]
    (first, second) = before["tracks"][0]["rows"]
    spans = [[first[0], 1000], [1000, first[1]], second[:2]]
    answer = put(client, result_id, spans, "channel=mix", max_end_silence_time=800)
    assert answer.status_code == 200
    for options in ({}, {"max_end_silence_time": 150, "speech_noise_thres": 0.9}):
        after = shown(studio, result_id, **options)
        assert after["number"] >= answer.json()["number"] > before["number"]
        assert after["edited"] is True
        track = after["tracks"][0]
        assert track["edited"] is True
        assert track["base"] == VadOptions().as_dict()
        assert track["starts"] == [first[0], second[0]]
        assert [row[:2] for row in track["rows"]] == spans
        assert [row[3:] for row in track["rows"]] == [
            ["by_hand", True],
            ["silence", True],
            ["silence"],
        ]
        assert after["tiles"][0]["value"] == "3"
    assert client.delete(f"/results/{result_id}/edits").status_code == 200
    again = shown(studio, result_id)
    assert again["tracks"] == before["tracks"] and not again["edited"]


def test_no_region_left_is_no_odd_result(
    client: TestClient, studio: Studio, result_id: str
) -> None:
    assert put(client, result_id, []).status_code == 200
    result = shown(studio, result_id)
    assert result["edited"] and result["tracks"][0]["rows"] == [] and result["empty"] == ""


def test_exports_hold_what_is_shown(client: TestClient, studio: Studio, result_id: str) -> None:
    detected = shown(studio, result_id)
    put(client, result_id, [[0, 100], *[row[:2] for row in detected["tracks"][0]["rows"][1:]]])
    files = shown(studio, result_id, max_end_silence_time=150)["files"]
    read = client.get(files["json"].removeprefix(".")).json()
    assert read["edited"] == {"by": "hand", "by_hand": 1, "detected": 1}
    assert read["options"]["max_end_silence_time"] == 800  # that the detected one came from
    assert [segment["edited"] for segment in read["segments"]] == [True, False]
    assert read["segments"][0]["confidence"] == 0.0
    text = client.get(files["csv"].removeprefix(".")).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    start = str(detected["tracks"][0]["rows"][1][0])
    assert [(row["start_ms"], row["edited"]) for row in rows] == [("0", "true"), (start, "false")]
    figure = client.get(files["svg"].removeprefix("."))
    assert "by hand" in figure.text
    # A link with edits gives those of now, and nothing once there are none.
    put(client, result_id, [[0, 300]])
    read = client.get(files["json"].removeprefix(".")).json()
    assert [segment["end_ms"] for segment in read["segments"]] == [300]
    client.delete(f"/results/{result_id}/edits")
    gone = client.get(files["json"].removeprefix(".") + "&language=zh")
    assert gone.status_code == 404
    assert "segments" in client.get(detected["files"]["json"].removeprefix(".")).json()
    assert client.get(files["svg"].removeprefix(".")).status_code == 404


def test_what_was_detected_can_be_had_beside_the_edits(
    client: TestClient, studio: Studio, result_id: str
) -> None:
    detected = shown(studio, result_id)
    put(client, result_id, [])
    read = client.get(detected["files"]["json"].removeprefix(".")).json()
    assert len(read["segments"]) == 2 and "edited" not in read
    assert "by hand" not in client.get(detected["files"]["svg"].removeprefix(".")).text


@pytest.mark.parametrize(
    ("body", "told", "told_zh"),
    [
        (b"{", "not JSON", "不是含 spans"),
        (b"[" * 100_000, "not JSON", "不是含 spans"),
        (b'{"spans": []}', "not JSON", "不是含 spans"),
        (b'{"options": {}}', "whole milliseconds", "整数毫秒"),
        (b'{"spans": [[0, 100], [50, 200]], "options": {}}', "region 2 .* overlaps", "重叠"),
        (b'{"spans": [[0, 7001]], "options": {}}', "leaves the recording", "超出录音范围"),
        (b'{"spans": [[0, 9]], "options": {}}', "shorter than 10 ms", "短于 10 毫秒"),
        (b'{"spans": [], "options": {"max_end_silence_time": 1}}', "max_end", "max_end"),
        (b'{"spans": [], "options": {"nonsense": 1}}', "no such option", "没有这个参数"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    client: TestClient, studio: Studio, result_id: str, body: bytes, told: str, told_zh: str
) -> None:
    put(client, result_id, [[0, 100]])
    address = f"/results/{result_id}/edits"
    refused = client.put(address, content=body)
    assert refused.status_code == 400
    assert told.replace(" .*", "").split()[0] in refused.text
    assert told_zh in client.put(f"{address}?language=zh", content=body).text
    assert [row[:2] for row in shown(studio, result_id)["tracks"][0]["rows"]] == [[0, 100]]


def test_unknown_results_and_channels_are_told(client: TestClient, result_id: str) -> None:
    for address in ("/results/unknown/edits", f"/results/{result_id}/edits?channel=right"):
        assert client.put(address, json={"spans": [], "options": {}}).status_code == 404
        assert client.delete(address).status_code == 404


def test_a_body_has_a_bound(client: TestClient, result_id: str) -> None:
    assert put(client, result_id, "x" * 2_000_000).status_code == 413


def test_each_channel_has_its_own(client: TestClient, studio: Studio) -> None:
    left = scores_of(SPEECH, channel="left")
    right = scores_of(SPEECH[::-1], channel="right")
    result_id = studio.cache.put(Recording(Path("a.wav")), (left, right))
    assert put(client, result_id, [[0, 50]], "channel=right").status_code == 200
    tracks = shown(studio, result_id)["tracks"]
    assert [track["edited"] for track in tracks] == [False, True]
    assert [row[:2] for row in tracks[1]["rows"]] == [[0, 50]]
    # Scored again another way, they wait for their channel.
    studio.cache.renew(result_id, (scores_of(SPEECH),))
    assert not shown(studio, result_id)["edited"]
    studio.cache.renew(result_id, (left, right))
    assert shown(studio, result_id)["edited"]


def test_scored_anew_only_what_a_person_touched_is_by_hand(
    client: TestClient, studio: Studio, result_id: str
) -> None:
    first, second = shown(studio, result_id)["tracks"][0]["rows"]
    put(client, result_id, [[0, 100], first[:2], second[:2]])
    edited = shown(studio, result_id)["tracks"][0]["rows"]
    assert edited[1:] == [first, second]
    # Another engine finds other boundaries.
    other = scores_of([0.0] * 3 + SPEECH[:-3])
    other = replace(other, receipt=replace(other.receipt, engine="funasr"))
    assert [s.start_ms for s in other.segments()] != [first[0], second[0]]
    assert studio.cache.renew(result_id, (other,))
    rows = shown(studio, result_id)["tracks"][0]["rows"]
    assert rows[1:] == [first, second] and rows[0][:2] == [0, 100] and rows[0][4]
    # The page sends all regions with each change.
    put(client, result_id, [[0, 200], first[:2], second[:2]])
    result = shown(studio, result_id)
    assert [row[4:] for row in result["tracks"][0]["rows"]] == [[True], [], []]
    read = client.get(result["files"]["json"].removeprefix(".")).json()
    assert read["engine"] == "funasr"
    assert read["edited"]["by_hand"] == 1
    assert read["edited"]["detected_by"]["mix"]["engine"] == "onnx"
    # Edits that begin from other options began from what these scores give.
    now = shown(studio, result_id, max_end_silence_time=500)["options"]
    found = other.segments(VadOptions(max_end_silence_time=500))
    spans = [[segment.start_ms, segment.end_ms] for segment in found]
    put(client, result_id, spans, max_end_silence_time=now["max_end_silence_time"])
    result = shown(studio, result_id)
    assert [row[4:] for row in result["tracks"][0]["rows"]] == [[], []]
    read = client.get(result["files"]["json"].removeprefix(".")).json()
    assert "detected_by" not in read["edited"]


def test_edits_count_in_the_cache_s_memory_and_go_with_their_result() -> None:
    scores = scores_of(SPEECH)
    cache = ScoreCache(10**6)
    result_id = cache.put(Recording(Path("a.wav")), (scores,))
    before = cache.size_bytes
    made = Edits.of([[10 * i, 10 * i + 10] for i in range(500)], VadOptions(), scores)
    assert cache.edit(result_id, "mix", made)
    assert len(made.detected) == 2
    assert before + 8000 + 2 * 200 <= cache.size_bytes < before + 9000
    assert cache.edit(result_id, "mix", None)
    assert cache.size_bytes == before
    cache.sweep(-1)
    assert not cache.edit(result_id, "mix", made)
    assert cache.size_bytes == 0


def test_tickets_only_grow() -> None:
    numbers = [ticket() for _ in range(1000)]
    assert numbers == sorted(set(numbers))
