"""The batch as a shell runs it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import pytest

from webui.batch.work import process
from webui.cli import main


@pytest.fixture(scope="module")
def environment(environment, tmp_path_factory):
    return {
        **environment,
        "FSMN_VAD_WORKSPACE_DIRECTORY": str(tmp_path_factory.mktemp("workspace")),
        "FSMN_VAD_HISTORY_FILE": str(tmp_path_factory.mktemp("history") / "history.sqlite"),
        "FSMN_VAD_HISTORY_RUNS": "5",
    }


@pytest.fixture(scope="module")
def command():
    def arguments(*given):
        return [sys.executable, "-m", "webui", *map(str, given)]

    return arguments


@pytest.fixture(scope="module")
def fsmn_vad(environment, command):
    def run(*arguments, before=(), **changes):
        return subprocess.run(
            [*before, *command(*arguments)],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=120,
            env={**environment, **changes},
        )

    return run


@pytest.fixture(scope="module")
def demos(root):
    return root / "assets" / "audio"


@dataclass(frozen=True)
class Ran:
    """What a command in this process did."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def fsmn_vad_here(environment, monkeypatch, capsys):
    """The command in this process, the model loaded once: quick, where processes are no matter."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    class InThisProcess:
        def __init__(self, workers, threads):
            pass

        def __call__(self, tasks, order):
            yield from (process(task, order) for task in tasks)

    monkeypatch.setattr("webui.batch.local.LocalProcesses", InThisProcess)

    def run(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
