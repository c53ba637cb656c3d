"""What page and engine hold after a recording: ``python -m webui.cli.page_memory AUDIO``.

A part of ``fsmn-vad bench`` (which stands below the page and cannot import it). Serves the
real page, has it detect speech as an upload does, fetches what a browser shows then, and
prints one JSON object: USS of the page's and of the engine's process, in bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from webui.errors import EngineError
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.ui.studio import Studio


@dataclass(frozen=True)
class Served:
    """A page that is served.

    Attributes:
        studio: what its sessions share.
        address: to fetch from.
    """

    studio: Studio
    address: str

    def fetch(self, path: str) -> None:
        """Fetch as much as a player asks for of a sound at first; whatever else is shorter."""
        request = urllib.request.Request(
            f"{self.address}/{path}", headers={"Range": "bytes=0-1048575"}
        )
        with urllib.request.urlopen(request) as answer:
            answer.read()

    def show(self, recording: Path, engine: str) -> None:
        """Have speech detected as an upload does, and fetch what a browser shows then."""
        from webui.ui.i18n import Texts
        from webui.ui.tabs.detection import Detection

        upload_id, place = self.studio.workspace.place(recording.name)
        place.symlink_to(recording.resolve())
        self.studio.workspace.finish(upload_id)
        detection = Detection(self.studio, Texts("en"), "./")

        async def detect() -> str:
            found = ""
            async for update in detection.detect("bench", "upload", upload_id, "mix", engine):
                found = update.result_id or found
            return found

        for path in _drawn(self.studio, asyncio.run(detect())):
            self.fetch(path)


@contextlib.contextmanager
def served(engine: str) -> Iterator[Served]:
    """Serve the real page, and have both languages opened once."""
    # Here: it sets the environment for Gradio before that is imported.
    import uvicorn

    from webui.engine.memory import share_arenas
    from webui.ui import app
    from webui.ui.studio import Studio

    share_arenas()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = replace(Settings.from_environment(), host="127.0.0.1", port=port, engine=engine)
    studio = Studio(settings)
    config = uvicorn.Config(app.create_app(studio), port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.05)
    page = Served(studio, f"http://127.0.0.1:{port}")
    try:
        page.fetch("")
        page.fetch("zh/")
        yield page
    finally:
        server.should_exit = True
        serving.join()


def main(path: Path) -> None:
    """Serve, detect, read memory, end."""
    with served("onnx") as page:
        page.show(path, "onnx")
        reading = page.studio.engine.memory()
        print(json.dumps({"page": reading.page.uss_bytes, "engine": reading.engine.uss_bytes}))


def _drawn(studio: Studio, result_id: str) -> list[str]:
    """What a browser fetches to show a result: modules, tiles of each scale, sound, a file."""
    from webui.ui import tiles
    from webui.vad.pyramid import level_sizes

    entry = studio.cache.get(result_id)
    if entry is None:
        raise EngineError(reason="the recording was not scored")
    scripts = (resources.files("webui.ui.static") / "view").iterdir()
    result, version = f"results/{result_id}", tiles.version(entry)
    return [
        *(f"static/view/{script.name}" for script in scripts if script.name.endswith(".js")),
        *(
            f"{result}/tiles/{version}/0/{level}/0"
            for level in range(len(level_sizes(len(entry.scores.peaks))))
        ),
        f"{result}/audio",
        f"{result}/segments.json",
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
