"""Every example of the documentation: those that are marked as runnable, against a real server,
and each command of the READMEs."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT
from webui.cli import build_parser

DOCUMENTS = [ROOT / "README.md", ROOT / "README_zh.md", *sorted((ROOT / "docs").glob("*.md"))]
# <!-- runnable: what it prints --> and the fence after it.
MARK = re.compile(
    r"<!-- runnable: (?P<prints>.+?) -->\n```(?P<kind>\w+)\n(?P<code>.*?)```", re.DOTALL
)
EXAMPLES = [
    pytest.param(found["kind"], found["code"], found["prints"], id=f"{path.name}-{number}")
    for path in DOCUMENTS
    for number, found in enumerate(MARK.finditer(path.read_text(encoding="utf-8")))
]
USUAL = "127.0.0.1:7860"
READMES = DOCUMENTS[:2]
UNMARKED = re.compile(r"(?<! -->)\n```(?P<kind>\w+)\n(?P<code>.*?)```", re.DOTALL)


def blocks(path: Path, kind: str) -> list[str]:
    """The blocks of a kind that are not marked."""
    text = path.read_text(encoding="utf-8")
    return [found["code"] for found in UNMARKED.finditer(text) if found["kind"] == kind]


# What serves for ever, or takes minutes or all engines; each has tests of its own.
LONG = ("", "test", "bench", "doctor")
COMMANDS = list(
    dict.fromkeys(
        re.sub(r"\s+#.*", "", line)
        for path in READMES
        for code in blocks(path, "bash")
        for line in code.splitlines()
        if not line.startswith("scripts/check")  # the linters, which CI runs beside the tests
    )
)


@pytest.fixture(scope="module")
def address(
    root: Path, model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, dict[str, str]]]:
    directory = tmp_path_factory.mktemp("examples")
    for name in ("talk.flac", "talk.mp3"):
        shutil.copy(root / "assets" / "audio" / "english-clean.flac", directory / name)
    command = directory / "bin" / "fsmn-vad"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m webui "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(command.parent), os.environ["PATH"])),
        "PYTHONPATH": str(root),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_WORKSPACE_DIRECTORY": str(directory / "work"),
        "FSMN_VAD_HISTORY_RUNS": "20",
    }
    log = directory / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "webui", "serve", "--port", str(port)],
            env=environment,
            stderr=stream,
        )
    prepare(directory)
    try:
        for _ in range(400):
            if process.poll() is not None or "FSMN-VAD Studio" in log.read_text("utf-8"):
                break
            time.sleep(0.25)
        yield f"127.0.0.1:{port}", directory, environment
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(("kind", "code", "prints"), EXAMPLES)
def test_example(
    address: tuple[str, Path, dict[str, str]], kind: str, code: str, prints: str
) -> None:
    here, directory, environment = address
    commands = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    if kind == "bash" and "curl" in code and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    done = subprocess.run(
        [*commands[kind], code.replace(USUAL, here)],
        cwd=directory,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert prints in done.stdout


def test_each_way_has_an_example() -> None:
    """curl, gradio_client, Python and the command line, in docs/api.md."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    code = "\n".join(found["code"] for found in MARK.finditer(text))
    for way in ("curl ", "gradio_client", "Detector(", "fsmn-vad detect"):
        assert way in code


def prepare(directory: Path) -> None:
    """Make what the commands of the READMEs name: recordings, and programs that are not here."""
    samples, rate_hz = soundfile.read(directory / "talk.flac", dtype="int16")
    for name in ("FILE", "文件", "call.wav", "meeting.mp4", "corpus/a.wav"):
        (directory / name).parent.mkdir(exist_ok=True)
        sound = np.stack([samples, samples], axis=1) if name == "call.wav" else samples
        soundfile.write(directory / name, sound, rate_hz, format="WAV")
    (directory / "samples").write_bytes(samples.tobytes())
    for name in (".local/share/bash-completion/completions", ".config/fish/completions", "zsh"):
        (directory / name).mkdir(parents=True)
    given = {"arecord": "cat call.wav", "rec": "cat call.wav", "ffmpeg": "cat samples"}
    for name, script in given.items():
        (directory / "bin" / name).write_text(f"#!/bin/sh\nexec {script}\n", encoding="utf-8")
        (directory / "bin" / name).chmod(0o755)
    (directory / "run.sh").symlink_to(directory / "bin" / "fsmn-vad")


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readmes(address: tuple[str, Path, dict[str, str]], command: str) -> None:
    _, directory, environment = address
    program, *arguments = command.split()
    assert program in ("./run.sh", "fsmn-vad", "arecord", "ffmpeg", "rec")
    if program == "./run.sh" and (arguments or [""])[0] in LONG:
        if arguments and arguments[0] != "test":
            build_parser("en").parse_args(arguments)
        return
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"fpath=(. zsh)\n{command}"],
        cwd=directory,
        env={**environment, "HOME": str(directory)},
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    written = re.search(r"(?:> |--(?:figure|cut|speech-only|output|save-segments) )(\S+)", command)
    if written is None:
        assert done.stdout or "history" in command
    elif "~" not in command and "$" not in command:
        assert (directory / written[1]).exists()


def test_live_example_of_the_readmes(
    address: tuple[str, Path, dict[str, str]],
) -> None:
    _, directory, environment = address
    pieces = """
        import numpy, soundfile
        sound = numpy.repeat(soundfile.read("talk.flac", dtype="int16")[0], 6).tobytes()
        pieces = [sound[at : at + 10_001] for at in range(0, len(sound), 10_001)]
        from webui.vad import Detector, VadOptions
        detector = Detector(engine="onnx")
        """
    for path in READMES:
        (code,) = blocks(path, "python")
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(pieces) + code],
            cwd=directory,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        kinds = [line.split()[0] for line in done.stdout.splitlines()]
        assert kinds[:4] == ["speech_start", "speech_end"] * 2


def test_an_extra_is_installed_into_the_installation_as_it_is():
    """Without -e, pip puts a copy in the place of what run.sh installed, without its demos."""
    said = []
    for path in [*DOCUMENTS, *sorted((ROOT / "webui").rglob("*.py"))]:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"pip install\b[^`]*\.\[\w+\]", line):
                said.append((path.name, " -e " in line))
    assert {"README.md", "README_zh.md", "api.md", "mcp.py", "cluster.py"} <= {n for n, _ in said}
    assert not [name for name, is_in_place in said if not is_in_place]


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_every_setting_that_is_named_stands_in_the_table(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    tabled = " ".join(line for line in lines if line.startswith("| `FSMN_VAD_"))
    named = set(re.findall(r"FSMN_VAD_[A-Z_]*[A-Z]", " ".join(lines)))
    assert named and not {name for name in named if f"`{name}`" not in tabled}
