"""Cut sound as a download: the very samples, streamed, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import soundfile
from starlette.applications import Starlette
from starlette.testclient import TestClient

from webui.settings import Settings
from webui.ui import cutting
from webui.ui.studio import Studio
from webui.ui.workspace import Recording


@pytest.fixture(scope="module")
def studio(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    workspace = tmp_path_factory.mktemp("workspace")
    studio = Studio(Settings(engine="onnx", model_dir=model_dir, workspace_directory=workspace))
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    samples, rate = soundfile.read(
        root / "assets" / "audio" / "two-voices-telephone.flac", dtype="int16"
    )
    path = tmp_path_factory.mktemp("talks") / "a call.wav"
    soundfile.write(path, samples, rate, "PCM_16")
    return path


@pytest.fixture(scope="module")
def result(studio: Studio, recording: Path) -> str:
    tracks = studio.engine.submit(recording, channel="each").result()
    return studio.cache.put(Recording(recording), tracks)


@pytest.fixture
def client(studio: Studio) -> TestClient:
    return TestClient(Starlette(routes=cutting.routes(studio)))


def test_segments_are_the_samples_of_the_recording(
    client: TestClient, result: str, recording: Path
) -> None:
    samples, rate = soundfile.read(recording, dtype="int16")
    for kind in ("wav", "flac"):
        answer = client.get(f"/results/{result}/cuts.zip", params={"kind": kind})
        assert answer.status_code == 200, answer.text
        assert "a%20call-segments.zip" in answer.headers["content-disposition"]
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        assert archive.testzip() is None
        rows = list(csv.DictReader(io.StringIO(archive.read("cuts.csv").decode())))
        labels = json.loads(archive.read("a call.json"))
        assert len(rows) == len(labels["segments"]) > 2
        assert {row["channel"] for row in rows} == {"left", "right"}
        for row in rows:
            piece, piece_rate = soundfile.read(io.BytesIO(archive.read(row["name"])), dtype="int16")
            first, side = int(row["first_sample"]), ["left", "right"].index(row["channel"])
            assert piece_rate == rate and len(piece) == int(row["samples"])
            assert np.array_equal(piece, samples[first : first + len(piece), side])


def test_a_name_that_is_no_text_stops_no_download(
    client: TestClient, studio: Studio, recording: Path, tmp_path: Path
) -> None:
    odd = tmp_path / os.fsdecode(b"bad\xff.wav")
    try:
        shutil.copy(recording, odd)
    except OSError:
        pytest.skip("this file system takes no such names")
    result = studio.cache.put(Recording(odd), studio.engine.submit(odd).result())
    for file in ("cuts.zip", "speech?kind=wav"):
        answer = client.get(f"/results/{result}/{file}")
        assert answer.status_code == 200 and answer.content
        assert quote("bad\ufffd-") in answer.headers["content-disposition"]


def test_speech_in_a_row(client: TestClient, result: str) -> None:
    def seconds(**given: Any) -> float:
        answer = client.get(f"/results/{result}/speech", params=given)
        return float(soundfile.info(io.BytesIO(answer.content)).duration)

    alone, pauses = seconds(kind="flac"), seconds(max_pause_ms=300, kind="wav", rate="16k")
    assert 0 < alone < pauses


def test_what_is_refused(
    client: TestClient, studio: Studio, result: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/results/{result}/cuts.zip"
    assert client.get("/results/none/cuts.zip").status_code == 404
    assert client.get(address, params={"edited": 1}).status_code == 404
    assert client.get(address, params={"max_end_silence_time": 1}).status_code == 400
    for pause in ("9" * 5000, "long", "-1"):
        answer = client.get(f"/results/{result}/speech", params={"max_pause_ms": pause})
        assert answer.status_code == 400 and "max_pause_ms" in answer.text
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    tracks = studio.cache.get(result).tracks  # type: ignore[union-attr]
    answer = client.get(f"/results/{studio.cache.put(Recording(broken), tracks)}/cuts.zip")
    assert answer.status_code == 400 and "broken.wav" in answer.text
    gone = studio.cache.put(Recording(tmp_path / "gone.wav"), tracks)
    assert client.get(f"/results/{gone}/speech").status_code == 404
    monkeypatch.setattr(cutting, "_MOST_AT_ONCE", 0)
    assert client.get(address, params={"language": "zh"}).status_code == 503


def test_who_leaves_ends_the_process(studio: Studio, client: TestClient, result: str) -> None:
    with client.stream("GET", f"/results/{result}/speech") as answer:
        assert answer.status_code == 200
    assert studio.cutters._running == set()
    assert studio.cutters._begun == 0
