"""Batches of the page, on a real engine: what arrives, what is refused, what is left."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from webui.batch.naming import result_suffixes
from webui.settings import Settings
from webui.ui.batches import batch as batch_module
from webui.ui.batches import desk
from webui.ui.routes import routes
from webui.ui.studio import Studio

FORMATS = ["json", "rttm", "textgrid", "csv", "kaldi"]
NAMED = "Its results are called {}, to be told from another file's."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Four recordings, one of them broken, and links that lead out."""
    outside = tmp_path_factory.mktemp("outside")
    folder = tmp_path_factory.mktemp("server") / "talks"
    (folder / "day 2").mkdir(parents=True)
    demos = root / "assets" / "audio"
    shutil.copy(demos / "english-clean.flac", folder / "a.flac")
    shutil.copy(demos / "chinese-clean.flac", folder / "day 2" / "b.flac")
    shutil.copy(demos / "two-voices-telephone.flac", folder / "day 2" / "a.flac")
    (folder / "broken.wav").write_text("no sound")
    shutil.copy(demos / "english-noisy.flac", outside / "secret.flac")
    (folder / "out").symlink_to(outside)
    (folder / "out.flac").symlink_to(outside / "secret.flac")
    return folder


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another folder of the server, empty."""
    return tmp_path_factory.mktemp("other")


@pytest.fixture
def odd_folder(other_folder: Path, root: Path) -> Path:
    """Recordings whose names, or whose folder's, are no text; one is."""
    folder = other_folder / "odd"
    folder.mkdir()
    demo = root / "assets" / "audio" / "english-clean.flac"
    shutil.copy(demo, folder / "good.flac")
    try:
        shutil.copy(demo, folder / os.fsdecode(b"bad\xff.flac"))
        (folder / os.fsdecode(b"d\xfe")).mkdir()
    except OSError:
        pytest.skip("this file system takes no such names")
    shutil.copy(demo, folder / os.fsdecode(b"d\xfe") / "in.flac")
    return folder


@pytest.fixture(scope="module")
def studio(
    model_dir: Path, tmp_path_factory: pytest.TempPathFactory, folder: Path, other_folder: Path
) -> Iterator[Studio]:
    settings = Settings(
        engine="onnx",
        model_dir=model_dir,
        workspace_directory=tmp_path_factory.mktemp("workspace"),
        server_folders=(folder, other_folder),
        batch_files=50,
        max_batches=3,
    )
    studio = Studio(settings)
    yield studio
    studio.close()


@pytest.fixture
def client(studio: Studio) -> TestClient:
    return TestClient(Starlette(routes=[*routes(studio), *desk.routes(studio)]))


def begin(client: TestClient, **body: Any) -> str:
    answer = client.post("/batches", json={"formats": FORMATS, **body})
    assert answer.status_code == 201, answer.text
    batch_id: str = answer.json()["id"]
    return batch_id


def hand_in(client: TestClient, batch_id: str, number: int, path: Path) -> int:
    upload = client.put("/uploads", params={"name": path.name}, content=path.read_bytes())
    body = {"upload": upload.json()["id"]}
    return client.post(f"/batches/{batch_id}/files/{number}", json=body).status_code


def ended(client: TestClient, batch_id: str) -> dict[str, Any]:
    while (now := client.get(f"/batches/{batch_id}").json())["state"] in ("running", "stopping"):
        time.sleep(0.05)
    value: dict[str, Any] = now
    return value


def states(value: dict[str, Any]) -> list[str]:
    return [row["state"] for row in value["rows"]]


