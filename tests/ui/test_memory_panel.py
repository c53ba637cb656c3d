"""The System panel: its parts add up, a container's wall counts, and caches can be cleared."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from webui.control_groups import GroupMemory
from webui.engine.messages import GpuMemory
from webui.settings import Settings
from webui.ui import app
from webui.ui.i18n import Texts
from webui.ui.routes import routes
from webui.ui.studio import Studio
from webui.ui.tabs.detection import Detection
from webui.ui.tabs.system import SystemPanel


@pytest.fixture
def studio(model_dir: Path, tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(Settings(engine="onnx", model_dir=model_dir, workspace_directory=tmp_path))
    yield studio
    studio.close()


def actions(values: AsyncIterator[str]) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [json.loads(value) async for value in values]

    return asyncio.run(collect())


def detect(studio: Studio, path: Path) -> str:
    """Upload and detect; the id of the result."""
    client = TestClient(Starlette(routes=[*routes(studio)]))
    upload_id = client.put("/uploads?name=a.flac", content=path.read_bytes()).json()["id"]

    async def follow() -> str:
        detection = Detection(studio, Texts("en"), "./")
        updates = [u async for u in detection.detect("me", "upload", upload_id, "mix", "onnx")]
        return str(updates[-1].result_id)

    return asyncio.run(follow())


def test_one_sweep_that_fails_is_not_the_last(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    swept = threading.Event()

    def sweep() -> None:
        if "sweeping failed" in caplog.text:
            swept.set()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(app, "_SWEEP_S", 0.01)
    monkeypatch.setattr(studio, "sweep", sweep)
    with TestClient(Starlette(lifespan=app.lifespan(studio))):
        assert swept.wait(20)


def test_clearing_caches_tells_what_it_gave_back(studio: Studio, root: Path) -> None:
    sound = root / "assets/audio/english-clean.flac"
    result_id = detect(studio, sound)
    assert studio.cache.get(result_id) and studio.workspace.size_bytes == sound.stat().st_size
    panel = SystemPanel(studio, Texts("en"))
    (cleared,) = actions(panel.clear_caches())
    told = r"Cleared\. Results forgotten: [1-9]\d*; given back: \d+ [kM]B of memory, \d+ kB of disk"
    assert re.match(told, cleared["message"]) and not cleared["is_error"]
    assert cleared["caches"][0]["size"] == cleared["caches"][1]["size"] == "0 MB"
    assert studio.cache.get(result_id) is None
    assert studio.workspace.size_bytes == 0


def test_what_could_not_be_done_is_told_as_an_error(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    studio = Studio(Settings(engine="onnx", model_dir=nothing, workspace_directory=tmp_path))
    try:
        values = actions(SystemPanel(studio, Texts("en")).load("onnx", "me"))
    finally:
        studio.close()
    assert values[-1]["is_error"] and str(nothing) in values[-1]["message"]


def test_a_containers_limit_stands_in_the_machines_place(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = studio.engine.memory()
    group = GroupMemory(limit_bytes=51_200_000_000, used_bytes=40_000_000_000)
    limited = replace(reading, machine=replace(reading.machine, group=group))
    monkeypatch.setattr(studio.sampler, "_read", lambda: limited)
    value = json.loads(SystemPanel(studio, Texts("en")).view(fresh=True))
    assert value["texts"]["whole_name"] == "Container limit"
    assert value["texts"]["whole"] == "40.0 GB" and value["texts"]["whole_of"] == "of 51.2 GB"
    assert ["Free within the container", "11.2 GB", "of 51.2 GB"] in value["facts"]
    assert sum(part["share"] for part in value["whole"]) == pytest.approx(1, abs=0.001)


def test_parts_of_the_whole_add_up(studio: Studio, root: Path) -> None:
    detect(studio, root / "assets/audio/english-clean.flac")
    reading = studio.engine.memory()
    assert list(reading.engine_parts) == ["interpreter", "framework", "model", "warm_up"]
    assert sum(reading.engine_parts.values()) <= 1.1 * reading.engine.own_bytes
    assert reading.engine_parts["framework"] > 1e6 and reading.engine_parts["model"] > 1e6
    value = json.loads(SystemPanel(studio, Texts("en")).view(fresh=True))
    assert sum(part["share"] for part in value["own"]) == pytest.approx(1, abs=0.001)
    assert value["own"][0]["label"].startswith("Engine process, Python and own code: ")
    engine, page = value["processes"][:2]
    assert [engine["kind"], page["kind"]] == ["engine", "page"]
    assert engine["parts"][-1][0] == "Working memory since"


def test_unloading_names_what_is_left(studio: Studio, root: Path) -> None:
    studio.growth.note("interpreter")
    detect(studio, root / "assets/audio/english-clean.flac")
    panel = SystemPanel(studio, Texts("en"))
    told = actions(panel.unload())[-1]["message"]
    assert re.search(
        r"Engine: (\d+) MB → 0 MB, \1 MB given back\. "
        r"Left: [\d.]+ .B \(Python and own code [\d.]+ .B(; Results kept \d+ MB)?[;)]",
        told,
    ), told
    assert "unloaded" not in json.loads(panel.view())  # whoever asked was told


def test_what_was_unloaded_by_itself_is_told(model_dir: Path, tmp_path: Path) -> None:
    settings = Settings(
        engine="onnx", model_dir=model_dir, workspace_directory=tmp_path, idle_unload_s=0.3
    )
    studio = Studio(settings)
    try:
        panels = [SystemPanel(studio, Texts(language)) for language in ("en", "zh")]
        studio.engine.load("onnx").result()
        studio.engine.load("onnx-int8").result()
        detail = json.loads(panels[0].view(fresh=True))["texts"]["detail"]
        assert re.search(r"ONNX Runtime unloaded before, [1-9]\d+ MB given back", detail)
        give_up = time.monotonic() + 60
        while studio.engine.status().state != "not_loaded":
            assert time.monotonic() < give_up
            time.sleep(0.02)
        english, chinese = (json.loads(each.view())["unloaded"]["text"] for each in panels)
        assert re.match(r"Unloaded, since nobody .* Engine: [1-9]\d+ MB → 0 MB,", english)
        assert "已自动卸载" in chinese and "其余占用" in chinese
        studio.engine.load("onnx").result()
        assert "unloaded before" not in json.loads(panels[0].view())["texts"]["detail"]
    finally:
        studio.close()


def test_gpu_figures_of_each_device(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = (
        GpuMemory("A", 1_000_000, 2_000_000, 3_000_000, 8_000_000_000, 7_000_000_000, 400_000_000),
        GpuMemory("B", 5_000_000, 6_000_000, None, 8_000_000_000, 7_000_000_000, None),
    )
    reading = replace(studio.engine.memory(), gpus=cards, gpu_state="present")
    monkeypatch.setattr(studio.sampler, "_read", lambda: reading)
    value = json.loads(SystemPanel(studio, Texts("en")).view(fresh=True))
    assert value["has"]["gpu"] and value["texts"]["gpu"] == "8 MB"
    gpu = [fact for fact in value["facts"] if not fact[0] or fact[0].startswith("GPU")]
    assert gpu == [
        ["GPU: A", "1 MB allocated", ""],
        ["", "2 MB reserved", "of 8.0 GB"],
        ["", "3 MB peak", ""],
        ["", "400 MB CUDA context", ""],
        ["GPU: B", "5 MB allocated", ""],
        ["", "6 MB reserved", "of 8.0 GB"],
    ]
