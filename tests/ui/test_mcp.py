"""The MCP server, driven by the protocol's own client; where that is installed."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webui.errors import SettingsError
from webui.settings import Settings
from webui.ui.mcp import check_mcp

BASIC = "Basic " + base64.b64encode(b"anna:geheim").decode()


def test_without_its_packages_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check_mcp(Settings())
    with pytest.raises(SettingsError, match=r"\.\[mcp\]") as caught:
        check_mcp(Settings(mcp=True))
    assert "未安装" in caught.value.message("zh")


@pytest.fixture
def address(root: Path, model_dir: Path, tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("mcp")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_WORKSPACE_DIRECTORY": str(tmp_path / "work"),
        "FSMN_VAD_PASSWORD": "anna:geheim",
    }
    log = tmp_path / "server.log"
    command = [sys.executable, "-m", "webui", "serve", "--mcp", "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stderr=stream)
    try:
        for _ in range(240):
            if process.poll() is not None or "FSMN-VAD Studio" in log.read_text("utf-8"):
                break
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/gradio_api/mcp/"
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.filterwarnings("default")
def test_the_endpoints_are_tools(address: str) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def ask() -> tuple[set[str], Any, Any, Any]:
        async with (
            streamablehttp_client(address, headers={"Authorization": BASIC}) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            names = {tool.name for tool in (await session.list_tools()).tools}
            found = await session.call_tool("detect", {"demo": "english-clean"})
            refused = await session.call_tool("detect", {"demo": "x"})
            models = await session.call_tool("models", {})
            return names, found, refused, models

    names, found, refused, models = asyncio.run(ask())
    assert names == {"detect", "retune", "models", "memory", "unload"}
    assert not found.isError
    told = json.loads(found.content[0].text)
    assert told["file"] == "english-clean.flac" and told["segments"][0]["start_ms"] == 700
    assert told == found.structuredContent
    assert json.loads(models.content[0].text) == models.structuredContent["result"]
    assert refused.isError and "chinese-clean" in refused.content[0].text
