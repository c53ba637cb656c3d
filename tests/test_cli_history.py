"""``fsmn-vad history``, and what ``detect`` notes in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from webui.cli import main


@pytest.fixture
def environment(root, model_dir, tmp_path, monkeypatch):
    changes = {
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_LANGUAGE": "en",
        "FSMN_VAD_HISTORY_RUNS": "2",
        "FSMN_VAD_WORKSPACE_DIRECTORY": str(tmp_path / "work"),
    }
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, "PYTHONPATH": str(root)}


def detect(environment, *arguments):
    command = [sys.executable, "-m", "webui", "detect", *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=120
    )


def test_detect_is_noted_and_listed(environment, root, capsys):
    assert main(["history"]) == 0
    assert "nothing was run yet" in capsys.readouterr().err
    audio = [
        root / "assets" / "audio" / f"{name}.flac"
        for name in ("chinese-clean", "english-clean", "english-clean")
    ]
    run = detect(environment, "--max-end-silence-time", "300", *audio)
    assert (run.returncode, run.stderr) == (0, "")
    results = [json.loads(line) for line in run.stdout.splitlines()]

    assert main(["history", "--json"]) == 0
    noted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["file"] for entry in noted] == ["english-clean.flac"] * 2
    assert noted[0]["segments"] == len(results[-1]["segments"])
    assert noted[0]["options"] == results[-1]["options"]
    assert noted[0]["path"] == str(audio[-1]) and noted[0]["source"] == "cli"
    speech_ms = sum(s["end_ms"] - s["start_ms"] for s in results[-1]["segments"])
    assert noted[0]["speech_share"] == pytest.approx(speech_ms / results[-1]["duration_ms"])
    assert noted[0]["real_time_factor"] == pytest.approx(results[-1]["real_time_factor"], abs=1e-6)

    assert main(["history", "--limit", "1"]) == 0
    title, row = capsys.readouterr().out.splitlines()
    assert title.startswith("TIME") and "english-clean.flac" in row and "0:25" in row
    assert main(["history", "--search", "chinese"]) == 0
    assert "no run has these words" in capsys.readouterr().err
    assert main(["history", "--clear"]) == 0
    assert "forgotten: 2" in capsys.readouterr().err
    assert main(["history", "--json"]) == 0
    assert capsys.readouterr().out == ""


def test_a_history_that_cannot_be_written_loses_no_result(environment, root, tmp_path):
    (tmp_path / "work").touch()
    audio = root / "assets" / "audio" / "english-clean.flac"
    run = detect(environment, audio, audio)
    assert run.returncode == 0 and len(run.stdout.splitlines()) == 2
    assert run.stderr.count("FSMN_VAD_HISTORY_RUNS=0") == 1
    assert detect({**environment, "FSMN_VAD_HISTORY_RUNS": "0"}, audio).stderr == ""


def test_a_damaged_history_is_begun_anew(environment, root, tmp_path, capsys):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "history.sqlite3").write_bytes(b"damaged" * 1000)
    assert main(["history"]) == 1
    assert "--clear" in capsys.readouterr().err
    run = detect(environment, root / "assets" / "audio" / "english-clean.flac")
    assert run.returncode == 0 and run.stdout and "history.sqlite3.damaged" in run.stderr
    assert main(["history", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("limit", ["0", "-1"])
@pytest.mark.parametrize(("language", "told"), [("en", "less than 1"), ("zh", "小于 1")])
def test_a_limit_that_lists_nothing_is_wrong_usage(
    environment, capsys, monkeypatch, limit, language, told
):
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", language)
    assert main(["history", "--limit", limit]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "--limit" in said.err and told in said.err


def test_wide_names_keep_the_columns(environment, tmp_path, capsys, monkeypatch):
    from tests.test_history import run_of
    from webui.history import History

    history = History(tmp_path / "work" / "history.sqlite3", 2)
    history.add(run_of("会议\x1b[2J录音.wav", engine="onnx-int8"))
    history.add(run_of("long" * 30))
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "zh")
    assert main(["history"]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text and text.startswith("时间") and "…" in text
