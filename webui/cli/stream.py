"""``fsmn-vad stream``: samples in through a pipe, events out as they are certain."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from webui.audio.announced import HEAD_BYTES
from webui.audio.past import AudioPast
from webui.audio.pcm import MOST_CHANNELS, RATES_HZ, SAMPLE_FORMATS, PcmFormat
from webui.audio.wav_pipe import WavStart, is_wav, refuse_other, wav_head, wav_start
from webui.choice import choose
from webui.cli.detect import add_options, add_preset, chosen_options
from webui.cli.files import appearing, unwritable
from webui.cli.stream_input import StreamInput
from webui.cli.stream_texts import TEXTS
from webui.cli.terminal import TEXTS as COMMON
from webui.cli.terminal import say, with_options
from webui.errors import DecodeError, PcmFormatError, SettingsError
from webui.guard import load_detector
from webui.settings import Settings
from webui.vad.scorers import SCORERS
from webui.vad.segment import Segment
from webui.vad.stream import SpeechEvent, SpeechStream

_CHUNK_MS = 40
_CHUNKS_MS = (10, 10_000)
_SAVE = "--save-segments"
_FLAGS = {"rate_hz": "--rate", "channels": "--channels", "sample_format": "--sample-format"}


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``stream``; the endpointer's are those of ``detect``."""
    texts, common = TEXTS[language], COMMON[language]
    parser.description = texts["about"]
    parser.add_argument("file", nargs="?", help=argparse.SUPPRESS)  # whoever gives one is told
    low, high = RATES_HZ
    parser.add_argument(
        "--rate", type=int, metavar="HZ", help=texts["rate"].format(low=low, high=high)
    )
    parser.add_argument(
        "--channels", type=int, metavar="N", help=texts["channels"].format(high=MOST_CHANNELS)
    )
    known = ", ".join(SAMPLE_FORMATS)
    parser.add_argument(
        "--sample-format", metavar="FORMAT", help=texts["sample_format"].format(known=known)
    )
    parser.add_argument("--engine", choices=["auto", *SCORERS], help=texts["engine"])
    parser.add_argument("--device", help=common["device"])
    low, high = _CHUNKS_MS
    parser.add_argument(
        "--chunk-ms",
        type=int,
        default=_CHUNK_MS,
        metavar="MS",
        help=texts["chunk_ms"].format(low=low, high=high, default=_CHUNK_MS),
    )
    parser.add_argument(_SAVE, metavar="DIR", help=texts["save_segments"])
    add_preset(parser, language)
    add_options(parser, language)


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Detect speech in what comes; returns the exit code."""
    settings = with_options(settings, engine=chosen.engine, device=chosen.device)
    options = chosen_options(chosen)
    raw_format = _raw_format(chosen)
    _check(chosen, language)
    source = StreamInput(sys.stdin.fileno())
    engine = choose(settings.engine, settings).engine
    # A stream's pieces are too short to be shared.
    detector = load_detector(engine, replace(settings, threads=1))
    directory = None if chosen.save_segments is None else Path(chosen.save_segments)
    with source, AudioPast() as past:
        samples = _Samples(source, TEXTS[language]["input"])
        format = samples.format or raw_format
        _check_header(chosen, raw_format, format)
        stream = detector.stream(options, format=format)
        events = _Events(stream, format, directory, past, language)
        for data, came_s in samples.chunks(format, chosen.chunk_ms):
            events.take(data, came_s)
        events.finish()
    say(TEXTS[language]["summary"].format(**events.summary()))
    if samples.is_cut_short(format):
        say(TEXTS[language]["cut_short"])
    return 1 if events.has_failed or samples.is_missing else 0


def _raw_format(chosen: argparse.Namespace) -> PcmFormat:
    """What raw samples are, by the arguments."""
    try:
        return PcmFormat(
            16_000 if chosen.rate is None else chosen.rate,
            1 if chosen.channels is None else chosen.channels,
            chosen.sample_format or "s16le",
        )
    except PcmFormatError as error:
        name = _FLAGS[str(error.details["name"])]
        raise PcmFormatError(**{**error.details, "name": name}) from error


def _check(chosen: argparse.Namespace, language: str) -> None:
    """Refuse what cannot be meant, before the model is loaded."""
    low, high = _CHUNKS_MS
    if not low <= chosen.chunk_ms <= high:
        fields = {"value": chosen.chunk_ms, "low": low, "high": high}
        raise _refused("--chunk-ms", "chunk_outside", **fields)
    if chosen.file is not None:
        raise _refused(chosen.file, "file", file=shlex.quote(chosen.file))
    if sys.stdin is None:
        raise _refused(TEXTS[language]["input"], "closed")
    if sys.stdin.isatty():
        raise _refused(TEXTS[language]["input"], "terminal")
    if chosen.save_segments == "":
        raise _refused(_SAVE, "no_directory")
    if chosen.save_segments is not None:
        try:
            Path(chosen.save_segments).mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(Path(chosen.save_segments), _SAVE, error) from error


def _check_header(chosen: argparse.Namespace, raw: PcmFormat, found: PcmFormat) -> None:
    """Refuse arguments that a WAV header contradicts: one of both is wrong."""
    for flag, is_given, value, said in (
        ("--rate", chosen.rate, raw.rate_hz, found.rate_hz),
        ("--channels", chosen.channels, raw.channels, found.channels),
        ("--sample-format", chosen.sample_format, raw.sample_format, found.sample_format),
    ):
        if is_given is not None and value != said:
            raise _refused(flag, "contradicts", value=value, found=said)


def _refused(name: str, text: str, **fields: object) -> SettingsError:
    reason, reason_zh = (TEXTS[language][text].format(**fields) for language in ("en", "zh"))
    return SettingsError(name=name, reason=reason, reason_zh=reason_zh)


class _Samples:
    """Samples as they come: raw ones, or those of a WAV.

    Args:
        source: their bytes.
        name: what the user calls it.

    Attributes:
        format: of a WAV; None where they are raw.

    Raises:
        AudioError: they are none.
    """

    def __init__(self, source: StreamInput, name: str) -> None:
        self._source = source
        self._reads = source.reads()
        self._held = bytearray()
        self._came_s = time.perf_counter()
        self._bytes = 0
        self._size_bytes: int | None = None
        self.format: PcmFormat | None = None
        start = self._start(name)
        if start is not None:
            self.format, self._size_bytes = start.format, start.size_bytes
            del self._held[: start.offset_bytes]

    def _start(self, name: str) -> WavStart | None:
        while True:
            head = bytes(self._held[:HEAD_BYTES])
            has_header = is_wav(head)
            if has_header is False:
                refuse_other(head, name)
                return None
            if has_header and (start := wav_start(head, name)) is not None:
                return start
            if not self._read():
                if head:
                    raise DecodeError(
                        file=name,
                        reason="it ended within the WAV header",
                        reason_zh="在 WAV 头中间结束",
                    )
                return None

    def _read(self) -> bool:
        data, self._came_s = next(self._reads, (b"", self._came_s))
        self._held += data
        return bool(data)

    def chunks(self, format: PcmFormat, chunk_ms: int) -> Iterator[tuple[bytes, float]]:
        """Yield pieces of at least ``chunk_ms``, but the last, and when their end came."""
        least_bytes = format.bytes_per_s * chunk_ms // 1000
        goes_on = True
        while goes_on:
            goes_on = self._size_bytes is None or self._bytes < self._size_bytes
            while goes_on and len(self._held) < least_bytes:
                goes_on = self._read()
            piece = bytes(self._held)
            if self._size_bytes is not None:
                piece = piece[: self._size_bytes - self._bytes]  # what follows is no sound
            self._held.clear()
            self._bytes += len(piece)
            if piece:
                yield piece, self._came_s

    @property
    def is_missing(self) -> bool:
        """Whether nothing came of the sound that a header promises."""
        return not (self._bytes or self._source.is_interrupted) and bool(self._size_bytes)

    def is_cut_short(self, format: PcmFormat) -> bool:
        """Whether the end came unawares."""
        if self._source.is_interrupted:
            return False
        announced = self._bytes if self._size_bytes is None else self._size_bytes
        return self._bytes < announced or self._bytes % format.frame_bytes != 0


class _Events:
    """Writes events to standard output, and the sound of each segment.

    Args:
        stream: that makes them.
        format: of what it is fed.
        directory: where segments go; None = nowhere.
        past: of the stream.
        language: of what cannot be done.

    Attributes:
        has_failed: whether the sound of a segment could not be written.
    """

    def __init__(
        self,
        stream: SpeechStream,
        format: PcmFormat,
        directory: Path | None,
        past: AudioPast,
        language: str,
    ) -> None:
        self._stream, self._format = stream, format
        self._directory, self._past, self._language = directory, past, language
        self._saved_before = 0 if directory is None else _last_number(directory)
        self.has_failed = False
        self._segments = self._speech_ms = 0

    def take(self, data: bytes, came_s: float) -> None:
        """Take the next bytes, which were there at a time of `time.perf_counter`."""
        if self._directory is not None:
            try:
                self._past.add(data)
            except OSError as error:
                spool = Path(tempfile.gettempdir()) / "fsmn-vad-stream"
                raise unwritable(spool, _SAVE, error) from error
        for event in self._stream.feed(data):
            self._write(event, came_s)
        self._past.forget_before(self._byte_at(self._stream.needed_from_ms))

    def finish(self) -> None:
        """End the stream."""
        ended_s = time.perf_counter()
        for event in self._stream.finish():
            self._write(event, ended_s)

    def summary(self) -> dict[str, object]:
        """What there was, for the user."""
        return {
            "duration": f"{self._stream.received_ms / 1000:.1f}",
            "segments": self._segments,
            "speech": f"{self._speech_ms / 1000:.1f}",
        }

    def _write(self, event: SpeechEvent, came_s: float) -> None:
        line: dict[str, object] = dict(event.as_dict())
        if event.segment is not None:
            self._segments += 1
            self._speech_ms += event.segment.duration_ms
            if self._directory is not None:
                try:
                    line["file"] = str(self._save(event.segment, self._directory))
                except SettingsError as error:  # the event is no less true
                    say(error.message(self._language))
                    self.has_failed = True
        # What was received beyond the boundary, and what has passed since the last of it came.
        passed_ms = 1000 * (time.perf_counter() - came_s)
        after_ms = self._stream.received_ms - event.boundary_ms + passed_ms
        line["made_after_ms"] = round(after_ms)
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def _save(self, segment: Segment, directory: Path) -> Path:
        number = self._saved_before + self._segments
        name = f"stream_{number:04d}_{segment.start_ms}_{segment.end_ms}.wav"
        first = self._byte_at(segment.start_ms)
        end = min(self._byte_at(segment.end_ms), self._stream.received_bytes)
        end -= end % self._format.frame_bytes
        with appearing(directory / name, _SAVE) as file:
            file.write(wav_head(self._format, end - first))
            for piece in self._past.read(first, end):
                file.write(piece)
        return directory / name

    def _byte_at(self, time_ms: int) -> int:
        return time_ms * self._format.rate_hz // 1000 * self._format.frame_bytes


def _last_number(directory: Path) -> int:
    """Highest number of the segments that a directory has; 0 if it has none."""
    names = (
        re.fullmatch(r"stream_(\d{4,})_\d+_\d+\.wav", path.name) for path in directory.iterdir()
    )
    return max((int(name[1]) for name in names if name), default=0)
