"""The page's runs in the history: each once, with the options that it was shown with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from webui.settings import Settings
from webui.ui.i18n import Texts
from webui.ui.studio import Studio
from webui.ui.tabs.detection import Detection
from webui.vad.options import VadOptions

FEW = VadOptions(max_end_silence_time=300)


@pytest.fixture
def studio(model_dir: Path, tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(Settings(engine="onnx", model_dir=model_dir, workspace_directory=tmp_path))
    yield studio
    studio.close()


def detect(studio: Studio, name: str = "english-clean") -> tuple[Detection, str]:
    detection = Detection(studio, Texts("en"), "./")

    async def last() -> str:
        updates = [each async for each in detection.detect("me", "demo", name, "mix", "onnx")]
        return updates[-1].result_id or ""

    return detection, asyncio.run(last())


def test_a_run_is_noted_once_with_its_options(studio: Studio) -> None:
    detection, result_id = detect(studio)
    for options in (FEW, VadOptions(), FEW):
        detection.show(result_id, list(options.as_dict().values()))
    studio.runs.settle()
    (run,) = studio.runs.history.runs()
    assert (run.source, run.result_id, run.engine) == ("page", result_id, "onnx")
    assert run.vad_options() == FEW
    entry = studio.cache.get(result_id)
    assert entry is not None and run.segments == len(entry.scores.segments(FEW))
    assert run.path == str(studio.demos["english-clean"])


def test_a_history_that_cannot_be_written_is_told_in_the_log(
    studio: Studio, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "history.sqlite3").mkdir()
    detection, result_id = detect(studio)
    with caplog.at_level(logging.WARNING):
        value, _ = detection.show(result_id, list(FEW.as_dict().values()))
        studio.runs.settle()
    assert value is not None and "FSMN_VAD_HISTORY_RUNS=0" in caplog.text
