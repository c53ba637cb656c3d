"""A real server and a real Chromium. Every page is watched for errors and for strange requests."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MACOS_PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_IS_REQUIRED = os.environ.get("FSMN_VAD_REQUIRE_BROWSER") == "1"
if _IS_REQUIRED:
    # Without it, the tests' own importorskip would leave them out unseen.
    importlib.import_module("playwright.sync_api")
_START_S = 60


def find_browser() -> str | None:
    found = (shutil.which(name) for name in (*_NAMES, *_MACOS_PATHS))
    return next((path for path in found if path), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="package")
def browser_path() -> str:
    path = find_browser()
    if path is None:
        message = "no Chromium or Chrome on the PATH or in /Applications"
        if _IS_REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="package")
def playwright() -> Iterator[Any]:
    # Its event loop counts as running for as long as it is there: not longer than these tests.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def browser(playwright: Any, browser_path: str) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=browser_path, args=list(SWITCHES))
    yield browser
    browser.close()


@dataclass
class Server:
    """A running ``fsmn-vad serve``."""

    url: str
    process: subprocess.Popen[bytes]
    workspace: Path
    log: Path

    def stop(self) -> bool:
        """End it as a terminal would; False if it had to be killed."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(
    directory: Path, model_dir: Path, engine: str, *, port: int = 0, **settings: str
) -> Iterator[Server]:
    """Run a server of its own in ``directory``, at a free port if none is named."""
    port = port or free_port()
    log = directory / "server.log"
    environment = {name: v for name, v in os.environ.items() if not name.startswith("FSMN_VAD_")}
    environment.update(
        FSMN_VAD_MODEL_DIR=str(model_dir),
        FSMN_VAD_ENGINE=engine,
        FSMN_VAD_WORKSPACE_DIRECTORY=str(directory / "workspace"),
        **settings,
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "webui", "serve", "--port", str(port)],
            stdout=output,
            stderr=output,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
    server = Server(f"http://127.0.0.1:{port}", process, directory / "workspace", log)
    try:
        deadline = time.monotonic() + _START_S
        while f"FSMN-VAD Studio: {server.url}" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield server
    finally:
        if process.poll() is None:
            server.stop()


@pytest.fixture(scope="package")
def server(
    tmp_path_factory: pytest.TempPathFactory, model_dir: Path, browser_path: str
) -> Iterator[Server]:
    """The server that most tests share; ONNX Runtime loads in a moment."""
    with serving(tmp_path_factory.mktemp("server"), model_dir, "onnx") as server:
        yield server
        log = server.log.read_text()
    assert "Traceback" not in log, log


@dataclass
class Watch:
    """What a page did that it should not."""

    host: str
    problems: list[str] = field(default_factory=list)

    def follow(self, page: Any) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text} {message.location}")

    def _request(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self.host:
            self.problems.append(f"request: {request.url}")


OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, server: Server) -> Iterator[OpenPage]:
    """Open the page; at the end, no page may have had an error or left this machine."""
    from playwright.sync_api import expect

    watch = Watch(urlsplit(server.url).netloc)
    contexts = []

    def open_page(
        path: str = "/", *, in_browser: Any = None, at: str = "", script: str = "", **context: Any
    ) -> Any:
        options = {"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **context}
        opened = (in_browser or browser).new_context(**options)
        contexts.append(opened)
        page = opened.new_page()
        page.set_default_timeout(20_000)
        watch.follow(page)
        if script:
            page.add_init_script(script)
        page.goto((at or server.url) + path)
        page.locator(".vad-drop").wait_for(state="attached")
        # The server has answered the first events, so nothing changes any more by itself.
        expect(page.locator(".vad-system-bar b")).not_to_be_empty()
        return page

    open_page.watch = watch  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    assert watch.problems == []
