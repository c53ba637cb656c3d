"""A real server of live streams within this process, and a client of it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from webui.audio.reader import open_audio
from webui.settings import Settings
from webui.ui import streaming
from webui.ui.access import PasswordGate, RequestGate
from webui.ui.app import lifespan, server_config
from webui.ui.studio import Studio
from webui.vad.segment import Segment

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "audio"


@dataclass
class Server:
    """A running server."""

    studio: Studio
    netloc: str
    ending: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"ws://{self.netloc}/stream"

    def files(self) -> list[Path]:
        """What lies in the workspace, but for its lock."""
        found = sorted(self.studio.workspace.directory.rglob("*"))
        return [path for path in found if path.is_file() and path.name != "lock"]


@contextlib.contextmanager
def serving(directory: Path, model_dir: Path, **settings: Any) -> Iterator[Server]:
    """Serve live streams, with gates and all, but without the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = Settings(
        engine="onnx",
        model_dir=model_dir,
        workspace_directory=directory / "workspace",
        port=port,
        **settings,
    )
    studio = Studio(given)
    app: Any = Starlette(routes=streaming.routes(studio), lifespan=lifespan(studio))
    if given.password:
        app = PasswordGate(app, given.password)
    server = uvicorn.Server(server_config(RequestGate(app, given), given))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield Server(studio, f"127.0.0.1:{port}", lambda: setattr(server, "should_exit", True))
    finally:
        server.should_exit = True
        thread.join()
    assert not studio.workspace.directory.exists()


def wait_for(condition: Any, timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@dataclass
class Client:
    """One connection; it keeps all that it was told."""

    socket: ClientConnection
    told: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """Wait for a message of one of these types."""
        while True:
            message: dict[str, Any] = json.loads(await self.socket.recv())
            self.told.append(message)
            if message["type"] in kinds:
                return message

    async def start(self, rate_hz: int = 16_000, **fields: Any) -> dict[str, Any]:
        await self.say(type="start", rate_hz=rate_hz, **fields)
        return await self.hear("ready")

    async def hear_all(self) -> list[dict[str, Any]]:
        """Everything that is told until the connection is closed."""
        with contextlib.suppress(ConnectionClosedError):
            async for text in self.socket:
                self.told.append(json.loads(text))
        return self.told


@contextlib.asynccontextmanager
async def connected(server: Server, **options: Any) -> AsyncIterator[Client]:
    async with connect(server.url, max_size=None, **options) as opened:
        yield Client(opened)


async def refused(server: Server, *sent: str | bytes) -> tuple[dict[str, Any], int | None]:
    """What a connection that says this is told last, and the code with which it is closed."""
    async with connected(server) as client:
        for message in sent:
            await client.socket.send(message)
        told = await client.hear_all()
        return told[-1], client.socket.close_code


def demo(name: str = "english-clean", seconds: float | None = None) -> np.ndarray:
    """A demo recording as 16-bit samples at 16 kHz."""
    with open_audio(ASSETS / f"{name}.flac") as reader:
        samples = np.concatenate(list(reader))
    if seconds is not None:
        samples = samples[: round(seconds * 16_000)]
    return np.rint(samples * 32_767).astype("<i2")


def write_wav(path: Path, rate_hz: int, rows: np.ndarray) -> Path:
    """Write 16-bit samples (n, channels) as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if rows.ndim == 1 else rows.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(rows.tobytes())
    return path


def pieces(data: bytes, seed: int = 0, most: int = 20_000) -> Iterator[bytes]:
    """Cut bytes unevenly, within samples too."""
    random = np.random.default_rng(seed)
    at = 0
    while at < len(data):
        size = int(random.integers(1, most))
        yield data[at : at + size]
        at += size


def ends(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The segments of the speech_end messages."""
    names = ("start_ms", "end_ms", "confidence", "end_reason")
    return [{n: m[n] for n in names} for m in told if m["type"] == "speech_end"]


def as_dicts(segments: Any) -> list[dict[str, Any]]:
    return [segment.as_dict() for segment in segments if isinstance(segment, Segment)]


def check_order(told: list[dict[str, Any]]) -> None:
    """Each start is told once, before its end, and numbers leave nothing out."""
    events = [m for m in told if m["type"] in ("speech_start", "speech_end")]
    assert [m["number"] for m in events] == list(range(1, len(events) + 1))
    assert [m["type"] for m in events] == ["speech_start", "speech_end"] * (len(events) // 2)
    for start, end in zip(events[::2], events[1::2], strict=True):
        assert start["start_ms"] == end["start_ms"] < end["end_ms"]
