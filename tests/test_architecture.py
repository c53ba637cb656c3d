"""The rooms of webui/: each imports only from those above it, and heavy things stay put."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

# From the ground up; a room may import from itself and from those before it.
ROOMS = [
    "system_errors",
    "errors",
    "model_errors",
    "stream_errors",
    "batch_errors",
    "control_groups",
    "process_memory",
    "memory_room",
    "memory_errors",
    "files",
    "zipped",
    "setting_places",
    "setting_profiles",
    "setting_values",
    "settings",
    "weights_sources",
    "weights_manifest",
    "weights",
    "audio",
    "vad",
    "guard",
    "choice",
    "engine",
    "formats",
    "live",
    "history",
    "batch",
    "plots",
    "bench",
    "ui",
    "doctor",
    "cli",
    "__main__",
]
# Who may import a framework at all, at the top of a module or within a function.
FRAMEWORKS = {
    "torch": {"vad/scorers/funasr.py"},
    "funasr": {"vad/scorers/funasr.py", "bench/subject.py", "bench/chunks.py"},
    "onnxruntime": {"vad/scorers/runtime.py"},
    "onnx": {"vad/scorers/onnx_graph.py"},
    "av": {"audio/"},
    "gradio": {"ui/"},
    "matplotlib": {"plots/", "bench/report.py"},
}


def imported(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.fixture(scope="module")
def modules(root):
    package = root / "webui"
    return {
        path.relative_to(package).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


def test_rooms_import_only_from_those_above(modules):
    for path, tree in modules.items():
        room = path.split("/")[0].removesuffix(".py")
        if room == "__init__":
            continue
        allowed = set(ROOMS[: ROOMS.index(room) + 1])
        used = {name.split(".")[1] for name in imported(tree) if name.startswith("webui.")}
        assert {name for name in used if name in ROOMS} <= allowed, path


def test_frameworks_are_imported_where_they_belong(modules):
    for path, tree in modules.items():
        for name in imported(tree):
            places = FRAMEWORKS.get(name.split(".")[0])
            assert places is None or any(path.startswith(place) for place in places), (path, name)


def test_modules_stay_short(root):
    for path in (root / "webui").rglob("*"):
        if path.suffix in (".py", ".js", ".css"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= 400, f"{path.name} has {lines} lines"


def test_functions_stay_short(modules):
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= 60, f"{path}: {node.name} has {lines} lines"


# A function or a method of a class, to the brace that closes it; as they are all written.
_JS_FUNCTION = re.compile(
    r"^(\t*)(?:export )?(?:async )?(?:function |get |set )?(\w+)\(.*\) \{\n(?:.*\n)*?\1\}$",
    re.MULTILINE,
)


def test_functions_of_the_view_stay_short(root):
    found = set()
    for path in (root / "webui" / "ui" / "static").rglob("*.js"):
        for function in _JS_FUNCTION.finditer(path.read_text(encoding="utf-8")):
            lines = function[0].count("\n") + 1
            assert lines <= 60, f"{path.name}: {function[2]} has {lines} lines"
            found.add(function[2])
    assert {"clock", "fillFrom", "watchGestures", "press", "countUntil"} <= found


@pytest.mark.parametrize(
    ("module", "light"),
    [
        ("webui.ui.app", {"torch", "funasr", "onnxruntime", "av"}),
        ("webui.engine", {"torch", "funasr", "onnxruntime", "av", "gradio", "matplotlib"}),
        ("webui.vad", {"torch", "funasr", "onnxruntime", "av", "gradio", "matplotlib"}),
        ("webui.cli", {"numpy", "gradio", "av"}),
        ("webui.weights", {"numpy"}),
    ],
)
def test_what_an_import_costs(module, light):
    code = f"import sys, {module}; print(*sorted(sys.modules.keys() & {light!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
