"""The history's routes and how a run opens: only what this page may open."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from webui.history import Run
from webui.settings import Settings
from webui.ui import past
from webui.ui.batches.batches import Wish
from webui.ui.i18n import Texts
from webui.ui.studio import Studio
from webui.ui.tabs.detection import Detection
from webui.vad.options import VadOptions


def run_of(**changes: Any) -> Run:
    given: dict[str, Any] = {
        "source": "cli",
        "file": "talk.wav",
        "duration_ms": 65_000,
        "channel": "mix",
        "engine": "onnx",
        "options": VadOptions().as_dict(),
        "segments": 7,
        "speech_share": 0.5,
        "real_time_factor": 0.01,
    }
    return Run(**{**given, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "talks"
    folder.mkdir()
    (folder / "a.wav").touch()
    (tmp_path / "secret.wav").touch()
    return folder


@pytest.fixture
def studio(model_dir: Path, tmp_path: Path, folder: Path) -> Iterator[Studio]:
    settings = Settings(
        engine="onnx",
        model_dir=model_dir,
        workspace_directory=tmp_path / "work",
        server_folders=(folder,),
    )
    studio = Studio(settings)
    yield studio
    studio.close()


@pytest.fixture
def client(studio: Studio) -> TestClient:
    return TestClient(Starlette(routes=past.routes(studio)))


@pytest.mark.parametrize(
    ("path", "state", "missing"),
    [
        ("{folder}/a.wav", "file", ""),
        ("{folder}/b.wav", "gone", "outside the folders"),
        ("{folder}/../secret.wav", "gone", "outside the folders"),
        ("/etc/hostname", "gone", "outside the folders"),
        ("", "gone", "The file is gone."),
    ],
)
def test_a_run_opens_by_its_path_below_the_folders_alone(
    studio: Studio, client: TestClient, folder: Path, path: str, state: str, missing: str
) -> None:
    studio.runs.history.add(run_of(path=path.format(folder=folder)))
    (row,) = client.get("/history").json()["rows"]
    assert row["state"] == state and missing in row["missing"]
    recording = Detection(studio, Texts("en"), "./").recording("run", str(row["id"]))
    assert (recording is not None) == (state == "file")


def test_numbers_that_are_no_run(studio: Studio) -> None:
    detection = Detection(studio, Texts("en"), "./")
    for name in ("", "x", "1", "-1", "9" * 30):
        assert detection.recording("run", name) is None
        assert detection.channel_of("run", name, "mix") == "mix"
    studio.runs.history.add(run_of(channel="each"))
    assert detection.channel_of("run", "1", "mix") == "each"
    assert detection.channel_of("demo", "1", "mix") == "mix"


def test_rows_in_both_languages(studio: Studio, client: TestClient) -> None:
    options = VadOptions(max_end_silence_time=300, split_capped=True)
    studio.runs.history.add(run_of(options=options.as_dict(), channel="each", file="<b>.wav"))
    (row,) = client.get("/history").json()["rows"]
    assert (row["file"], row["length"], row["share"]) == ("<b>.wav", "1:05", "50.0%")
    assert "End silence 300 ms · Split long" in row["about"] and row["source"] == "command"
    assert row["query"] == "channel=each&max_end_silence_time=300&split_capped=True"
    (row,) = client.get("/history?language=zh").json()["rows"]
    assert "尾部静音阈值 300" in row["about"] and "毫秒" in row["about"]
    assert (row["source"], row["missing"]) == ("命令行", "文件已不在。")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_batch_is_of_no_file_and_opens_in_its_tab(
    studio: Studio, client: TestClient, folder: Path, root: Path, language: str
) -> None:
    # One of a command, or of a page that is gone: its options are left, and nothing is missing.
    studio.runs.history.add(run_of(source="batch", file="talks (7)", result_id="of-another"))
    (row,) = client.get(f"/history?language={language}").json()["rows"]
    assert (row["state"], row["missing"], row["tab"]) == ("gone", "", "batch")
    assert row["query"] == "channel=mix&max_end_silence_time=800"

    shutil.copy(root / "assets" / "audio" / "english-clean.flac", folder / "a.wav")
    wish = Wish(VadOptions(), "mix", "onnx", ("json",), folder=str(folder))
    batch = studio.batches.begin(wish)
    batch.join(60)
    row = client.get(f"/history?language={language}").json()["rows"][0]
    assert (row["state"], row["missing"], row["tab"]) == ("kept", "", "batch")
    assert (row["file"], row["query"]) == ("talks (1)", f"tab=batch&batch={batch.id}")
    # Each of its files leads to it.
    name = batch.rows[0].name
    assert name not in row["file"]
    found = client.get("/history", params={"search": name}).json()["rows"]
    assert [each["id"] for each in found] == [row["id"]]
    assert client.get("/history", params={"search": f"no-{name}"}).json()["rows"] == []
    studio.batches.remove(batch)
    row = client.get(f"/history?language={language}").json()["rows"][0]
    assert (row["state"], row["missing"]) == ("gone", "")


def test_search_limit_and_clearing(studio: Studio, client: TestClient) -> None:
    for number in range(5):
        studio.runs.history.add(run_of(file=f"{number}.wav"))
    found = client.get("/history?shown=2").json()
    assert found["count"] == 5 and [row["file"] for row in found["rows"]] == ["4.wav", "3.wav"]
    assert client.get("/history?search=3.wav").json()["count"] == 1
    # What a person reads of a run finds it, too.
    assert client.get("/history?search=命令行&language=zh").json()["count"] == 5
    assert client.delete("/history").json() == {"cleared": 5}
    assert client.get("/history").json() == {"count": 0, "rows": []}


def test_what_is_wrong_is_told(studio: Studio, client: TestClient) -> None:
    studio.runs.history.add(run_of())
    other = sqlite3.connect(studio.settings.history_file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        answer = client.get("/history?language=zh")
    finally:
        other.close()
    assert answer.status_code == 503 and "被其他程序锁定" in answer.text
