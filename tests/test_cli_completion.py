"""Shell completion, asked of the shells themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from webui.cli import main


@pytest.fixture
def script(tmp_path, capsys, monkeypatch):
    def write(shell: str) -> Path:
        monkeypatch.setenv("FSMN_VAD_LANGUAGE", "en")
        assert main(["completion", shell]) == 0
        path = tmp_path / f"completion.{shell}"
        path.write_text(capsys.readouterr().out, encoding="utf-8")
        return path

    return write


def shell(*command: object, **options) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        list(map(str, command)), capture_output=True, encoding="utf-8", timeout=60, **options
    )
    assert done.stderr == ""
    return done.stdout


_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
function=$(complete -p fsmn-vad | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function fsmn-vad "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["det"], "detect"),
        (["hi"], "history"),
        (["detect", "--max-end"], "--max-end-silence-time"),
        (["detect", "--preset", "tele"], "telephone"),
        (["models", "ver"], "verify"),
        (["detect", "ta"], "talk.wav"),
    ],
)
def test_bash(script, tmp_path, words, offered):
    (tmp_path / "talk.wav").touch()
    command = ["bash", "--norc", "-c", _BASH, "bash", script("bash"), "fsmn-vad", *words]
    assert offered in shell(*command, cwd=tmp_path).splitlines()


def test_fish(script, tmp_path):
    code = f"source {script('fish')}; complete -C 'fsmn-vad detect --preset '"
    names = {line.split("\t")[0] for line in shell("fish", "--no-config", "-c", code).splitlines()}
    assert {"meeting", "telephone"} <= names


def test_zsh(script):
    path = script("zsh")
    assert path.read_text(encoding="utf-8").startswith("#compdef fsmn-vad")
    shell("zsh", "-n", path)


def test_another_shell_is_refused():
    with pytest.raises(SystemExit) as ended:
        main(["completion", "tcsh"])
    assert ended.value.code == 2
