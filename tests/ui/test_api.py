"""The HTTP API of a real server, through gradio_client and plain HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio.utils import get_function_description
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from webui.audio.report import CHANNEL_CHOICES
from webui.history import History
from webui.ui.api import ENDPOINTS, Api
from webui.ui.recipe import changed
from webui.ui.studio import demo_recordings
from webui.vad.options import PRESETS, VadOptions
from webui.vad.scorers import SCORERS

FILE = {"meta": {"_type": "gradio.FileData"}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("talks")
    (folder / "talk.flac").write_bytes((root / "assets/audio/english-clean.flac").read_bytes())
    (folder / "notes.txt").write_text("no sound", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(
    root: Path, model_dir: Path, folder: Path, log: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A real server with a password, as one that other machines reach."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_WORKSPACE_DIRECTORY": str(tmp_path_factory.mktemp("workspace")),
        "FSMN_VAD_PASSWORD": "anna:geheim",
        "FSMN_VAD_SERVER_FOLDERS": str(folder),
        "FSMN_VAD_MAX_UPLOAD_BYTES": str(4 * 1024**2),
        "FSMN_VAD_HISTORY_RUNS": "20",
    }
    command = [sys.executable, "-m", "webui", "serve", "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stderr=stream, cwd=root)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            if process.poll() is not None or "FSMN-VAD Studio" in log.read_text("utf-8"):
                break
            time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, auth=("anna", "geheim"), timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False, httpx_kwargs={"auth": ("anna", "geheim")})


@pytest.fixture(scope="module")
def example(root: Path) -> Path:
    return root / "assets" / "audio" / "english-clean.flac"


def call(http: httpx.Client, name: str, *data: Any, **headers: str) -> httpx.Response:
    return http.post(f"/gradio_api/run/{name}", json={"data": list(data)}, headers=headers)


def test_only_the_named_endpoints_are_public(http: httpx.Client) -> None:
    info = http.get("/gradio_api/info").json()
    named = {"/detect", "/retune", "/models", "/memory", "/unload"}
    assert set(info["named_endpoints"]) == named and info["unnamed_endpoints"] == {}
    assert all(each["description"] for each in info["named_endpoints"].values())
    nothing = {"named_endpoints": {}, "unnamed_endpoints": {}}
    assert http.get("/zh/gradio_api/info").json() == nothing
    detect = info["named_endpoints"]["/detect"]["parameters"]
    choices = {each["parameter_name"]: each["type"].get("enum") for each in detect}
    assert choices["channel"] == ["mix", "left", "right", "each"]
    assert choices["engine"] == ["auto", *SCORERS]
    assert choices["demo"] == ["", *demo_recordings()]
    options = detect[-1]["type"]["properties"]
    assert list(options) == list(VadOptions().as_dict())
    assert options["max_end_silence_time"]["minimum"] == 150


def test_documentation_names_every_choice_and_preset(root: Path) -> None:
    page = (root / "docs" / "api.md").read_text("utf-8")
    for name in (*CHANNEL_CHOICES, *SCORERS, *demo_recordings()):
        assert f"`{name}`" in page, name
    rows = [
        (name, ", ".join(f"`{key}` {value}" for key, value in changed(each.options).items()), each)
        for name, each in PRESETS.items()
    ]
    written = "".join(
        f"| `{name}` | {options + ' ' if options else ''}| {each.help['en']} |\n"
        for name, options, each in rows
    )
    assert f"|---|---|---|\n{written}" in page


def test_no_private_event_goes_by_its_name(http: httpx.Client) -> None:
    config = http.get("/config").json()
    private = {d["api_name"] for d in config["dependencies"] if d["api_visibility"] == "private"}
    assert len(private) > 20
    for name in [*sorted(private)[:5], "nothing"]:
        refused = http.post(f"/gradio_api/call/{name}", json={"data": []})
        assert refused.status_code == 404 and "detect" in refused.json()["error"]


def test_gradio_client(client: Client, example: Path) -> None:
    found = client.predict(
        audio=handle_file(str(example)),
        options={"max_end_silence_time": 300},
        api_name="/detect",
    )
    assert (found["file"], found["engine"]) == ("english-clean.flac", "onnx")
    assert found["options"]["max_end_silence_time"] == 300
    again = client.predict(found["id"], api_name="/retune")
    assert [s["start_ms"] for s in again["segments"]] == [700, 5860, 13820, 20150]
    assert len(found["segments"]) > 4
    back = client.predict(id=found["id"], options=found["options"], api_name="/retune")
    assert back["segments"] == found["segments"]
    with pytest.raises(AppError, match="no such choice; known are chinese-clean"):
        client.predict(demo="x", api_name="/detect")


def test_detect_gives_what_the_command_gives(
    http: httpx.Client, example: Path, root: Path, model_dir: Path
) -> None:
    (found,) = call(http, "detect", None, "english-clean").json()["data"]
    command = [sys.executable, "-m", "webui", "detect", "--engine", "onnx", str(example)]
    environment = {**os.environ, "PYTHONPATH": str(root), "FSMN_VAD_MODEL_DIR": str(model_dir)}
    line = json.loads(subprocess.run(command, env=environment, capture_output=True).stdout)
    assert list(found) == ["id", *line]
    for name in ("segments", "options", "audio", "model_sha256", "duration_ms"):
        assert found[name] == line[name]


def test_call_by_name_with_server_sent_events(http: httpx.Client, example: Path) -> None:
    upload = http.post(
        "/gradio_api/upload", files={"files": ("a b 会议.flac", example.read_bytes())}
    )
    (upload_id,) = upload.json()
    assert "/" not in upload_id
    asked = http.post("/gradio_api/call/v2/detect", json={"audio": upload_id, "channel": "left"})
    event = asked.json()["event_id"]
    answer = http.get(f"/gradio_api/call/v2/detect/{event}").text
    assert "event: complete" in answer
    (found,) = json.loads(answer.partition("data: ")[2])
    assert found["file"] == "a b 会议.flac" and found["audio"]["channel"] == "left"
    # An upload is used once.
    assert "no such upload" in call(http, "detect", upload_id).json()["error"]


def test_the_page_s_own_uploads_serve_too(http: httpx.Client, example: Path) -> None:
    given = http.put("/uploads?name=talk.flac", content=example.read_bytes()).json()["id"]
    (found,) = call(http, "detect", given).json()["data"]
    assert http.get(f"/results/{found['id']}/segments.json").json()["file"] == "talk.flac"


def test_a_file_of_the_server_opens_below_its_folders_alone(
    http: httpx.Client, folder: Path, root: Path
) -> None:
    (found,) = call(http, "detect", None, "", str(folder / "talk.flac")).json()["data"]
    assert len(found["segments"]) == 4
    for path in ("/etc/hostname", str(root / "README.md"), str(folder / ".." / "x.wav"), "x.wav"):
        refused = call(http, "detect", None, "", path)
        assert "FSMN_VAD_SERVER_FOLDERS" in refused.json()["error"]
    for name in ("no.wav", "x" * 300):
        refused = call(http, "detect", None, "", f"{folder}/{name}")
        assert "does not exist" in refused.json()["error"]
    (folder / "circle.wav").symlink_to(folder / "circle.wav")
    assert call(http, "detect", None, "", f"{folder}/circle.wav").json()["error"]
    assert "not an audio" in call(http, "detect", None, "", f"{folder}/notes.txt").json()["error"]


@pytest.mark.parametrize(
    ("data", "says", "says_zh"),
    [
        ([], "Give one of", "中给出一个"),
        (["a", "b"], "Give one of", "中给出一个"),
        ([None, "", {"a": 1}], "Give one of", "中给出一个"),
        (["unknown"], "no such upload", "没有这个上传文件"),
        ([None, "english-clean", "", "middle"], "channel = middle", "没有这个选项"),
        ([None, "english-clean", "", ["mix"]], "channel = ", "没有这个选项"),
        ([None, "english-clean", "", "mix", "tpu"], "no engine tpu", "没有引擎 tpu"),
        ([None, "english-clean", "", "mix", 7], "no engine 7", "没有引擎 7"),
        ([None, "english-clean", "", "mix", {"a": 1}], "no engine {", "没有引擎 {"),
        ([None, "", "a\0b"], "may not be opened", "不能打开"),
        ([None, "english-clean", "", "mix", "onnx", [1]], "must be an object", "由名称和值组成"),
        ([None, "english-clean", "", "mix", "onnx", {"a": 1}], "no such option", "没有这个参数"),
        (
            [None, "english-clean", "", "mix", "onnx", {"max_end_silence_time": 1}],
            "between 150 and 6000",
            "150 到 6000",
        ),
    ],
)
def test_errors_are_messages(http: httpx.Client, data: list[Any], says: str, says_zh: str) -> None:
    assert says in call(http, "detect", *data).json()["error"]
    chinese = call(http, "detect", *data, **{"accept-language": "zh-CN"})
    assert says_zh in chinese.json()["error"]


def test_arguments_that_do_not_exist(http: httpx.Client) -> None:
    refused = http.post("/gradio_api/call/v2/detect", json={"demo": "x", "nonsense": 1})
    assert refused.status_code == 400 and "audio, demo, path" in refused.json()["error"]
    for body in (b"nonsense", b"{}", b'{"data": {}}', b"\xff"):
        refused = http.post("/gradio_api/run/detect", content=body)
        assert refused.status_code == 422
        assert "Send JSON" in refused.json()["error"]
    assert "no longer kept" in call(http, "retune", "unknown").json()["error"]
    assert "no longer kept" in call(http, "retune", ["unknown"]).json()["error"]


def test_no_event_reads_files_or_addresses(http: httpx.Client, folder: Path, log: Path) -> None:
    config = http.get("/config").json()
    inside = str(folder / "notes.txt")
    for path in ("/etc/hostname", inside, "http://127.0.0.1:9/x"):
        file = {"path": path, **FILE}
        assert "no such upload" in call(http, "detect", file).json()["error"]
        for dependency in config["dependencies"]:
            if dependency["queue"] or not dependency["inputs"]:
                continue
            body = {
                "data": [file for _ in dependency["inputs"]],
                "fn_index": dependency["id"],
                "session_hash": "x",
                "event_data": {},
            }
            answer = http.post("/gradio_api/run/predict", json=body).text
            assert "/gradio_api/file=" not in answer
    workspace = next(path for path in Path(log.parent.parent).glob("workspace*"))
    assert not list(workspace.rglob("hostname")) + list(workspace.rglob("notes.txt"))
    for address in (
        f"file={inside}", f"file/{inside}", "file=http://127.0.0.1:9/x",
        "proxy=http://127.0.0.1:9/x", "deep_link?session_hash=x",
    ):  # fmt: skip
        for start in ("/gradio_api/", "/zh/gradio_api/"):
            assert http.get(start + address).status_code == 404


def test_uploads_through_the_api_are_bounded(http: httpx.Client, log: Path) -> None:
    workspace = next(path for path in Path(log.parent.parent).glob("workspace*"))

    def stored() -> set[Path]:
        return {path for path in workspace.rglob("*") if path.is_file() and path.name == "big.wav"}

    big = b"0" * (5 * 1024**2)
    refused = http.post("/gradio_api/upload", files={"files": ("big.wav", big)})
    assert refused.status_code == 413 and "4 MB" in refused.json()["error"]

    def pieces() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="big.wav"\r\n\r\n'
        for _ in range(6):
            yield b"0" * 1024**2
        yield b"\r\n--x--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=x"}
    refused = http.post("/gradio_api/upload", content=pieces(), headers=headers)
    assert refused.status_code == 413
    start = b"--x\r\nContent-Disposition: form-data; "
    for body, kind in (
        (b"nonsense", headers["content-type"]),
        (b"nonsense", "text/plain"),
        (start + b"name=a\r\n\r\n1\r\n--x--\r\n", headers["content-type"]),
        (start + b'filename="big.wav"\r\n\r\n1', headers["content-type"]),
    ):
        refused = http.post("/gradio_api/upload", content=body, headers={"content-type": kind})
        assert refused.status_code == 400 and "multipart" in refused.json()["error"]
    assert stored() == set()
    assert http.post("/zh/gradio_api/upload", files={"files": b"1"}).status_code == 404


def test_a_page_of_another_site_uploads_nothing(http: httpx.Client) -> None:
    headers = {"origin": "https://evil.example"}
    refused = http.post("/gradio_api/upload", files={"files": b"1"}, headers=headers)
    assert refused.status_code == 403


def test_a_page_of_another_site_reads_nothing(http: httpx.Client) -> None:
    other = {"host": "vad.example", "origin": "https://evil.example"}
    answers = [http.get(path, headers=other) for path in ("/", "/config", "/history", "/zh/config")]
    answers.append(http.post("/gradio_api/run/models", json={"data": []}, headers=other))
    asks = {**other, "access-control-request-method": "POST"}
    answers.append(http.options("/gradio_api/run/models", headers=asks))
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    # Without asking first, a page can send no JSON; and what is not told to be JSON is not read.
    for kind in ({}, {"content-type": "text/plain"}):
        refused = http.post(
            "/gradio_api/run/unload", content=b'{"data": []}', headers={**other, **kind}
        )
        assert refused.status_code == 422


def test_models_memory_and_unload(http: httpx.Client) -> None:
    (models,) = call(http, "models").json()["data"]
    assert models[0]["name"] == "fsmn-vad-16k-zh" and "onnx" in models[0]["engines"]
    (found,) = call(http, "detect", None, "english-clean").json()["data"]
    (memory,) = call(http, "memory").json()["data"]
    assert memory["model"] == {"state": "ready", "engine": "onnx", "device": "cpu"}
    assert memory["engine"]["rss_bytes"] > 0 < memory["page"]["rss_bytes"]
    (change,) = call(http, "unload").json()["data"]
    assert change["freed_bytes"] > 0 == change["after"]["engine"]["rss_bytes"]
    assert {"interpreter", "framework", "pages", "results"} <= change["left"].keys()
    own = change["after"]["page"]["uss_bytes"] + (change["after"]["helpers"]["uss_bytes"] or 0)
    assert sum(change["left"].values()) == own
    assert "Python and own code" in change["message"]
    (again,) = call(http, "retune", found["id"]).json()["data"]
    assert again["segments"] == found["segments"]


def test_signing_in(server: str, example: Path) -> None:
    assert httpx.get(f"{server}/gradio_api/info").status_code == 401
    assert httpx.post(f"{server}/gradio_api/upload", files={"files": b"1"}).status_code == 401
    basic = base64.b64encode(b"anna:geheim").decode()
    client = Client(server, verbose=False, headers={"Authorization": f"Basic {basic}"})
    assert client.predict(audio=handle_file(str(example)), api_name="/detect")["segments"]


def test_runs_are_noted_and_nothing_was_unexpected(http: httpx.Client, log: Path) -> None:
    workspace = next(path for path in Path(log.parent.parent).glob("workspace*"))
    call(http, "detect", None, "chinese-clean")
    for _ in range(50):
        runs = History(workspace / "history.sqlite3", 20).runs()
        if runs and runs[0].file == "chinese-clean.flac":
            break
        time.sleep(0.1)
    assert (runs[0].source, runs[0].file) == ("api", "chinese-clean.flac")
    assert runs[0].path.endswith("chinese-clean.flac") and runs[0].result_id
    said = log.read_text("utf-8")
    assert not re.search(r"endpoint (detect|retune|models|memory|unload)", said)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_what_a_tool_returns_stands_in_one_line(name: str) -> None:
    # Gradio joins lines by commas.
    _, _, returns = get_function_description(getattr(Api, name))
    assert len(returns) == 1 and returns[0].endswith(".")
