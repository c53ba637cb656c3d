"""``fsmn-vad detect --cut`` and ``--speech-only``: the sound itself."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from webui.audio.cuts.names import DEFAULT_TEMPLATE, check_template, cut_names, name_stem
from webui.audio.cuts.spans import CUT_FORMATS, CUT_RATES, Span
from webui.audio.cuts.table import TABLE, CutTable, Cutting
from webui.cli.cut_texts import TEXTS
from webui.cli.files import appearing, each_path, spare, unwritable
from webui.cli.terminal import show
from webui.errors import SettingsError
from webui.files import PendingFile
from webui.formats import FORMATS, Outcome
from webui.zipped import ZipStream

if TYPE_CHECKING:
    from webui.audio.cuts.cut import Piece

OPTION = "--cut"
JOINED_OPTION = "--speech-only"
_LONGEST_PAUSE_MS = 3_600_000


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare what concerns the sound of segments."""
    texts = TEXTS[language]
    group = parser.add_argument_group(texts["cut_group"])
    group.add_argument(OPTION, type=Path, metavar="DIR", help=texts["cut"].format(table=TABLE))
    group.add_argument("--cut-format", choices=CUT_FORMATS, default="wav", help=texts["cut_format"])
    group.add_argument(
        "--cut-name", metavar="TEMPLATE", help=texts["cut_name"].format(default=DEFAULT_TEMPLATE)
    )
    group.add_argument("--cut-rate", choices=CUT_RATES, default="source", help=texts["cut_rate"])
    group.add_argument(JOINED_OPTION, metavar="FILE", help=texts["speech_only"])
    group.add_argument(
        "--max-pause",
        type=int,
        default=0,
        metavar="MS",
        help=texts["max_pause"].format(high=_LONGEST_PAUSE_MS),
    )


class Cuts:
    """Cuts one recording after another; a context manager that completes what belongs to all.

    Args:
        chosen: the command's arguments.
        language: of the messages.

    Raises:
        SettingsError: something cannot be written, or two recordings would share a file.
        NameTemplateError: no file can be named so.
    """

    def __init__(self, chosen: argparse.Namespace, language: str) -> None:
        self._chosen = chosen
        self._language = language
        self._table = CutTable()
        self._archive: tuple[PendingFile, ZipStream] | None = None
        self._joined: dict[str, Path] = {}
        if not 0 <= chosen.max_pause <= _LONGEST_PAUSE_MS:
            raise SettingsError(
                name="--max-pause",
                reason=f"{chosen.max_pause} is outside 0 to {_LONGEST_PAUSE_MS}",
                reason_zh=f"{chosen.max_pause} 超出范围 0 至 {_LONGEST_PAUSE_MS}",
            )
        if chosen.speech_only:
            suffixes = [f".{kind}" for kind in CUT_FORMATS]
            paths = each_path(JOINED_OPTION, chosen.speech_only, chosen.audio, suffixes)
            self._joined = dict(paths)
        if chosen.cut is not None:
            self._prepare(chosen.cut, chosen.audio)

    def __enter__(self) -> Cuts:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._chosen.cut is None:
            return
        try:
            if kind is None:
                self._complete()
        finally:
            if self._archive is not None:
                self._archive[0].discard()

    def add(self, outcome: Outcome, recording: str) -> None:
        """Cut one recording.

        Raises:
            AudioError, CutError: that one cannot be cut.
            SettingsError: a file cannot be written.
        """
        if self._chosen.cut is None and not self._joined:
            return
        spans = [Span(s.start_ms, s.end_ms, channel) for channel, s in outcome.segments]
        try:
            if self._chosen.cut is not None:
                self._cut(outcome, recording, spans)
            if recording in self._joined:
                self._join(recording, spans)
        finally:
            show("")

    def _prepare(self, place: Path, recordings: Sequence[str]) -> None:
        self._template = self._chosen.cut_name or DEFAULT_TEMPLATE
        check_template(self._template)
        owners: dict[str, str] = {}
        for recording in recordings:
            first = owners.setdefault(name_stem(recording).casefold(), recording)
            if first != recording:
                raise SettingsError(
                    name=OPTION,
                    reason=f"{first} and {recording} would be cut to the same names; "
                    "cut them one by one",
                    reason_zh=f"{first} 和 {recording} 切分后的文件会重名，请分别处理",
                )
        try:
            if place.suffix.lower() == ".zip":
                self._archive = (PendingFile(place), ZipStream())
            else:
                place.mkdir(parents=True, exist_ok=True)
                PendingFile(place / TABLE).discard()
        except OSError as error:
            raise unwritable(place, OPTION, error) from error

    def _cut(self, outcome: Outcome, recording: str, spans: Sequence[Span]) -> None:
        kind = self._chosen.cut_format
        names = cut_names(name_stem(recording), spans, f".{kind}", self._template)
        if self._archive is None:
            places = (self._chosen.cut / name for name in names)
            spare(OPTION, places, self._chosen.audio)
        with _refused_as(self._chosen.cut, OPTION):
            confidences = [segment.confidence for _, segment in outcome.segments]
            cutting = Cutting(recording, outcome.audio.file, spans, names, confidences)
            self._table.add(cutting, list(self._pieces(recording, spans, names)))
            if self._archive is not None:
                labels = FORMATS[self._chosen.format]
                text = io.StringIO(newline="")
                labels.write([outcome], text)
                self._put(name_stem(recording) + labels.suffix, text.getvalue().encode())

    def _pieces(
        self, recording: str, spans: Sequence[Span], names: Sequence[str]
    ) -> Iterator[Piece]:
        from webui.audio.cuts.deliver import cut_members, cut_to_directory

        kind, rate = self._chosen.cut_format, self._chosen.cut_rate
        told = self._told(recording)
        if self._archive is None:
            place = self._chosen.cut
            yield from cut_to_directory(
                recording, spans, names, place, rate=rate, kind=kind, told=told
            )
            return
        for name, stream, piece in cut_members(
            recording, spans, names, rate=rate, kind=kind, told=told
        ):
            self._put(name, stream)
            yield piece

    def _join(self, recording: str, spans: Sequence[Span]) -> None:
        from webui.audio.cuts.cut import join

        path = self._joined[recording]
        with appearing(path, JOINED_OPTION) as stream:
            join(
                recording,
                spans,
                stream,
                max_pause_ms=self._chosen.max_pause,
                rate=self._chosen.cut_rate,
                kind="flac" if path.suffix.lower() == ".flac" else "wav",
                told=self._told(recording),
            )

    def _complete(self) -> None:
        table = self._table.encoded()
        with _refused_as(self._chosen.cut, OPTION):
            if self._archive is None:
                with appearing(self._chosen.cut / TABLE, OPTION) as stream:
                    stream.write(table)
                return
            self._put(TABLE, table)
            pending, archive = self._archive
            pending.stream.write(archive.close())
            pending.appear()

    def _put(self, name: str, content: bytes | BinaryIO) -> None:
        assert self._archive is not None
        pending, archive = self._archive
        for part in archive.add(name, content):
            pending.stream.write(part)

    def _told(self, recording: str) -> _Told:
        return _Told(Path(recording).name, self._language)


class _Told:
    """Shows how far the cutting is."""

    def __init__(self, name: str, language: str) -> None:
        self._name = name
        self._text = TEXTS[language]["cutting"]

    def __call__(self, position_s: float) -> None:
        show(self._text.format(file=self._name, seconds=round(position_s)))


@contextlib.contextmanager
def _refused_as(place: Path, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(place, option, error) from error
