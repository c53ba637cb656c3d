"""run.sh with real bash, venv and pip, on a small project that needs no registry.

The project is this one's run.sh, constraints, manifest and weights, with a command
line that tells how it was called, and a build backend that needs no download.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "demo-studio"
version = "1.0"
"""

# What pip asks of a build backend, for an editable install.
BACKEND = """
import os
import pathlib
import time
import zipfile

META = "demo_studio-1.0.dist-info"

def build_editable(directory, config_settings=None, metadata_directory=None):
    if os.environ.get("DEMO_SLOW"):
        pathlib.Path(os.environ["DEMO_SLOW"]).touch()
        time.sleep(60)
    name = "demo_studio-1.0-0.editable-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory) / name, "w") as wheel:
        paths = [str(pathlib.Path.cwd()), os.environ.get("DEMO_PATH", "")]
        wheel.writestr("demo_studio.pth", "\\n".join(paths))
        wheel.writestr(f"{META}/METADATA", (
            "Metadata-Version: 2.1\\nName: demo-studio\\nVersion: 1.0\\n"
            "Provides-Extra: funasr\\nRequires-Dist: demo-heavy; extra == 'funasr'\\n"
        ))
        wheel.writestr(f"{META}/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(
            f"{META}/entry_points.txt", "[console_scripts]\\nfsmn-vad = webui.cli:main\\n"
        )
        wheel.writestr(f"{META}/RECORD", "")
    return name
"""

CLI = """
import json, os, pathlib, sys

def main():
    arguments = sys.argv[1:]
    if arguments == ["models", "fetch"]:
        print("fetching")
        target = os.environ.get("DEMO_FETCH_TO")
        for name in ("model.pt", "model.onnx", "am.mvn", "config.yaml", "configuration.json"):
            if target:
                pathlib.Path(target, name).touch()
        return 0 if target else 1
    if "--fail" in arguments:
        return 3
    print(json.dumps({"arguments": arguments, "cwd": os.getcwd(), "pid": os.getpid()}), flush=True)
    if "--hang" in arguments:
        sys.stdin.read()
    return 0
"""