def files_of(content: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def written(
    folder: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """What `fsmn-vad batch` writes of the same files."""
    output = tmp_path_factory.mktemp("batch") / "out"
    given = [part for name in FORMATS for part in ("--format", name)]
    command = [sys.executable, "-m", "webui", "batch", str(folder), "--output", str(output)]
    run = subprocess.run(
        [
            *command,
            *given,
            "--engine",
            "onnx",
            "--workers",
            "1",
            "--exclude",
            "out*",
            "--exclude",
            "out/*",
        ],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1, run.stderr  # one of them is broken
    found = (path for path in output.rglob("*") if path.is_file())
    named = {path.relative_to(output).as_posix(): path.read_bytes() for path in found}
    return {name: data for name, data in named.items() if not name.startswith(".")}


def test_a_folder_of_the_server_gives_what_the_command_writes(
    client: TestClient, folder: Path, written: dict[str, bytes], studio: Studio
) -> None:
    batch_id = begin(client, folder=str(folder))
    value = ended(client, batch_id)
    names = [row["name"] for row in value["rows"]]
    # What links out of the folder is not even named.
    assert names == ["a.flac", "broken.wav", "day 2/a.flac", "day 2/b.flac"]
    assert states(value) == ["done", "failed", "done", "done"]
    assert "broken.wav" in value["rows"][1]["note"]
    found = files_of(client.get(f"/batches/{batch_id}/labels.zip").content)
    assert found == written and len(found) == 1 + 3 * len(result_suffixes(FORMATS))

    chinese = client.get(f"/batches/{batch_id}/labels.zip?language=zh")
    assert files_of(chinese.content) == written
    assert quote("批处理.zip") in chinese.headers["content-disposition"]
    assert client.get(f"/batches/{batch_id}?first={'9' * 5000}").json()["rows"] == []

    sound = files_of(client.get(f"/batches/{batch_id}/sound.zip?kind=flac").content)
    assert set(found) - {"summary.csv"} < set(sound)
    assert any(name.startswith("day 2/a/a_0001_") for name in sound)
    segments = json.loads(found["day 2/a.json"])["segments"]
    assert len([name for name in sound if name.startswith("day 2/a/")]) == len(segments)

    # Opened without the engine.
    studio.engine.unload()
    opened = client.post(f"/batches/{batch_id}/files/2/open").json()["query"]
    entry = studio.cache.get(opened.partition("r=")[2].partition("&")[0])
    assert entry is not None and entry.scores.audio.file == "a.flac"
    assert studio.engine.status().state == "not_loaded"
    assert client.post(f"/batches/{batch_id}/files/2/open").json()["query"] == opened
    assert client.post(f"/batches/{batch_id}/files/1/open").status_code == 404


def test_names_that_are_no_text_stop_nothing(
    client: TestClient, odd_folder: Path, studio: Studio
) -> None:
    batch_id = begin(client, folder=str(odd_folder))
    value = ended(client, batch_id)
    stands = {row["name"]: row["state"] for row in value["rows"]}
    assert stands == {"bad\ufffd.flac": "failed", "d\ufffd/in.flac": "failed", "good.flac": "done"}
    notes = [row["note"] for row in value["rows"]]
    assert "not valid Unicode" in notes[0]
    found = files_of(client.get(f"/batches/{batch_id}/labels.zip").content)
    assert set(found) == {"summary.csv", *(f"good{end}" for end in result_suffixes(FORMATS))}
    sound = files_of(client.get(f"/batches/{batch_id}/sound.zip?kind=wav").content)
    assert any(name.startswith("good/") for name in sound)
    studio.runs.settle()
    [noted] = [run for run in studio.runs.history.runs() if run.result_id == batch_id]
    assert noted.file == "odd (1/3)"
    client.delete(f"/batches/{batch_id}")
    refused = client.post("/batches", content=json.dumps({"folder": "\ud800"}))
    assert refused.status_code == 400


ODD_NAMES = [
    'quo"te.flac',
    "<x>&y.flac",
    r"back\slash.flac",
    " lead.flac",
    "CON.flac",
    "plain.flac",
]


def test_files_are_called_as_their_owner_calls_them(
    client: TestClient, folder: Path, studio: Studio
) -> None:
    sound = (folder / "a.flac").read_bytes()
    files = [{"name": f"in/{name}", "size": len(sound)} for name in ODD_NAMES]
    batch_id = begin(client, files=files, formats=["json", "kaldi"])
    for number, name in enumerate(ODD_NAMES):
        upload = client.put("/uploads", params={"name": name}, content=sound).json()["id"]
        client.post(f"/batches/{batch_id}/files/{number}", json={"upload": upload})
    value = ended(client, batch_id)
    assert [row["name"] for row in value["rows"]] == ODD_NAMES
    assert states(value) == ["done"] * len(ODD_NAMES)
    places = ["quote", "x&y", "slash", "lead", "_CON", "plain"]
    safe = "Its results are called {}: a name that every system takes."
    notes = [safe.format(place) for place in places[:-1]]
    assert [row["note"] for row in value["rows"]] == [*notes, ""]
    found = files_of(client.get(f"/batches/{batch_id}/labels.zip").content)
    summary = csv.DictReader(found["summary.csv"].decode("utf-8-sig").splitlines())
    assert [row["file"] for row in summary] == ODD_NAMES
    for name, place in zip(ODD_NAMES, places, strict=True):
        assert json.loads(found[f"{place}.json"])["file"] == name
        assert f"file:{name}" in shlex.split(found[f"{place}.wav.scp"].decode())
    query = client.post(f"/batches/{batch_id}/files/1/open").json()["query"]
    opened = studio.cache.get(query.partition("r=")[2].partition("&")[0])
    assert opened is not None and opened.scores.audio.file == "<x>&y.flac"
    client.delete(f"/batches/{batch_id}")


def test_files_that_are_sent(client: TestClient, folder: Path, studio: Studio) -> None:
    names = ["talks/a.flac", "talks/../../day 2/b.flac", "talks/never.wav", "talks/large.wav"]
    files = [{"name": name, "size": 1000} for name in names]
    before = studio.workspace.size_bytes
    batch_id = begin(client, files=files, options={"max_end_silence_time": 300}, channel="left")
    assert hand_in(client, batch_id, 1, folder / "day 2" / "b.flac") == 200
    assert hand_in(client, batch_id, 0, folder / "a.flac") == 200
    assert hand_in(client, batch_id, 0, folder / "a.flac") == 409
    assert client.post(f"/batches/{batch_id}/files/9", json={}).status_code == 404
    for number in ("9" * 5000, "none"):
        assert client.post(f"/batches/{batch_id}/files/{number}", json={}).status_code == 400
    large = {"problem": "too large"}
    assert client.post(f"/batches/{batch_id}/files/3", json=large).status_code == 200
    batch = studio.batches.find(batch_id)
    assert batch is not None
    while states(client.get(f"/batches/{batch_id}").json())[:2] != ["done", "done"]:
        time.sleep(0.05)
    assert client.get(f"/batches/{batch_id}?sending=1").json()["state"] == "running"
    batch.page_silence_s = 0.0  # whoever sent them is gone
    value = ended(client, batch_id)
    assert states(value) == ["done", "done", "skipped", "failed"]
    assert "too large" in value["rows"][3]["note"] and "page was closed" in value["rows"][2]["note"]
    found = files_of(client.get(f"/batches/{batch_id}/labels.zip").content)
    assert {"a.json", "day 2/b.json", "summary.csv"} < set(found)
    told = json.loads(found["a.json"])
    assert told["options"]["max_end_silence_time"] == 300
    # Some of the rows.
    only = client.get(f"/batches/{batch_id}?only=done&first=1").json()
    assert (only["matching"], [row["n"] for row in only["rows"]]) == (2, [1])
    # Nothing stays of it.
    assert studio.workspace.size_bytes > before
    assert client.delete(f"/batches/{batch_id}").status_code == 200
    assert client.get(f"/batches/{batch_id}").status_code == 404
    assert studio.workspace.size_bytes == before


def test_a_page_that_goes_while_it_sends_is_not_waited_for(
    client: TestClient, folder: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "LEFT_S", 1e9)
    files = [{"name": name, "size": 1000} for name in ("a.flac", "never.flac")]
    batch_id = begin(client, files=files)
    assert hand_in(client, batch_id, 0, folder / "a.flac") == 200
    while states(value := client.get(f"/batches/{batch_id}").json())[0] != "done":
        time.sleep(0.05)
    assert not value["lacks_files"]
    batch = studio.batches.find(batch_id)
    assert batch is not None
    batch.pace.begun_s -= 100
    batch.pace.worked_s -= 90  # all that it did took ten seconds
    assert "left" in client.get(f"/batches/{batch_id}").json()["pace"]
    assert client.post(f"/batches/{batch_id}/left").status_code == 200
    value = client.get(f"/batches/{batch_id}").json()
    assert value["state"] == "running" and value["lacks_files"]
    assert "left" not in value["pace"] and "real time" not in value["pace"]
    # It came back, as it was.
    assert not client.get(f"/batches/{batch_id}?sending=1").json()["lacks_files"]
    client.post(f"/batches/{batch_id}/left")
    monkeypatch.setattr(batch_module, "LEFT_S", 0.0)
    value = ended(client, batch_id)
    assert (value["state"], states(value)) == ("ended", ["done", "skipped"])
    assert value["lacks_files"] and "took 1" in value["pace"] and batch.pace.spent_s < 20
    studio.runs.settle()
    noted = studio.runs.history.runs()[0]
    assert noted.real_time_factor is not None
    assert noted.real_time_factor * batch.pace.audio_ms / 1000 == pytest.approx(batch.pace.spent_s)
    # A page that has the files after all goes on with them.
    assert client.post(f"/batches/{batch_id}/go_on").json() == {"unsent": [1]}
    assert hand_in(client, batch_id, 1, folder / "a.flac") == 200
    assert states(ended(client, batch_id)) == ["done", "done"]
    client.delete(f"/batches/{batch_id}")


def test_stop_keeps_what_is_done(client: TestClient, folder: Path) -> None:
    files = [{"name": f"{n}.flac", "size": 1000} for n in range(3)]
    batch_id = begin(client, files=files)
    assert hand_in(client, batch_id, 0, folder / "a.flac") == 200
    while states(client.get(f"/batches/{batch_id}").json())[0] != "done":
        time.sleep(0.05)
    assert client.post(f"/batches/{batch_id}/stop").status_code == 200
    value = ended(client, batch_id)
    assert (value["state"], states(value)) == ("stopped", ["done", "skipped", "skipped"])
    assert hand_in(client, batch_id, 1, folder / "a.flac") == 409
    assert value["files"] == "1 of 3 files, 2 not reached" and value["fraction"] < 0.5
    assert {row["word"] for row in value["rows"][1:]} == {"not reached"}
    made = "ONNX Runtime · default options · as JSON, RTTM, Praat TextGrid, CSV, Kaldi"
    assert value["made"] == made
    found = files_of(client.get(f"/batches/{batch_id}/labels.zip").content)
    assert set(found) == {"summary.csv", *(f"0{end}" for end in result_suffixes(FORMATS))}


def test_a_batch_that_was_stopped_goes_on(client: TestClient, folder: Path, studio: Studio) -> None:
    before = studio.workspace.size_bytes
    talk = folder / "a.flac"
    files = [{"name": name, "size": talk.stat().st_size} for name in ("a.flac", "b.wav", "a.flac")]
    batch_id = begin(client, files=files, options={"max_end_silence_time": 300})
    refused = client.post(f"/batches/{batch_id}/go_on")
    assert (refused.status_code, refused.text) == (409, "It goes on already, or all of it is done.")
    assert hand_in(client, batch_id, 0, talk) == 200
    assert hand_in(client, batch_id, 1, folder / "broken.wav") == 200
    while states(client.get(f"/batches/{batch_id}").json())[:2] != ["done", "failed"]:
        time.sleep(0.05)
    client.post(f"/batches/{batch_id}/stop")
    value = ended(client, batch_id)
    assert value["can_go_on"] and value["lacks_files"]
    assert value["made"].startswith("ONNX Runtime · End silence 300 ms · as ")
    first = files_of(client.get(f"/batches/{batch_id}/labels.zip").content)

    assert client.post(f"/batches/{batch_id}/go_on").json() == {"unsent": [2]}
    assert hand_in(client, batch_id, 2, talk) == 200
    value = ended(client, batch_id)
    assert (value["state"], states(value)) == ("ended", ["done", "failed", "done"])
    assert value["files"] == "3 of 3 files" and not value["can_go_on"]
    # Both are called the same, and it is said how their results are.
    notes = [row["note"] for row in value["rows"][::2]]
    assert notes == [NAMED.format("a.flac"), NAMED.format("a.flac-2")]
    found = files_of(client.get(f"/batches/{batch_id}/labels.zip").content)
    assert found.pop("summary.csv").count(b"\n") == 4 and first.pop("summary.csv")
    assert set(first) == {name for name in found if "-2." not in name}
    assert all(found[name] == content for name, content in first.items())
    assert client.post(f"/batches/{batch_id}/go_on").status_code == 409  # it is done
    # It is noted how it ended, and nothing of it stays.
    studio.runs.settle()
    assert studio.runs.history.runs()[0].file == "a.flac (2/3)"
    client.delete(f"/batches/{batch_id}")
    assert studio.workspace.size_bytes == before


def test_a_folder_goes_on_by_itself_and_gives_what_the_command_writes(
    client: TestClient, folder: Path, written: dict[str, bytes]
) -> None:
    batch_id = begin(client, folder=str(folder))
    client.post(f"/batches/{batch_id}/stop")
    value = ended(client, batch_id)
    assert value["state"] == "stopped" and value["can_go_on"] and not value["lacks_files"]
    assert client.post(f"/batches/{batch_id}/go_on").json() == {"unsent": []}
    assert states(ended(client, batch_id)) == ["done", "failed", "done", "done"]
    assert files_of(client.get(f"/batches/{batch_id}/labels.zip").content) == written


@pytest.mark.parametrize(
    "body",
    [
        {"folder": "/"},
        {"folder": "{folder}/.."},
        {"folder": "{folder}/out"},
        {"folder": "{folder}/a.flac"},
        {"folder": "{folder}/none"},
        {"folder": "{folder}/" + "x" * 300},
        {"folder": "{folder}/\0"},
        {"files": []},
        {"files": [{"name": "a.wav", "size": 1}] * 51},
        {"files": [{"name": "a.wav"}]},
        {"files": [{"name": "a.wav", "size": 1}], "formats": ["exe"]},
        {"files": [{"name": "a.wav", "size": 1}], "formats": []},
        {"files": [{"name": "a.wav", "size": 1}], "channel": "up"},
        {"files": [{"name": "a.wav", "size": 1}], "engine": "none"},
        {"files": [{"name": "a.wav", "size": 1}], "engine": {}},
        {"files": [{"name": "a.wav", "size": 1}], "options": {"max_end_silence_time": 1}},
    ],
)
def test_what_is_refused(client: TestClient, folder: Path, body: dict[str, Any]) -> None:
    if "folder" in body:
        body = {"folder": body["folder"].format(folder=folder)}
    answer = client.post("/batches", json={"formats": FORMATS, **body})
    assert answer.status_code == 400 and answer.text
    assert "secret" not in answer.text


def test_pages_of_other_sites_begin_nothing(client: TestClient) -> None:
    body = {"files": [{"name": "a.wav", "size": 1}]}
    foreign = {"origin": "https://elsewhere.example"}
    assert client.post("/batches", json=body, headers=foreign).status_code == 403
    assert client.delete("/batches/x", headers=foreign).status_code == 403


def test_the_oldest_that_has_ended_makes_room(client: TestClient, folder: Path) -> None:
    ids = [begin(client, folder=str(folder / "day 2")) for _ in range(3)]
    for batch_id in ids:
        ended(client, batch_id)
    waiting = [begin(client, files=[{"name": "a.wav", "size": 1}]) for _ in range(3)]
    assert [client.get(f"/batches/{old}").status_code for old in ids] == [404, 404, 404]
    answer = client.post("/batches", json={"files": [{"name": "a.wav", "size": 1}]})
    assert answer.status_code == 400 and "MAX_BATCHES" in answer.text
    for batch_id in waiting:
        client.delete(f"/batches/{batch_id}")
