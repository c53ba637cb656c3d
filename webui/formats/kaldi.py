"""Kaldi's data directory: ``segments``, and the ``wav.scp`` that says where recordings are.

A line of ``segments`` is utterance, recording, start, end in seconds. The recording is
its file's name without the ending (`webui.formats.names` says how white space in it is
written), with "-left" or "-right" where one channel was taken: as the field does with
both sides of a telephone call, and since Kaldi's own check refuses a fifth field for the
channel. Lines are sorted by their bytes, as all of Kaldi's tools want them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from webui.audio.report import AudioReport, Channel
from webui.formats.format import (
    Format,
    Problem,
    Together,
    has_length,
    malformed,
    ordered,
    same_name,
)
from webui.formats.labels import Labels, Region, gathered
from webui.formats.names import as_word, from_word, stem, words
from webui.formats.result import Outcome
from webui.formats.times import milliseconds, seconds

_TITLE = "Kaldi"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")
_PAN = {"mix": "", "left": "-af 'pan=mono|c0=c0' ", "right": "-af 'pan=mono|c0=c1' "}


def write_kaldi(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write ``segments``, sorted, when the last outcome has come."""
    stream.writelines(_sorted(line for o in _apart(outcomes) for line in _segments(o)))


def write_directory(outcomes: Iterable[Outcome], streams: Sequence[TextIO]) -> None:
    """Write ``segments`` and ``wav.scp``, sorted, when the last outcome has come.

    Args:
        outcomes: those of all recordings, each with its path.
        streams: of the two files.
    """
    segments: list[str] = []
    recordings: list[str] = []
    for outcome in _apart(outcomes):
        segments += _segments(outcome)
        recordings += _recordings(outcome)
    for stream, lines in zip(streams, (segments, recordings), strict=True):
        stream.writelines(_sorted(lines))


def identify(file: str) -> str:
    """Return what a recording is called, but for its channel."""
    return as_word(stem(file))


def problem(outcome: Outcome) -> Problem | None:
    """Refuse a path that no line of ``wav.scp`` can hold."""
    path = outcome.path or ""
    if "\n" in path or "\r" in path:
        return (
            "its path has a line break, and wav.scp has none",
            "路径中含有换行符，无法写入 wav.scp",
        )
    return has_length(outcome)


def _apart(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Pass outcomes on; call-left.wav must not get the name of the left channel of call.wav."""
    owners: dict[str, str] = {}
    for outcome in outcomes:
        file = outcome.audio.file
        for result in outcome.results:
            name = _name(outcome, result.scores.audio)
            if name in owners:
                raise KALDI.refused(file, *same_name(owners[name], file, name))
            owners[name] = file
        yield outcome


def _sorted(lines: Iterable[str]) -> list[str]:
    # By the first field alone: that is what Kaldi compares.
    return sorted(lines, key=lambda line: line.split(" ", maxsplit=1)[0].encode())


def _name(outcome: Outcome, audio: AudioReport) -> str:
    name = outcome.word
    if audio.channel == "mix":
        return name
    # An id that a wav.scp gives a recording of one channel, or one side of it, is that track's.
    is_told = outcome.recording_id is not None and not outcome.is_apart
    if is_told and (audio.channels == 1 or name.endswith(f"-{audio.channel}")):
        return name
    return f"{name}-{audio.channel}"


def _segments(outcome: Outcome) -> Iterator[str]:
    for result in outcome.results:
        name = _name(outcome, result.scores.audio)
        for segment in result.segments:
            # Nine digits reach beyond ten days, and so many are sorted by time.
            utterance = f"{name}-{segment.start_ms:09d}-{segment.end_ms:09d}"
            yield f"{utterance} {name} {seconds(segment.start_ms)} {seconds(segment.end_ms)}\n"


def _recordings(outcome: Outcome) -> Iterator[str]:
    path = outcome.path or outcome.audio.file
    for result in outcome.results:
        yield f"{_name(outcome, result.scores.audio)} {_source(result.scores.audio, path)}\n"


def _source(audio: AudioReport, path: str) -> str:
    """Say how to read a recording: its path if Kaldi can, else a command that decodes it."""
    is_read = audio.container == "wav" and audio.codec == "pcm_s16le" and audio.channels == 1
    if is_read and _PLAIN.issuperset(path) and path.startswith("/"):
        return path
    return _command(path, audio.channel if audio.channels > 1 else "mix")


def _command(path: str, channel: Channel) -> str:
    source = shlex.quote(f"file:{path}")
    return f"ffmpeg -nostdin -v error -i {source} {_PAN[channel]}-vn -ac 1 -ar 16000 -f wav - |"


def command_source(command: str) -> tuple[str, Channel] | None:
    """Tell the file that a command of a ``wav.scp`` decodes, if it is one as it is written here.

    Args:
        command: with its "|" at the end; it is read and never run.

    Returns:
        The path, and the side that is taken of it; "mix" if the command takes none. None of any
        other command.
    """
    try:
        words_of_it = shlex.split(command.rstrip().removesuffix("|"))
    except ValueError:  # a quotation mark without its partner
        return None
    _, _, path = "".join(words_of_it[5:6]).partition("file:")
    channels: tuple[Channel, ...] = ("mix", "left", "right")
    for channel in channels:
        if words_of_it == shlex.split(_command(path, channel).removesuffix("|")):
            return path, channel
    return None


def read_kaldi(stream: TextIO) -> tuple[Labels, ...]:
    """Read ``segments``. A channel is a part of the recording's name, or a fifth field."""
    return gathered(_lines(stream))


def _lines(stream: TextIO) -> Iterator[tuple[str, str, Region]]:
    for line, text in enumerate(stream, 1):
        fields = words(text)
        if not fields:
            continue
        if len(fields) not in (4, 5):
            raise malformed(
                _TITLE,
                line,
                f"there are {len(fields)} fields, not 4",
                f"有 {len(fields)} 个字段，应为 4 个",
            )
        start_ms, end_ms = ordered(_TITLE, line, *map(milliseconds, fields[2:4]))
        track = fields[4] if fields[4:] else "mix"
        yield from_word(fields[1]), track, Region(start_ms, end_ms)


KALDI = Format(
    name="kaldi",
    title=_TITLE,
    suffix=".segments",
    media_type="text/plain",
    writer=write_kaldi,
    reader=read_kaldi,
    holds_several=True,
    identify=identify,
    problem=problem,
    together=Together(("segments", "wav.scp"), write_directory),
)
