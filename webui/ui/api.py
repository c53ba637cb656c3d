"""The HTTP API: named endpoints of the page's own server, for programs.

They are on the root page alone (the one in English), and they are all that is public there:
the page's events are private. Results are those that the page keeps: an id of the one opens
on the other.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.events import api as add_endpoint

from webui import weights
from webui.audio.report import CHANNEL_CHOICES, ChannelChoice
from webui.engine import EngineStatus
from webui.errors import FileMissingError, StudioError
from webui.formats import Outcome, as_dict
from webui.ui import memory_view
from webui.ui.i18n import Texts
from webui.ui.language import preferred_language
from webui.ui.session import Entry
from webui.ui.studio import Studio
from webui.ui.workspace import Recording
from webui.vad.options import VadOptions, option_info
from webui.vad.scorers import SCORERS, missing_package

ENDPOINTS = ("detect", "retune", "models", "memory", "unload")

_POLL_S = 0.05
_NOT_SENT = ("self", "request")
_OPTIONS = "options of the endpointer by name; the defaults are FunASR's"


class ApiError(gr.Error):
    """What a client is told; nothing of it is an accident, so the log stays without a traceback.

    Args:
        message: for a person.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, duration=None, print_exception=False)


class Api:
    """What the endpoints do.

    Args:
        studio: what all sessions share.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def detect(
        self,
        request: gr.Request,
        audio: str | None = None,
        demo: str = "",
        path: str = "",
        channel: str = "mix",
        engine: str = "auto",
        options: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Find speech in a recording. Give one of audio, demo and path.

        Args:
            request: of the client.
            audio: an uploaded file (handle_file in gradio_client), or the id of an upload.
            demo: the name of a demo recording, such as "english-clean".
            path: a file of the server, below one of the folders that FSMN_VAD_SERVER_FOLDERS names.
            channel: of stereo recordings: "mix", "left", "right", or "each" for itself.
            engine: "funasr", "onnx" or "onnx-int8"; "auto" is what FSMN_VAD_ENGINE names.
            options: options of the endpointer by name; the defaults are FunASR's.

        Returns:
            What `fsmn-vad detect` writes, and the id under which the result is kept.
        """
        texts = _texts(request)
        wanted = self._options(options, texts)
        choice = next((each for each in CHANNEL_CHOICES if each == channel), None)
        if choice is None:
            known = ", ".join(CHANNEL_CHOICES)
            raise ApiError(texts("api.choice", name="channel", value=channel, known=known))
        recording = self._recording(audio, demo, path, texts)
        try:
            entry_id = await self._score(recording, choice, engine, request)
        except StudioError as error:
            raise ApiError(error.message(texts.language)) from error
        finally:
            recording.done()
        entry = self._entry(entry_id, texts)
        self._studio.runs.note(entry_id, entry, wanted, "api")
        return await asyncio.to_thread(_result, entry_id, entry, wanted)

    def retune(
        self, request: gr.Request, id: str = "", options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Decide again over a result's kept probabilities; takes milliseconds and no model.

        Args:
            request: of the client.
            id: of a result, as detect gave it.
            options: options of the endpointer by name; the defaults are FunASR's.

        Returns:
            What detect gives, with the segments that these options find.
        """
        texts = _texts(request)
        wanted = self._options(options, texts)
        return _result(id, self._entry(id, texts), wanted)

    def models(self) -> list[dict[str, Any]]:
        """List the models, what this machine has of them, and the engines that can run them.

        Returns:
            For each model its name, title, state, engines, directory, size and licence.
        """
        try:
            records = weights.list_models(settings=self._studio.settings)
        except StudioError as error:
            raise ApiError(error.message()) from error
        return [
            {
                "name": record.name,
                "title": dict(record.title),
                "state": record.state,
                "engines": [
                    name
                    for name, info in SCORERS.items()
                    if info.weights in record.engines and missing_package(name) is None
                ],
                "size_bytes": record.size_bytes,
                "licence": record.licence,
            }
            for record in records
        ]

    def memory(self) -> dict[str, Any]:
        """Measure the memory of the page's process, of the engine's, and of the machine.

        Returns:
            The model's state, and bytes by name; null where the system does not tell.
        """
        reading = self._studio.sampler.reading(fresh=True)
        return {"model": _status(self._studio.engine.status()), **asdict(reading)}

    def unload(self, request: gr.Request) -> dict[str, Any]:
        """End the engine's process, after the jobs that wait; results stay, and can be retuned.

        Args:
            request: of the client.

        Returns:
            Bytes given back, memory before and after, what this program still has, and it in words.
        """
        texts = _texts(request)
        try:
            change = self._studio.engine.unload()
        except StudioError as error:
            raise ApiError(error.message(texts.language)) from error
        return {
            "message": memory_view.unloaded(self._studio, change, texts),
            "freed_bytes": change.freed_engine_bytes,
            "before": asdict(change.before),
            "after": asdict(change.after),
            "left": dict(memory_view.left(self._studio, change.after)),
        }

    async def _score(
        self, recording: Recording, channel: ChannelChoice, engine: str, request: gr.Request
    ) -> str:
        """Score a recording; whoever goes away takes the job along."""
        owner = request.client.host if request.client else ""
        engine = self._studio.settings.engine if engine == "auto" else str(engine)
        job = self._studio.engine.submit(
            recording.path, channel=channel, engine=engine, owner=f"api {owner}"
        )
        try:
            while not job.wait(0):
                await asyncio.sleep(_POLL_S)
        finally:
            job.cancel()
        return self._studio.cache.put(recording, job.result())

    def _recording(self, audio: Any, demo: str, path: str, texts: Texts) -> Recording:
        """Find what is to be scored, and keep it until it is `Recording.done`."""
        given = [each for each in (audio, demo, path) if each]
        if len(given) != 1 or not isinstance(given[0], str):
            raise ApiError(texts("api.one_recording"))
        if audio:
            recording = self._studio.workspace.take(audio)
            if recording is None:
                raise ApiError(texts("api.no_upload"))
            return recording
        if demo:
            if demo not in self._studio.demos:
                known = ", ".join(self._studio.demos)
                raise ApiError(texts("api.choice", name="demo", value=demo, known=known))
            return Recording(self._studio.demos[demo])
        file = Path(path)
        # The same answer for what is not there and for what is not to be seen.
        if not self._studio.settings.may_open(file):
            raise ApiError(texts("api.not_allowed", path=path))
        if not _is_file(file):
            raise ApiError(FileMissingError(file=path).message(texts.language))
        return Recording(file.resolve())

    def _entry(self, result_id: Any, texts: Texts) -> Entry:
        entry = self._studio.cache.get(result_id) if isinstance(result_id, str) else None
        if entry is None:
            raise ApiError(texts("api.no_result"))
        return entry

    def _options(self, given: Any, texts: Texts) -> VadOptions:
        if given is not None and not isinstance(given, dict):
            raise ApiError(texts("api.options"))
        try:
            return VadOptions.from_mapping(given or {})
        except StudioError as error:
            raise ApiError(error.message(texts.language)) from error


def arguments() -> dict[str, list[str]]:
    """Return the names of each endpoint's arguments, by its name."""
    return {name: _parameters(getattr(Api, name)) for name in ENDPOINTS}


def _parameters(function: Callable[..., Any]) -> list[str]:
    return [each for each in inspect.signature(function).parameters if each not in _NOT_SENT]


def attach(page: gr.Blocks, studio: Studio) -> None:
    """Add the endpoints to a page that is being built."""
    api = Api(studio)
    schemas = {
        "audio": _audio_schema(),
        "options": _options_schema(),
        "demo": _choice_schema(("", *studio.demos), "name of a demo recording"),
        "channel": _choice_schema(CHANNEL_CHOICES, "what is taken of stereo recordings"),
        "engine": _choice_schema(("auto", *SCORERS), "that scores; auto as FSMN_VAD_ENGINE says"),
    }
    for name in ENDPOINTS:
        function: Callable[..., Any] = getattr(api, name)
        add_endpoint(function, api_name=name, concurrency_limit=None)
        endpoint = next(each for each in page.fns.values() if each.api_name == name)
        for parameter, block in zip(_parameters(function), endpoint.inputs, strict=True):
            if parameter in schemas:
                # Types alone say nothing of ranges and choices.
                vars(block)["_api_info"] = schemas[parameter]


def _audio_schema() -> dict[str, Any]:
    about = "an uploaded file (handle_file in gradio_client), or the id of an upload"
    return {"type": "string", "description": about, "additional_description": about}


def _choice_schema(choices: Sequence[str], about: str) -> dict[str, Any]:
    about = f"{about}: {', '.join(json.dumps(each) for each in choices)}"
    return {
        "type": "string",
        "enum": [*choices],
        "description": about,
        "additional_description": about,
    }


def _options_schema() -> dict[str, Any]:
    """JSON schema of the options, from their definitions."""
    properties: dict[str, Any] = {}
    for name, default in VadOptions().as_dict().items():
        info = option_info(name)
        kind: Literal["boolean", "integer", "number", "string"] = "string"
        if isinstance(default, bool):
            kind = "boolean"
        elif info.kind == "number":
            kind = "integer" if isinstance(default, int) else "number"
        properties[name] = {"type": kind, "default": default, "description": info.help["en"]}
        if info.kind == "number":
            properties[name] |= {"minimum": info.minimum, "maximum": info.maximum}
    return {
        "type": "object",
        "properties": properties,
        "description": _OPTIONS,
        "additional_description": _OPTIONS,
    }


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no file can have so long a name
        return False


def _result(result_id: str, entry: Entry, options: VadOptions) -> dict[str, Any]:
    return {"id": result_id, **as_dict(Outcome.of(entry.tracks, options))}


def _status(status: EngineStatus) -> dict[str, Any]:
    return {"state": status.state, "engine": status.engine, "device": status.device}


def _texts(request: gr.Request) -> Texts:
    """Return the words of the language that a client asks for; Gradio hands its headers on."""
    return Texts(preferred_language(request.headers.get("accept-language", "")))