@dataclass
class Project:
    """A copy of the tree, and the environment variables that its run.sh is called with."""

    tree: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def venv(self) -> Path:
        return self.tree / ".venv"

    def start(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.tree / "run.sh"), *arguments],
            cwd=cwd or self.tree.parent,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, cwd=cwd)
        out, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, errors)

    def works(self, *arguments: str) -> str:
        """Run, expect success, and return what was written to standard error."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def fails(self, *arguments: str) -> str:
        """Run, expect a failure that is explained in its last line, and return that."""
        done = self.run(*arguments)
        assert done.returncode not in (0, None)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        lines = done.stderr.splitlines()
        assert all(line.startswith("run.sh: ") for line in lines), done.stderr
        return lines[-1]

    def has(self, package: str) -> bool:
        return bool(list(self.venv.glob(f"lib/python*/site-packages/{package}-*.dist-info")))


def _make(folder: Path, root: Path) -> Project:
    tree = folder / "a path with spaces"
    (tree / "webui").mkdir(parents=True)
    (tree / "models").mkdir()
    shutil.copy(root / "run.sh", tree)
    shutil.copy(root / "constraints.txt", tree)
    shutil.copy(root / "models" / "manifest.toml", tree / "models")
    modules = ("__init__", "errors", "model_errors", "system_errors",
               "settings", "setting_places", "setting_profiles", "setting_values",
               "weights", "weights_manifest", "weights_sources")  # fmt: skip
    for module in modules:
        shutil.copy(root / "webui" / f"{module}.py", tree / "webui")
    (tree / "webui" / "cli.py").write_text(CLI)
    (tree / "backend.py").write_text(BACKEND)
    (tree / "pyproject.toml").write_text(PYPROJECT)

    index = folder / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "demo_heavy-2.0-py3-none-any.whl", "w") as wheel:
        meta = "demo_heavy-2.0.dist-info"
        wheel.writestr(
            f"{meta}/METADATA", "Metadata-Version: 2.1\nName: demo-heavy\nVersion: 2.0\n"
        )
        wheel.writestr(f"{meta}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{meta}/RECORD", "")

    logs = folder / "logs"
    logs.mkdir()
    model = folder / "model"
    model.mkdir()
    for name in ("model.pt", "model.onnx", "am.mvn", "config.yaml", "configuration.json"):
        (model / name).touch()
    unwanted = ("FSMN_VAD_", "PIP_", "PYTHON", "VIRTUAL_ENV")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "TMPDIR": str(logs),
        "FSMN_VAD_PYTHON": sys.executable,
        "FSMN_VAD_MODEL_DIR": str(model),
    }
    if sys.version_info < (3, 11):
        # What weights.py reads the manifest with, from the environment of the tests.
        tomli = importlib.util.find_spec("tomli")
        assert tomli is not None and tomli.origin is not None
        environment["DEMO_PATH"] = str(Path(tomli.origin).parent.parent)
    return Project(tree, environment)


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Project:
    """A project that was never set up."""
    return _make(tmp_path, root)


@pytest.fixture(scope="module")
def _ready(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Project:
    made = _make(tmp_path_factory.mktemp("ready"), root)
    errors = made.works("--lite", "detect")
    assert "making an environment" in errors and "installing packages" in errors
    assert list((made.tree.parent / "logs").iterdir()) == []
    return made


@pytest.fixture
def ready(_ready: Project) -> Project:
    """A project that is set up for --lite; its environment variables may be changed."""
    return Project(_ready.tree, dict(_ready.environment))


# --- set up already --------------------------------------------------------


def test_arguments_and_directory_reach_the_command_and_stdout_is_its_own(
    ready: Project, tmp_path: Path
) -> None:
    done = ready.run("--lite", "detect", "a file.wav", "--format=x y", "", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    told = json.loads(done.stdout)
    assert told["arguments"] == ["detect", "a file.wav", "--format=x y", ""]
    assert told["cwd"] == str(tmp_path)


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ([], ["serve"]),
        (["--port", "8000"], ["serve", "--port", "8000"]),
        (["serve", "--share"], ["serve", "--share"]),
        (["models", "list"], ["models", "list"]),
    ],
)
def test_the_page_is_the_default_command(
    given: list[str], received: list[str], ready: Project
) -> None:
    assert json.loads(ready.run("--lite", *given).stdout)["arguments"] == received


def test_a_set_up_project_starts_without_pip_and_without_the_base_python(ready: Project) -> None:
    (pip,) = ready.venv.glob("lib/python*/site-packages/pip")
    away = pip.rename(pip.with_name("pip-away"))
    del ready.environment["FSMN_VAD_PYTHON"]
    try:
        assert ready.works("--lite", "detect") == ""
    finally:
        away.rename(pip)


def test_the_exit_status_is_the_commands(ready: Project) -> None:
    assert ready.run("--lite", "detect", "--fail").returncode == 3


def test_signals_reach_the_command_itself(ready: Project) -> None:
    process = ready.start("--lite", "detect", "--hang")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert told["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM


def test_it_can_be_called_through_a_link(ready: Project, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "first").symlink_to(ready.tree / "run.sh")
    (tmp_path / "deep" / "second").symlink_to("../first")
    done = subprocess.run(
        ["deep/second", "--lite", "detect"],
        cwd=tmp_path,
        env=ready.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr == ""


def test_a_webui_folder_where_the_user_stands_is_not_run(ready: Project, tmp_path: Path) -> None:
    (tmp_path / "webui").mkdir()
    (tmp_path / "webui" / "__init__.py").write_text("raise SystemExit('the wrong webui')")
    assert ready.run("--lite", "detect", cwd=tmp_path).returncode == 0


def test_help_needs_no_set_up(project: Project) -> None:
    done = project.run("--help")
    assert done.returncode == 0 and "./run.sh --lite" in done.stdout
    assert not project.venv.exists()


# --- the model -------------------------------------------------------------


def test_the_model_is_fetched_before_a_command_that_needs_it(
    ready: Project, tmp_path: Path
) -> None:
    model = tmp_path / "empty"
    model.mkdir()
    ready.environment["FSMN_VAD_MODEL_DIR"] = str(model)
    assert "fetching" not in ready.works("--lite", "models", "list")
    assert "fetching" not in ready.works("--lite", "detect", "--help")
    failed = ready.run("--lite", "detect", "x.wav")
    assert failed.returncode == 1
    assert (failed.stdout, failed.stderr) == ("", "fetching\n")

    ready.environment["DEMO_FETCH_TO"] = str(model)
    fetched = ready.run("--lite", "detect", "x.wav")
    assert fetched.stderr == "fetching\n"
    assert json.loads(fetched.stdout)["arguments"] == ["detect", "x.wav"]
    assert ready.works("--lite", "detect", "x.wav") == ""


# --- set-up ----------------------------------------------------------------


def test_lite_and_full_share_one_environment(project: Project) -> None:
    project.works("--lite", "detect")
    assert not project.has("demo_heavy")
    assert "installing packages (funasr)" in project.works("--full", "detect")
    assert project.has("demo_heavy")
    assert project.works("--lite", "detect") == ""
    assert project.works("detect") == ""

    # A change makes set-up run again, for all that is installed: nothing falls behind.
    with (project.tree / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert "installing packages (funasr)" in project.works("--lite", "detect")
    assert project.has("demo_heavy")
    assert project.works("--full", "detect") == ""


def test_the_light_install_is_kept_until_the_full_one_is_asked_for(ready: Project) -> None:
    assert ready.works("models", "list") == ""
    assert ready.works("detect") == ""
    (line,) = ready.works().splitlines()
    assert line.startswith("run.sh: FunASR is not installed here") and "./run.sh --full" in line
    assert not ready.has("demo_heavy")

    # A change makes set-up run again, and that keeps to it too.
    pyproject = ready.tree / "pyproject.toml"
    before = pyproject.read_text()
    pyproject.write_text(before + "# changed\n")
    try:
        errors = ready.works("models", "list")
        assert "installing packages;" in errors and not ready.has("demo_heavy")
    finally:
        pyproject.write_text(before)
        ready.works("models", "list")


def test_the_first_set_up_is_the_full_one(project: Project) -> None:
    assert "installing packages (funasr)" in project.works("models", "list")
    assert project.has("demo_heavy")


def test_a_full_set_up_that_failed_can_be_followed_by_a_light_one(project: Project) -> None:
    (wheel,) = Path(project.environment["PIP_FIND_LINKS"]).iterdir()
    away = wheel.rename(wheel.parent.parent / wheel.name)
    failed = project.run("detect")
    assert failed.returncode == 1 and "installing packages (funasr)" in failed.stderr
    assert "installing packages;" in project.works("--lite", "detect")
    away.rename(wheel)
    assert project.works("detect") == ""
    assert not project.has("demo_heavy")


@pytest.mark.parametrize("given", [["modles", "list"], ["--lit"], ["--full", "--prot", "80"]])
def test_a_mistyped_command_fails_before_anything_is_installed(
    given: list[str], project: Project
) -> None:
    done = project.run(*given)
    assert (done.returncode, done.stdout) == (2, "")
    wrong = next(word for word in given if word != "--full")
    assert done.stderr.startswith(f"run.sh: there is no command or option {wrong}\nUsage:")
    assert not project.venv.exists()


def test_every_command_and_option_of_the_page_is_known(root: Path, ready: Project) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _COMMANDS], cwd=root, capture_output=True, text=True, check=True
    )
    commands, options = json.loads(told.stdout)
    assert "serve" in commands and "--port" in options
    for command in commands:
        assert json.loads(ready.run("--lite", command).stdout)["arguments"] == [command]
    for option in options:
        received = json.loads(ready.run("--lite", option).stdout)["arguments"]
        assert received == ["serve", option]


# The real program's commands, and the options of the page.
_COMMANDS = """
import argparse, json
from webui.cli import build_parser
(commands,) = [a for a in build_parser("en", "serve")._actions if a.nargs == argparse.PARSER]
options = commands.choices["serve"]._option_string_actions
print(json.dumps([list(commands.choices), sorted(set(options) - {"-h", "--help"})]))
"""


def test_an_interrupted_set_up_is_done_again_and_stays_light(project: Project) -> None:
    at_work = project.tree.parent / "at work"
    project.environment["DEMO_SLOW"] = str(at_work)
    process = project.start("--lite", "detect")
    given_up = time.monotonic() + 60
    while not at_work.exists():
        assert time.monotonic() < given_up and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    del project.environment["DEMO_SLOW"]
    assert "installing packages" in project.works("detect")
    assert project.works("--lite", "detect") == ""
    assert not project.has("demo_heavy")


def test_an_environment_that_was_cut_off_is_made_anew(project: Project) -> None:
    project.venv.mkdir()
    (project.venv / "pyvenv.cfg").write_text("home = /nowhere\n")
    assert "making an environment" in project.works("--lite", "detect")


def test_two_at_once_do_not_disturb_each_other(project: Project) -> None:
    both = [project.start("--lite", "detect") for _ in range(2)]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    errors = "".join(error for _, error in answers)
    assert errors.count("making an environment") == 1
    assert errors.count("another run.sh is setting up; waiting for it") == 1


def test_a_moved_tree_sets_itself_up_again(project: Project) -> None:
    project.works("--lite", "detect")
    project.tree = project.tree.rename(project.tree.with_name("elsewhere"))
    assert "installing packages" in project.works("--lite", "detect")
    assert project.works("--lite", "detect") == ""


def test_a_directory_with_other_files_is_not_taken_for_the_environment(
    project: Project, tmp_path: Path
) -> None:
    own = tmp_path / "letters"
    own.mkdir()
    (own / "letter.txt").write_text("dear")
    project.environment["FSMN_VAD_VENV"] = str(own)
    assert f"{own} has other files in it" in project.fails("--lite", "detect")
    assert (own / "letter.txt").read_text() == "dear"


# --- what can be missing ---------------------------------------------------


def _interpreter(path: Path, answer: str) -> None:
    """Write an executable that stands where a Python would."""
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)


def test_a_python_that_is_too_old_is_said(project: Project, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python3", "python3.13", "python3.12", "python3.11", "python3.10"):
        _interpreter(programs / name, "echo 3.9")
    project.environment["FSMN_VAD_PYTHON"] = str(programs / "python3")
    line = project.fails("--lite", "detect")
    assert "is Python 3.9. Name a Python 3.10 or newer." in line

    del project.environment["FSMN_VAD_PYTHON"]
    project.environment["PATH"] = f"{programs}:{project.environment['PATH']}"
    line = project.fails("--lite", "detect")
    assert "Python 3.10 or newer is needed (found only 3.9)." in line
    assert not project.venv.exists()


def test_a_newer_python_is_found_beside_an_old_or_broken_one(
    project: Project, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    _interpreter(programs / "python3", "echo 3.8")
    for name in ("python3.13", "python3.12", "python3.11"):
        _interpreter(programs / name, "exit 127")
    _interpreter(programs / "python3.10", f'exec "{sys.executable}" "$@"')
    del project.environment["FSMN_VAD_PYTHON"]
    project.environment["PATH"] = f"{programs}:{project.environment['PATH']}"
    assert "making an environment" in project.works("--lite", "detect")


def test_a_python_that_does_not_run_is_said(project: Project) -> None:
    project.environment["FSMN_VAD_PYTHON"] = "/nowhere/python3"
    assert "FSMN_VAD_PYTHON=/nowhere/python3 does not run" in project.fails("detect")


def test_a_missing_venv_module_is_said(project: Project, tmp_path: Path) -> None:
    # Debian without python3-venv: the module is there, ensurepip is not.
    python = tmp_path / "python3"
    message = (
        "The virtual environment was not created successfully because ensurepip is not available."
    )
    _interpreter(
        python,
        f'case "$*" in "-m venv"*) echo "{message}"; exit 1 ;; esac\nexec "{sys.executable}" "$@"',
    )
    project.environment["FSMN_VAD_PYTHON"] = str(python)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    line = project.fails("--lite", "detect")
    assert "has no venv module" in line
    assert f"sudo apt install python{version}-venv" in line


def test_an_unreachable_registry_is_said_and_the_next_run_succeeds(project: Project) -> None:
    del project.environment["PIP_NO_INDEX"]
    links = project.environment.pop("PIP_FIND_LINKS")
    project.environment["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"
    project.environment["PIP_RETRIES"] = "1"
    line = project.fails("detect")
    assert "the package registry cannot be reached. Check the network" in line
    log = Path(line.rpartition("Details: ")[2])
    assert "demo-heavy" in log.read_text()
    project.environment["PIP_FIND_LINKS"] = links
    project.works("detect")
    assert project.has("demo_heavy")


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        (False, "cannot be reached or has no demo-heavy"),
        (True, "the package registry has no demo-heavy<2"),
    ],
)
def test_a_package_that_is_not_to_be_had_is_said(
    offered: bool, said: str, project: Project
) -> None:
    if not offered:
        (wheel,) = Path(project.environment["PIP_FIND_LINKS"]).iterdir()
        wheel.unlink()
    else:
        # The registry has the package, but not in the version that is asked for.
        backend = project.tree / "backend.py"
        backend.write_text(backend.read_text().replace("demo-heavy;", "demo-heavy<2;"))
    assert said in project.fails("detect")
