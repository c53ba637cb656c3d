"""What can be wrong is found before anything is measured, and the end is always tidy."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from webui.vad.scorers import missing_package


@pytest.fixture
def environment(environment, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return {**environment, "TMPDIR": str(temporary)}


def left_over(environment):
    return list(Path(environment["TMPDIR"]).iterdir())


@pytest.fixture
def refused(environment):
    """Runs a benchmark that is to be refused; what it says, in English and in Chinese."""

    def run(*arguments, before=(), **more):
        said = []
        for language in ("en", "zh"):
            done = subprocess.run(
                [*before, sys.executable, "-m", "webui", "bench", *map(str, arguments)],
                env={**environment, "FSMN_VAD_LANGUAGE": language},
                capture_output=True,
                encoding="utf-8",
                timeout=120,
                **more,
            )
            assert (done.returncode, done.stdout) == (2, "")
            # No traceback, and no word of progress: nothing was measured.
            lines = [line for line in done.stderr.splitlines() if "run.sh" not in line]
            assert len(lines) == 1, done.stderr
            said.append(lines[0])
        assert not left_over(environment)
        return said

    return run


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "1e9", "0.0001", "38"])
def test_hours_outside_the_range_are_refused(refused, hours):
    english, chinese = refused("--hours", hours)
    assert english.startswith("fsmn-vad: --hours: ") and "is outside 0.01 to 37." in english
    assert "--hours：" in chinese and "超出范围 0.01 至 37" in chinese


@pytest.mark.parametrize(
    ("option", "value", "span"),
    [
        ("--rounds", "0", "1 to 1000"),
        ("--rounds", "-2", "1 to 1000"),
        ("--lengths", "0", "1 to 133200"),
        ("--lengths", "133201", "1 to 133200"),
    ],
)
def test_counts_outside_the_range_are_refused(refused, option, value, span):
    english, _ = refused(option, value)
    assert english == f"fsmn-vad: {option}: {value} is outside {span}."


@pytest.mark.parametrize("kind", ["file", "below a file", "system"])
def test_an_output_that_cannot_be_written_is_found_first(refused, tmp_path, kind):
    file = tmp_path / "file"
    file.touch()
    output = {"file": file, "below a file": file / "x", "system": "/proc/x"}[kind]
    english, chinese = refused("--output", output)
    assert english.startswith(f"fsmn-vad: --output: {output} cannot be written: ")
    assert f"--output：无法写入 {output}（" in chinese


def test_a_disk_that_is_too_small_is_found_first(refused, environment, small_disk):
    temporary = environment["TMPDIR"]
    english, chinese = refused("--lengths", "60", before=small_disk(temporary, 100_000_000))
    assert "TMPDIR: the recordings need 117 MB in " + temporary in english
    assert "where 100 MB are free" in english
    assert f"录音需要 {temporary} 中有 117 MB" in chinese


def test_a_disk_that_refuses_while_it_is_written_is_said(refused, environment):
    def only_a_megabyte():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    english, chinese = refused("--hours", "0.01", "--lengths", "1", preexec_fn=only_a_megabyte)
    assert f"TMPDIR: {environment['TMPDIR']}/fsmn-vad-bench-" in english
    assert "File too large; free some space" in english
    assert "用 TMPDIR 指定其他目录" in chinese


def test_recordings_without_sound_are_refused(refused, tmp_path):
    silent = tmp_path / "empty.wav"
    header = b"WAVEfmt " + (16).to_bytes(4, "little")
    header += b"\x01\x00\x01\x00" + (16000).to_bytes(4, "little") + (32000).to_bytes(4, "little")
    header += b"\x02\x00\x10\x00data" + bytes(4)
    silent.write_bytes(b"RIFF" + len(header).to_bytes(4, "little") + header)
    english, chinese = refused(silent, "--hours", "0.01", "--lengths", "1")
    assert "no sound" in english
    assert "没有声音" in chinese


def test_ended_by_a_signal_it_leaves_nothing(environment):
    command = [sys.executable, "-m", "webui", "bench", "--hours", "0.01", "--lengths", "1"]
    process = subprocess.Popen(
        command,
        env={**environment, "FSMN_VAD_LANGUAGE": "zh"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    # In Chinese as it goes along; with the first round, a process of its own is at work.
    first = process.stderr.readline()
    if missing_package("funasr"):
        assert "本机未安装 FunASR" in first
        first = process.stderr.readline()
    assert first.startswith("fsmn-vad: 第 1 轮，共 3 轮：")
    assert left_over(environment)
    # Twice, as `timeout` does.
    process.send_signal(signal.SIGTERM)
    time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert (out, errors) == ("", "fsmn-vad: 已中断\n")
    assert not left_over(environment)


def test_help_says_what_is_needed_and_where(environment):
    command = [sys.executable, "-m", "webui", "bench", "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    text = " ".join(done.stdout.split())
    assert "TMPDIR" in text and "115 MB for each hour" in text and "461 MB by default" in text
    assert "0.01 to 37" in text and "1 to 1000" in text and "1 to 133200" in text
