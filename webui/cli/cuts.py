"""``fsmn-vad detect --cut`` and ``--speech-only``: the sound itself."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from webui.audio.cuts.names import (
    DEFAULT_TEMPLATE,
    check_template,
    cut_names,
    name_stem,
    tells_recordings_apart,
)
from webui.audio.cuts.spans import CUT_FORMATS, CUT_RATES, CutFormat, CutRate, Span
from webui.audio.cuts.table import TABLE, CutTable, Cutting
from webui.cli.cut_texts import TEXTS
from webui.cli.files import appearing, each_path, spare, unwritable
from webui.cli.terminal import say, show
from webui.errors import CutError, NameTemplateError, SettingsError
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
    group.add_argument("--cut-format", choices=CUT_FORMATS, help=texts["cut_format"])
    group.add_argument(
        "--cut-name", metavar="TEMPLATE", help=texts["cut_name"].format(default=DEFAULT_TEMPLATE)
    )
    group.add_argument("--cut-rate", choices=CUT_RATES, help=texts["cut_rate"])
    group.add_argument(JOINED_OPTION, metavar="FILE", help=texts["speech_only"])
    group.add_argument(
        "--max-pause",
        type=int,
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
        _refuse_idle(chosen)
        self._chosen = chosen
        self._language = language
        self._kind: CutFormat = chosen.cut_format or "wav"
        self._rate: CutRate = chosen.cut_rate or "source"
        self._max_pause_ms: int = chosen.max_pause or 0
        self._table = CutTable()
        self._has_cut = False
        self._archived: set[str] = set()
        self._archive: tuple[PendingFile, ZipStream] | None = None
        self._joined: dict[str, Path] = {}
        if not 0 <= self._max_pause_ms <= _LONGEST_PAUSE_MS:
            raise SettingsError(
                name="--max-pause",
                reason=f"{self._max_pause_ms} is outside 0 to {_LONGEST_PAUSE_MS}",
                reason_zh=f"{self._max_pause_ms} 超出范围 0 至 {_LONGEST_PAUSE_MS}",
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
            # Pieces that are in a directory are listed even where the work was broken off.
            if kind is None or (self._archive is None and self._has_cut):
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
        duration_ms = outcome.audio.duration_ms
        spans = [Span.within(duration_ms, s.start_ms, s.end_ms, c) for c, s in outcome.segments]
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
        if len(recordings) > 1 and not tells_recordings_apart(self._template):
            raise NameTemplateError(
                value=self._template,
                reason="pieces of several recordings would have the same names; add {stem}",
                reason_zh="多个录音的片段会重名，请加入 {stem}",
            )
        owners: dict[str, str] = {}
        for recording in recordings:
            first = owners.setdefault(name_stem(recording).casefold(), recording)
            if first != recording:
                raise SettingsError(
                    name=OPTION,
                    reason=f"{first} and {recording} would be cut to the same names; "
                    "cut each into a directory of its own",
                    reason_zh=f"{first} 和 {recording} 切分后的文件会重名，请分别切分到不同目录",
                )
        try:
            if place.suffix.lower() == ".zip":
                self._archive = (PendingFile(place), ZipStream())
            else:
                place.mkdir(parents=True, exist_ok=True)
                PendingFile(place / TABLE).discard()
                self._table = _former_table(place / TABLE)
        except OSError as error:
            raise unwritable(place, OPTION, error) from error

    def _cut(self, outcome: Outcome, recording: str, spans: Sequence[Span]) -> None:
        names = cut_names(name_stem(recording), spans, f".{self._kind}", self._template)
        confidences = [segment.confidence for _, segment in outcome.segments]
        cutting = Cutting(recording, outcome.audio.file, spans, names, confidences)
        with _refused_as(self._chosen.cut, OPTION):
            if self._archive is None:
                self._cut_beside(cutting)
                return
            self._refuse_archived(cutting)
            self._table.add(cutting, list(self._pieces(cutting)))
            labels = FORMATS[self._chosen.format]
            text = io.StringIO(newline="")
            labels.write([outcome], text)
            self._put(name_stem(recording) + labels.suffix, text.getvalue().encode())

    def _cut_beside(self, cutting: Cutting) -> None:
        """Cut into the directory, in place of what was cut of this recording before."""
        place: Path = self._chosen.cut
        former = self._table.names_of(cutting.file)
        made = {name.casefold() for name in cutting.names}
        gone = {name for name in former if name.casefold() not in made}
        leaving = [place / name for name in gone if _is_piece(place, name)]
        spare(OPTION, [*(place / name for name in cutting.names), *leaving], self._chosen.audio)
        with self._refused_alone(cutting.file):
            _refuse_others(place, [name for name in cutting.names if name not in former])
        pieces: list[Piece] = []
        try:
            for piece in self._pieces(cutting):
                pieces.append(piece)
                self._has_cut = True
        finally:
            self._table.forget({cutting.names[piece.index] for piece in pieces})
            self._table.add(cutting, pieces)
        # Last, so that a recording that cannot be cut loses nothing.
        for path in leaving:
            path.unlink()
        self._table.forget(gone)
        if leaving:
            said = TEXTS[self._language]["replaced"]
            show("")
            say(said.format(file=cutting.file, count=len(leaving), place=place))

    def _refuse_archived(self, cutting: Cutting) -> None:
        """Refuse names that pieces of another recording have in the archive."""
        names = {name.casefold(): name for name in cutting.names}
        for taken in names.keys() & self._archived:
            raise CutError(
                file=cutting.file,
                reason=f"a piece of another recording is called {names[taken]} already; add "
                "{stem} to --cut-name",
                reason_zh=f"已有其他录音的片段名为 {names[taken]}，请在 --cut-name 中加入 {{stem}}",
            )
        self._archived |= names.keys()

    @contextlib.contextmanager
    def _refused_alone(self, file: str) -> Iterator[None]:
        """Where another recording was cut already, what is refused is of this one alone."""
        try:
            yield
        except SettingsError as error:
            if not self._has_cut:
                raise
            reasons = {name: error.details[name] for name in ("reason", "reason_zh")}
            raise CutError(file=file, **reasons) from error

    def _pieces(self, cutting: Cutting) -> Iterator[Piece]:
        from webui.audio.cuts.deliver import cut_members, cut_to_directory

        path, spans, names = cutting.path, cutting.spans, cutting.names
        kind, rate, told = self._kind, self._rate, self._told(path)
        if self._archive is None:
            place = self._chosen.cut
            yield from cut_to_directory(path, spans, names, place, rate=rate, kind=kind, told=told)
            return
        for name, stream, piece in cut_members(path, spans, names, rate=rate, kind=kind, told=told):
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
                max_pause_ms=self._max_pause_ms,
                rate=self._rate,
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


def _refuse_idle(chosen: argparse.Namespace) -> None:
    """Refuse arguments that would change nothing."""
    has_cut, has_joined = chosen.cut is not None, bool(chosen.speech_only)
    either, either_zh = f"{OPTION} or {JOINED_OPTION}", f"{OPTION} 或 {JOINED_OPTION}"
    for name, given, has_effect, wanted, wanted_zh in (
        ("--cut-format", chosen.cut_format, has_cut, OPTION, OPTION),
        ("--cut-name", chosen.cut_name, has_cut, OPTION, OPTION),
        ("--cut-rate", chosen.cut_rate, has_cut or has_joined, either, either_zh),
        ("--max-pause", chosen.max_pause, has_joined, JOINED_OPTION, JOINED_OPTION),
    ):
        if given is not None and not has_effect:
            raise SettingsError(
                name=name,
                reason=f"it has no effect without {wanted}",
                reason_zh=f"需与 {wanted_zh} 一起使用",
            )


def _former_table(path: Path) -> CutTable:
    """The table that a directory has already, or a new one."""
    try:
        return CutTable(path.read_bytes())
    except FileNotFoundError:
        return CutTable()
    except ValueError as error:
        raise SettingsError(
            name=OPTION,
            reason=f"{path} is no table of pieces ({error}) and would be overwritten; choose "
            "another directory",
            reason_zh=f"{path} 不是切分总表，会被覆盖，请换一个目录",
        ) from error


def _is_piece(place: Path, name: str) -> bool:
    """Whether a name that a table lists is of a file of sound in the directory itself."""
    path = place / name
    return path.name == name and path.suffix[1:] in CUT_FORMATS and path.is_file()


def _refuse_others(place: Path, names: Sequence[str]) -> None:
    """Refuse to take the place of files that are no pieces of the same recording."""
    taken = [place / name for name in names if os.path.lexists(place / name)]
    if taken:
        raise SettingsError(
            name=OPTION,
            reason=f"{taken[0]} is there already ({len(taken)} of {len(names)} such names are "
            f"taken) and {TABLE} does not list it as a piece of this recording; remove it, or "
            "choose another directory or --cut-name",
            reason_zh=f"{taken[0]} 已存在（{len(names)} 个新文件名中有 {len(taken)} 个被占用），"
            f"且 {TABLE} 未将其列为该录音的片段；请移走它，或更换目录或 --cut-name",
        )


@contextlib.contextmanager
def _refused_as(place: Path, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(place, option, error) from error
