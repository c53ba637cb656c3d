"""The messages of a live stream: what clients may say, and how errors are told.

A client's text messages are JSON objects; its binary ones are sound. Whatever else comes
is answered with an error that a person can read, in the language of the stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from webui.audio.pcm import PcmFormat
from webui.errors import LANGUAGES, EngineBusyError, EngineError, EngineInUseError, StudioError
from webui.memory_errors import MemoryShortError
from webui.stream_errors import StreamMessageError, StreamSizeError
from webui.vad.options import VadOptions

MOST_BINARY_BYTES = 1024**2
MOST_TEXT_BYTES = 64 * 1024

CLOSE_NORMAL, CLOSE_POLICY, CLOSE_TOO_BIG, CLOSE_FAILURE, CLOSE_BUSY = 1000, 1008, 1009, 1011, 1013
"""Codes of RFC 6455 with which a connection ends."""

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Start:
    """Begin a stream.

    Attributes:
        pcm: format of the sound that will come.
        options: in force until they are tuned.
        engine: "auto" or the name of one.
        frames: probabilities and peaks are wanted, too.
        keep: the sound is to be kept for clips and a result.
        language: of what a person reads; "" where the message names none.
    """

    pcm: PcmFormat
    options: VadOptions
    engine: str = "auto"
    frames: bool = False
    keep: bool = False
    language: str = ""


@dataclass(frozen=True)
class Resume:
    """Go on with a stream whose connection was lost.

    Attributes:
        stream, key: as the server told them.
        events: number of the last event that came through; None if the client wants none again.
        frames: first frame that did not come through; None if it wants none again.
    """

    stream: str
    key: str
    events: int | None = None
    frames: int | None = None


@dataclass(frozen=True)
class Tune:
    """Change the options.

    Attributes:
        options: from now on.
        past: all that is kept is decided anew, not only what is not finished.
    """

    options: VadOptions
    past: bool = False


@dataclass(frozen=True)
class Stop:
    """End the stream."""


Message: TypeAlias = Start | Resume | Tune | Stop


def parse(text: str) -> dict[str, Any]:
    """Read the JSON object of a text message.

    Raises:
        StreamSizeError: it is too large.
        StreamMessageError: it is none.
    """
    if len(text) > MOST_TEXT_BYTES:
        raise StreamSizeError(size=len(text), most=MOST_TEXT_BYTES)
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise _wrong(f"{_shown(text)} is no JSON object", f"{_shown(text)} 不是 JSON 对象")
    return given


def language_of(given: Mapping[str, Any], default: str) -> str:
    """Return the language that a message asks for, if there is such a one."""
    language = given.get("language")
    return language if isinstance(language, str) and language in LANGUAGES else default


def read(given: dict[str, Any]) -> Message:
    """Check a message and everything in it.

    Raises:
        StreamMessageError: its type, a field of it or a value is wrong.
        OptionsError: an option of the endpointer is.
        StudioError: the format of the sound is.
    """
    fields = _Fields(given)
    kind = fields.text("type")
    message: Message
    if kind == "start":
        message = _start(fields)
    elif kind == "resume":
        message = Resume(
            fields.text("stream"),
            fields.text("key"),
            fields.count("events"),
            fields.count("frames"),
        )
    elif kind == "tune":
        message = Tune(fields.options(is_wanted=True), fields.flag("past"))
    elif kind == "stop":
        message = Stop()
    else:
        raise _wrong(
            f"there is no type {_shown(kind)}; known are start, resume, tune, stop",
            f"没有 {_shown(kind)} 这种类型；可用的有 start、resume、tune、stop",
        )
    fields.check_all_read()
    return message


def _start(fields: _Fields) -> Start:
    language = fields.text("language", "")
    if language not in ("", *LANGUAGES):
        raise _wrong(
            f"language must be one of {', '.join(LANGUAGES)}",
            f"language 必须是 {'、'.join(LANGUAGES)} 之一",
        )
    pcm = PcmFormat(
        fields.number("rate_hz"),
        fields.number("channels", 1),
        fields.text("sample_format", "s16le"),
    )
    return Start(
        pcm,
        fields.options(),
        fields.text("engine", "auto"),
        fields.flag("frames"),
        fields.flag("keep"),
        language,
    )


class _Fields:
    """Takes the fields out of a message, each once, and tells what is wrong with one."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._left = dict(given)
        self._known: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self._take(name, default)
        if not isinstance(value, str):
            raise _wrong(f"{name} must be text", f"{name} 必须是文本")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(f"{name} must be a whole number", f"{name} 必须是整数")
        return value

    def count(self, name: str) -> int | None:
        if self._left.get(name) is None:
            self._known.append(name)
            self._left.pop(name, None)
            return None
        value = self.number(name)
        if value < 0:
            raise _wrong(f"{name} must not be below 0", f"{name} 不能小于 0")
        return value

    def flag(self, name: str) -> bool:
        value = self._take(name, False)
        if not isinstance(value, bool):
            raise _wrong(f"{name} must be true or false", f"{name} 必须是 true 或 false")
        return value

    def options(self, *, is_wanted: bool = False) -> VadOptions:
        value = self._take("options", None if is_wanted else {})
        if not isinstance(value, dict):
            raise _wrong("options must be an object", "options 必须是对象")
        return VadOptions.from_mapping(value)

    def check_all_read(self) -> None:
        if self._left:
            name = _shown(next(iter(self._left)))
            known = ", ".join(self._known)
            raise _wrong(
                f"there is no field {name}; known here are {known}",
                f"没有字段 {name}；此处可用的有 {known}",
            )

    def _take(self, name: str, default: object) -> Any:
        self._known.append(name)
        value = self._left.pop(name, default)
        if value is None:
            raise _wrong(f"{name} is missing", f"缺少 {name}")
        return value


def error_message(error: StudioError, language: str, *, fatal: bool = True) -> dict[str, Any]:
    """Return what a client is told of an error.

    Args:
        error: what went wrong.
        language: of the text.
        fatal: the connection will be closed.
    """
    name = type(error).__name__.removesuffix("Error")
    code = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return {"type": "error", "code": code, "message": error.message(language), "fatal": fatal}


def close_code(error: StudioError) -> int:
    """Return the code with which a connection ends because of an error."""
    if isinstance(error, StreamSizeError):
        return CLOSE_TOO_BIG
    if isinstance(error, (EngineBusyError, EngineInUseError, MemoryShortError)):
        return CLOSE_BUSY
    return CLOSE_FAILURE if isinstance(error, EngineError) else CLOSE_POLICY


def _wrong(reason: str, reason_zh: str) -> StreamMessageError:
    return StreamMessageError(reason=reason, reason_zh=reason_zh)


def _shown(text: str) -> str:
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return json.dumps(cut, ensure_ascii=False)
