"""The doctor: each thing that can be wrong is found, told in both languages, with what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from webui.cli import main
from webui.control_groups import GroupMemory
from webui.doctor import CHECKS, Finding, examine, models, worst
from webui.errors import EngineError
from webui.settings import Settings
from webui.vad.scorers import SCORERS


@pytest.fixture
def settings(model_dir: Path, tmp_path: Path) -> Settings:
    return Settings(
        engine="onnx",
        model_dir=model_dir,
        workspace_directory=tmp_path / "work",
        models_directory=tmp_path / "store",
    )


def check(name: str, settings: Settings) -> Finding:
    (finding,) = CHECKS[name](settings)
    assert re.search("[\u4e00-\u9fff]", finding.text["zh"]) or name == "python"
    assert bool(finding.advice["en"]) == bool(finding.advice["zh"])
    return finding


@pytest.mark.parametrize("name", ["python", "model", "audio", "workspace", "history"])
def test_what_is_well(settings: Settings, name: str) -> None:
    assert check(name, settings).level == "ok"


def test_files_of_the_model(settings: Settings, tmp_path: Path, model_dir: Path) -> None:
    from dataclasses import replace

    own = tmp_path / "own"
    shutil.copytree(model_dir, own)
    (own / "am.mvn").write_text("other", encoding="utf-8")
    altered = check("model", replace(settings, model_dir=own))
    assert altered.level == "warn" and "am.mvn (size)" in altered.text["en"]
    (own / "am.mvn").unlink()
    lacking = check("model", replace(settings, model_dir=own))
    assert lacking.level == "fail" and "FSMN_VAD_MODEL_DIR" in lacking.text["en"]
    absent = check("model", replace(settings, model_dir=None))
    assert absent.level == "fail" and "models fetch" in absent.advice["zh"]


def test_graphs_are_missed_until_they_are_prepared(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = check("graphs", settings)
    assert before.level == "warn" and "models prepare" in before.advice["en"]
    monkeypatch.setenv("FSMN_VAD_MODELS_DIRECTORY", str(settings.models_directory))
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(settings.model_dir))
    assert main(["models", "prepare"]) == 0
    assert check("graphs", settings).level == "ok"


def test_engines_are_loaded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(models, "SCORERS", {"onnx": SCORERS["onnx"]})
    (well,) = models.engines(settings)
    assert well.level == "ok" and "the default" in well.text["en"]
    nowhere = replace(settings, model_dir=settings.models_directory)
    (ill,) = models.engines(nowhere)
    assert ill.level == "fail" and "cannot be used" in ill.text["en"]
    (other,) = models.engines(replace(nowhere, engine="onnx-int8"))
    assert other.level == "warn"


def test_an_engine_that_is_not_chosen_is_not_loaded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = models.Engine.load

    def listed(engine: models.Engine, name: str) -> Any:
        loaded.append(name)
        return load(engine, name)

    monkeypatch.setattr(models.Engine, "load", listed)
    monkeypatch.setattr("webui.vad.scorers.missing_package", lambda name: None)
    # The weights of an engine that is not installed here need not be here.
    monkeypatch.setattr(models.weights, "find", lambda **given: settings.model_dir)
    found = {finding.check: finding for finding in models.engines(settings)}
    assert loaded == ["onnx"] and {finding.level for finding in found.values()} == {"ok"}
    assert "not loaded" in found["engine funasr"].text["en"]
    assert "未加载" in found["engine onnx-int8"].text["zh"]
    monkeypatch.setattr(
        "webui.vad.scorers.missing_package", lambda name: "torch" if name == "funasr" else None
    )
    found = {finding.check: finding for finding in models.engines(settings)}
    assert found["engine funasr"].level == "warn" and "torch" in found["engine funasr"].text["zh"]


def test_packages_that_are_missing_old_or_new(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version
    versions = {"gradio": "5.0", "psutil": "99.0"}

    def version(name: str) -> str:
        if name == "matplotlib":
            raise metadata.PackageNotFoundError(name)
        return versions.get(name, real(name))

    monkeypatch.setattr(metadata, "version", version)
    found = {finding.level: finding.text["en"] for finding in CHECKS["packages"](settings)}
    texts = [finding.text["en"] for finding in CHECKS["packages"](settings)]
    assert set(found) >= {"fail", "warn"}
    assert "missing: matplotlib" in texts
    assert any("gradio 5.0 (" in text and "6.31" in text for text in texts)
    assert any("psutil 99.0 (" in text for text in texts)


def test_places_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "work").touch()
    finding = check("workspace", settings)
    assert finding.level == "fail" and "FSMN_VAD_WORKSPACE_DIRECTORY" in finding.advice["zh"]


def test_little_room(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    for free, level in ((10**9, "warn"), (10**6, "fail")):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage._replace(free=free))
        finding = check("disk", settings)
        assert finding.level == level and "FSMN_VAD_WORKSPACE_BYTES" in finding.advice["en"]


def test_a_locked_or_damaged_history(settings: Settings) -> None:
    settings.history_file.parent.mkdir()
    settings.history_file.write_bytes(b"nonsense" * 1000)
    finding = check("history", settings)
    assert finding.level == "warn" and "--clear" in finding.text["en"]
    settings.history_file.unlink()
    sqlite3.connect(settings.history_file).close()
    assert check("history", settings).level == "ok"


def test_the_port(settings: Settings) -> None:
    from dataclasses import replace

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finding = check("page", replace(settings, port=port))
    assert finding.level == "warn" and str(port) in finding.text["zh"]
    assert check("page", replace(settings, host="0.0.0.0")).level == "fail"


def test_a_check_that_breaks_is_a_finding(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: Settings) -> list[Finding]:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr("webui.doctor.rounds.CHECKS", {"odd": broken})
    (finding,) = examine(settings)
    assert finding.level == "fail" and "nobody thought of this" in finding.text["zh"]
    assert worst([finding]) == "fail" and worst([]) == "ok"


def test_the_command(tmp_path: Path, root: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "FSMN_VAD_MODEL_DIR": str(tmp_path / "nothing"),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_LANGUAGE": "en",
    }

    def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "webui", "doctor", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")

    run = doctor("--json")
    assert run.returncode == 1, run.stderr
    report = json.loads(run.stdout)
    levels = {each["check"]: each["level"] for each in report["checks"]}
    assert report["level"] == "fail" and levels["model"] == levels["engine onnx"] == "fail"
    assert levels["python"] == levels["audio"] == "ok"
    assert doctor("--nonsense").returncode == 2


def test_the_command_s_lines(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {name: CHECKS[name] for name in ("python", "graphs")}
    monkeypatch.setattr("webui.doctor.rounds.CHECKS", kept)
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(settings.model_dir))
    monkeypatch.setenv("FSMN_VAD_MODELS_DIRECTORY", str(settings.models_directory))
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "zh")
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    first, second, advice = said.out.splitlines()
    assert first.startswith("ok    python: Python 3.")
    assert second.startswith("warn  graphs: 尚未生成") and "models prepare" in advice
    assert said.err == ""  # what it does is told to a terminal alone


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_on_a_terminal_it_says_what_takes_so_long(
    more: list[str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown: list[str] = []  # on the terminal's last line, as each check runs

    def slow(settings: Settings) -> Iterator[Finding]:
        for name in ("one", "two"):
            shown.append(capsys.readouterr().err.rpartition("\033[K")[2])
            yield Finding(name, "ok", {"en": "well"}, {"en": ""})

    monkeypatch.setattr("webui.doctor.rounds.CHECKS", {"engines": slow})
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "en")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["doctor", *more]) == 0
    # Between two lines of the report it is shown again; without lines, it stays.
    assert shown == ["checking: engines ...", "" if more else "checking: engines ..."]
    assert capsys.readouterr().err.endswith("\033[K")


def test_on_a_terminal_it_says_that_the_model_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(settings: Settings) -> None:
        assert capsys.readouterr().err.endswith("\033[K正在加载模型 …")
        raise EngineError(reason="it is enough")

    monkeypatch.setattr("webui.doctor.examine_memory", load)
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "zh")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["doctor", "--memory"]) == 1
    assert capsys.readouterr().err.startswith("\r\033[Kfsmn-vad: ")


def test_memory_is_measured_with_the_model_and_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model_dir: Path
) -> None:
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(model_dir))
    monkeypatch.setenv("FSMN_VAD_ENGINE", "onnx")
    assert main(["doctor", "--memory", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    loaded = report["loaded"]
    assert report["choice"]["engine"] == "onnx" and report["room"]["left_bytes"] > 0
    assert 20e6 < loaded["engine"]["rss_bytes"] <= loaded["engine"]["peak_rss_bytes"]
    assert set(loaded["engine_parts"]) == {"interpreter", "framework", "model", "warm_up"}
    assert report["unloaded"]["engine"]["processes"] == 0
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "zh")
    assert main(["doctor", "--memory"]) == 0
    assert "已卸载：引擎进程" in capsys.readouterr().out


@pytest.mark.parametrize(("free_mb", "level"), [(100, "fail"), (500, "warn")])
def test_the_limit_of_a_container_counts(
    free_mb: int, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = GroupMemory(4_000_000_000, 4_000_000_000 - free_mb * 1_000_000)
    monkeypatch.setattr("webui.memory_room.memory_limit", lambda: limit)
    finding = check("memory", Settings())
    assert finding.level == level and f"{free_mb / 1000:.1f} GB" in finding.text["en"]
