"""The page's handlers, called as functions on a real engine; and what its process imports."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from webui.engine import MemoryChange
from webui.engine.messages import GpuMemory
from webui.errors import EngineBusyError
from webui.formats import FORMATS
from webui.settings import Settings
from webui.ui import playback
from webui.ui.i18n import Texts
from webui.ui.routes import routes
from webui.ui.studio import MemorySampler, Studio
from webui.ui.tabs.detection import Detection, Update
from webui.ui.tabs.system import SystemPanel
from webui.ui.tabs.tuning import matching_preset
from webui.vad.options import PRESETS, VadOptions

DEFAULTS = list(VadOptions().as_dict().values())


@pytest.fixture(scope="module")
def studio(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    settings = Settings(
        engine="onnx",
        model_dir=model_dir,
        workspace_directory=tmp_path_factory.mktemp("workspace"),
        max_upload_bytes=2 * 1024**2,
    )
    studio = Studio(settings)
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def detection(studio: Studio) -> Detection:
    return Detection(studio, Texts("en"), "./")


@pytest.fixture
def client(studio: Studio) -> TestClient:
    return TestClient(Starlette(routes=[*routes(studio), *playback.routes(studio)]))


def run(detection: Detection, origin: str, name: str, **choices: Any) -> list[Update]:
    choices = {"channel": "mix", "engine": "onnx", **choices}

    async def collect() -> list[Update]:
        return [update async for update in detection.detect("me", origin, name, **choices)]

    return asyncio.run(collect())


@pytest.fixture(scope="module")
def result_id(detection: Detection) -> str:
    last = run(detection, "demo", "english-clean")[-1]
    assert last.result_id
    return last.result_id


def test_the_page_s_process_imports_no_framework() -> None:
    code = (
        "import sys, webui.ui.app; "
        "heavy = ('torch', 'funasr', 'onnxruntime', 'av', 'matplotlib'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_show_gives_all_that_the_page_draws(detection: Detection, result_id: str) -> None:
    value, note = detection.show(result_id, DEFAULTS)
    assert note == ""
    assert value is not None
    result = json.loads(value)
    assert [row[:2] for row in result["tracks"][0]["rows"]] == [
        [700, 5090],
        [5860, 12340],
        [13820, 19140],
        [20150, 24240],
    ]
    assert result["tiles"][0]["value"] == "4"
    assert result["duration_ms"] == 25035
    assert result["query"] == f"r={result_id}"
    assert result["empty"] == ""
    assert set(result["files"]) == {*FORMATS, "svg", "png", "pdf", "cuts", "speech"}


def test_show_says_what_is_wrong(detection: Detection, result_id: str) -> None:
    contradicting = list(VadOptions().as_dict().values())
    contradicting[list(VadOptions().as_dict()).index("window_size_ms")] = 100
    value, note = detection.show(result_id, contradicting)
    assert value is None and "must not be longer" in note
    value, note = detection.show("forgotten", DEFAULTS)
    assert value is None and "no longer kept" in note
    assert detection.show("", DEFAULTS) == (None, "")


def test_address_opens_a_result_with_its_options(detection: Detection, result_id: str) -> None:
    opened = detection.open(f"?r={result_id}&max_end_silence_time=300&unknown=1")
    assert opened.result_id == result_id
    assert opened.options == VadOptions(max_end_silence_time=300)
    assert detection.open("?r=forgotten").result_id == ""
    assert "no longer kept" in (detection.open("?r=forgotten").status or "")
    assert detection.open(f"?r={result_id}&max_end_silence_time=wild").options == VadOptions()
    assert detection.open("").result_id == ""


def test_address_carries_settings_without_a_result(detection: Detection) -> None:
    opened = detection.open("?max_end_silence_time=300&channel=each&dynamic_silence=True")
    assert (opened.result_id, opened.channel) == ("", "each")
    assert opened.options == VadOptions(max_end_silence_time=300, dynamic_silence=True)
    # Also where the result is forgotten; what the address is silent about stays as it is.
    opened = detection.open("?r=forgotten&max_end_silence_time=300")
    assert opened.options == VadOptions(max_end_silence_time=300)
    assert "no longer kept" in (opened.status or "")
    opened = detection.open("?lang=en&channel=middle")
    assert (opened.options, opened.channel, opened.kept, opened.status) == (None,) * 4
    assert "between 150 and 6000" in (detection.open("?max_end_silence_time=1").status or "")


def test_address_carries_the_options_of_a(
    detection: Detection, client: TestClient, result_id: str
) -> None:
    a = VadOptions(max_end_silence_time=300, silence_schedule="1000:500,inf:300")
    shown = json.loads(detection.show(result_id, DEFAULTS, a.as_dict())[0] or "")
    opened = detection.open("?" + shown["query"])
    assert opened.kept == a.as_dict() and opened.options == VadOptions()
    figure = shown["files"]["svg"].removeprefix(".")
    assert "segments of A" in client.get(figure).text
    usual = json.loads(detection.show(result_id, DEFAULTS)[0] or "")["files"]["svg"]
    assert "segments of A" not in client.get(usual.removeprefix(".")).text
    for wild in ("{", "[]", "3", '{"max_end_silence_time":1}', '{"nonsense":1}', "[" * 9999):
        query = urlencode({"r": result_id, "a": wild})
        opened = detection.open(query)
        assert opened.kept is None and opened.status
        refused = client.get(f"/results/{result_id}/figure.svg?{query}&language=zh")
        assert refused.status_code == 400 and re.search("[\u4e00-\u9fff]", refused.text)


def test_two_channels_are_shown_and_linked(detection: Detection, studio: Studio) -> None:
    result_id = run(detection, "demo", "two-voices-telephone", channel="each")[-1].result_id
    assert result_id
    shown = json.loads(detection.show(result_id, DEFAULTS, VadOptions().as_dict())[0] or "")
    counts = [len(track["rows"]) for track in shown["tracks"]]
    assert shown["tiles"][0]["value"] == str(sum(counts))
    assert shown["tiles"][0]["note"] == f"Left {counts[0]} · Right {counts[1]}"
    assert "each for itself" in shown["about"] and shown["overlap"]
    assert [len(rows) for rows in shown["kept"]["tracks"]] == counts
    assert detection.open("?" + shown["query"]).channel == "each"
    # What one channel lacks is said of that one.
    entry = studio.cache.get(result_id)
    assert entry is not None
    left, right = entry.tracks
    quiet = replace(right, probabilities=right.probabilities * 0)
    empty_id = studio.cache.put(entry.recording, (left, quiet))
    shown = json.loads(detection.show(empty_id, DEFAULTS)[0] or "")
    assert shown["empty"].startswith("Right · No frame reached") and "Left" not in shown["empty"]


def test_only_what_was_given_to_the_page_can_be_picked(detection: Detection) -> None:
    for origin, name in (
        ("upload", "unknown"),
        ("demo", "../../etc/passwd"),
        ("demo", "/etc/passwd"),
        ("file", "/etc/passwd"),
        ("result", "unknown"),
    ):
        assert detection.recording(origin, name) is None
        assert "no longer kept" in (run(detection, origin, name)[-1].status or "")


def test_what_cannot_be_read_is_told_and_deleted(
    detection: Detection, studio: Studio, client: TestClient
) -> None:
    before = len(list(studio.workspace.directory.iterdir()))
    given = client.put("/uploads?name=notes.wav", content=b"no sound at all " * 100)
    last = run(detection, "upload", given.json()["id"])[-1]
    status = json.loads(last.status or "")
    assert status["kind"] == "error" and "notes.wav" in status["title"]
    assert last.result_id is None and last.is_running is False
    assert len(list(studio.workspace.directory.iterdir())) == before


def test_channel_that_is_not_there_leaves_the_recording(
    detection: Detection, result_id: str
) -> None:
    last = run(detection, "result", result_id, channel="right")[-1]
    assert json.loads(last.status or "")["kind"] == "error"
    assert run(detection, "result", result_id)[-1].result_id == result_id


def test_progress_goes_through_its_phases(detection: Detection, studio: Studio) -> None:
    studio.engine.unload()
    statuses = [
        json.loads(update.status or "") for update in run(detection, "demo", "chinese-clean")
    ]
    titles = [status.get("title") for status in statuses]
    assert "Loading the model" in titles
    assert statuses[-1] == {"kind": "idle"}


def test_uploads_are_bounded(client: TestClient, studio: Studio) -> None:
    before = len(list(studio.workspace.directory.iterdir()))
    refused = client.put("/uploads?name=a.wav&language=zh", content=b"0" * (2 * 1024**2 + 1))
    assert refused.status_code == 413 and "超过" in refused.text

    def pieces() -> Iterator[bytes]:
        for _ in range(5):
            yield b"0" * 1024**2

    # Without a length, and larger than it may be.
    assert client.put("/uploads?name=a.wav", content=pieces()).status_code == 413
    assert len(list(studio.workspace.directory.iterdir())) == before


def test_uploads_that_find_no_room_are_told(
    model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        engine="onnx",
        model_dir=model_dir,
        workspace_directory=tmp_path,
        max_upload_bytes=1024**2,
        workspace_bytes=1024**2,
    )
    studio = Studio(settings)
    try:
        client = TestClient(Starlette(routes=routes(studio)))
        first = client.put("/uploads?name=a.wav", content=b"0" * 900_000)
        recording = studio.workspace.take(first.json()["id"])
        assert recording is not None
        refused = client.put("/uploads?name=b.wav&language=zh", content=b"0" * 900_000)
        assert refused.status_code == 507 and "暂无空间" in refused.text
        recording.done()
        assert client.put("/uploads?name=b.wav", content=b"0" * 900_000).status_code == 201
        shutil.rmtree(studio.workspace.directory)
        refused = client.put("/uploads?name=c.wav&language=zh", content=b"0")
        assert refused.status_code == 507 and "不能写入工作目录" in refused.text
    finally:
        studio.close()


@pytest.mark.parametrize("ending", ["stopped", "engine", "channel"])
def test_upload_whose_job_fails_can_be_tried_again(
    detection: Detection, studio: Studio, client: TestClient, root: Path, ending: str
) -> None:
    sound = (root / "assets" / "audio" / "english-clean.flac").read_bytes()
    upload_id = client.put("/uploads?name=talk.flac", content=sound).json()["id"]

    async def stop() -> list[Update]:
        updates = []
        async for update in detection.detect("me", "upload", upload_id, "mix", "onnx"):
            updates.append(update)
            detection.stop("me")
        return updates

    if ending == "stopped":
        studio.engine.unload()
        last = asyncio.run(stop())[-1]
        assert json.loads(last.status or "")["title"] == "Stopped."
    elif ending == "engine":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(studio.engine, "submit", _refuse)
            last = run(detection, "upload", upload_id)[-1]
    else:
        last = run(detection, "upload", upload_id, channel="right")[-1]
    assert last.result_id is None
    assert last.repeatable == ("upload", upload_id)
    last = run(detection, "upload", upload_id)[-1]
    assert last.result_id and last.repeatable == ("result", last.result_id)


def _refuse(*_: Any, **__: Any) -> Any:
    raise EngineBusyError(waiting=32)


def test_recording_that_made_room_leaves_its_result(
    detection: Detection, studio: Studio, client: TestClient, root: Path
) -> None:
    sound = (root / "assets" / "audio" / "english-clean.flac").read_bytes()
    upload_id = client.put("/uploads?name=talk.flac", content=sound).json()["id"]
    result_id = run(detection, "upload", upload_id)[-1].result_id
    assert result_id
    shown = json.loads(detection.show(result_id, DEFAULTS)[0] or "")
    assert shown["audio"]
    studio.workspace._delete(upload_id)
    shown = json.loads(detection.show(result_id, DEFAULTS)[0] or "")
    assert shown["audio"] == "" and len(shown["tracks"][0]["rows"]) == 4
    assert client.get(f"/results/{result_id}/audio").status_code == 404
    told = run(detection, "result", result_id)[-1].status or ""
    assert "choose the file again" in told


def test_file_name_is_no_formula_in_a_spreadsheet(
    detection: Detection, client: TestClient, root: Path
) -> None:
    sound = (root / "assets" / "audio" / "english-clean.flac").read_bytes()
    given = client.put("/uploads", params={"name": "=1+2.flac"}, content=sound)
    result_id = run(detection, "upload", given.json()["id"])[-1].result_id
    rows = client.get(f"/results/{result_id}/segments.csv")
    assert rows.text.splitlines()[1].startswith("'=1+2.flac,")
    assert client.get(f"/results/{result_id}/segments.json").json()["file"] == "=1+2.flac"


def test_downloads_follow_their_address(client: TestClient, result_id: str) -> None:
    address = f"/results/{result_id}"
    few = client.get(f"{address}/segments.json").json()
    many = client.get(f"{address}/segments.json?max_end_silence_time=150").json()
    assert len(few["segments"]) == 4 < len(many["segments"])
    assert few["options"] == VadOptions().as_dict()
    rows = client.get(f"{address}/segments.csv")
    assert rows.content.startswith(b"\xef\xbb\xbf") and len(rows.text.splitlines()) == 5
    assert "english-clean.csv" in rows.headers["content-disposition"]
    for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert client.get(f"{address}/figure.{kind}?language=zh").content.startswith(start)
    for file, known in (("segments.exe", "json"), ("figure.exe", "svg")):
        unknown = client.get(f"{address}/{file}")
        assert unknown.status_code == 404
        assert 'no format "exe"' in unknown.text and known in unknown.text
    assert client.get(f"{address}/segments.json?max_end_silence_time=1").status_code == 400
    assert client.get("/results/unknown/segments.json").status_code == 404


def test_every_format_is_offered_and_reads_back(
    client: TestClient, detection: Detection, result_id: str, root: Path
) -> None:
    shown = json.loads(detection.show(result_id, DEFAULTS)[0] or "")
    files = shown["files"]
    page = (root / "webui" / "ui" / "components" / "segments.html").read_text(encoding="utf-8")
    offered = set(re.findall(r'data-kind="(\w+)"', page))
    assert offered | {"cuts", "speech"} == files.keys() > FORMATS.keys()
    wanted = [row[:2] for row in shown["tracks"][0]["rows"]]
    for name, form in FORMATS.items():
        answer = client.get(files[name])
        assert f"english-clean{form.suffix}" in answer.headers["content-disposition"]
        (labels,) = form.read(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
        assert [[r.start_ms, r.end_ms] for r in labels.regions] == wanted
        # Where a server keeps an upload is nobody's business.
        assert str(root) not in answer.text and "uploads" not in answer.text


def test_sound_can_be_sought_and_is_never_a_page(
    client: TestClient, detection: Detection, result_id: str
) -> None:
    part = client.get(f"/results/{result_id}/audio", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"fLaC")
    assert part.headers["content-type"] == "audio/flac"
    assert part.headers["x-content-type-options"] == "nosniff"
    demo = client.get(f"/results/{result_id}/audio").content
    given = client.put("/uploads?name=page.html", content=demo)
    uploaded = run(detection, "upload", given.json()["id"])[-1].result_id
    answer = client.get(f"/results/{uploaded}/audio")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert client.get("/results/unknown/audio").status_code == 404


def test_presets_are_known_by_their_values() -> None:
    for name, preset in PRESETS.items():
        assert matching_preset(list(preset.options.as_dict().values())) == name
    assert matching_preset([1] * len(DEFAULTS)) is None


def test_system_panel_measures_before_and_after(studio: Studio) -> None:
    panel = SystemPanel(studio, Texts("en"))

    async def load() -> list[dict[str, Any]]:
        return [json.loads(value) async for value in panel.load("onnx", "me")]

    studio.engine.unload()
    assert panel.abilities() == (True, False, False)
    loaded = asyncio.run(load())[-1]
    assert loaded["state"] == "ready" and "Engine: 0 MB →" in loaded["message"]
    assert panel.abilities()[:2] == (False, True)
    assert json.loads(panel.view())["clear_reason"].startswith("Not available: ")
    (unloaded,) = actions(panel.unload())
    assert unloaded["state"] == "not_loaded"
    assert "→ 0 MB" in unloaded["message"] and "given back" in unloaded["message"]
    assert unloaded["texts"]["engine"] == "0 MB"
    assert unloaded["trend"]["engine"].startswith("M")


def actions(values: AsyncIterator[str]) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [json.loads(value) async for value in values]

    return asyncio.run(collect())


@pytest.mark.parametrize(
    ("language", "waiting"), [("en", "after the running job"), ("zh", "完成后")]
)
def test_unloading_says_at_once_that_a_job_runs(
    studio: Studio, root: Path, language: str, waiting: str
) -> None:
    panel = SystemPanel(studio, Texts(language))
    studio.engine.unload()
    job = studio.engine.submit(root / "assets/audio/english-clean.flac", engine="onnx")
    while studio.engine.status().state == "not_loaded":
        time.sleep(0.001)
    first, last = actions(panel.unload())
    assert waiting in first["message"]
    assert last["state"] == "not_loaded" and "0 MB" in last["message"]
    assert job.result()[0].duration_ms > 0


def test_unloading_tells_what_a_gpu_gave_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = SystemPanel(studio, Texts("en"))
    after = studio.engine.memory()
    gpu = GpuMemory("card", 100_000_000, 300_000_000, 250_000_000, 8_000_000_000, 0, None)
    change = MemoryChange(replace(after, gpus=(gpu,), gpu_state="present"), after)
    monkeypatch.setattr(studio.engine, "unload", lambda: change)
    (told,) = actions(panel.unload())
    assert "GPU reserved: 300 MB → 0 MB, 300 MB given back." in told["message"]


def test_many_pages_cost_one_reading(studio: Studio) -> None:
    taken = 0

    def read() -> Any:
        nonlocal taken
        taken += 1
        return studio.engine.memory()

    sampler = MemorySampler(read)
    for _ in range(50):
        sampler.reading()
    assert taken <= 2


def test_trend_keeps_ten_minutes_however_many_look(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = studio.engine.memory()
    sampler = MemorySampler(lambda: reading)
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(8000):
        now += 0.1
        sampler.reading(fresh=True)
    trend = sampler.trend()
    assert trend[-1].time_s == now
    assert 596 <= now - trend[0].time_s <= 604
    assert len(trend) <= 151
