"""What all formats have in common: how one is described, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from webui.errors import MalformedLabelsError, NotRepresentableError
from webui.formats.labels import Labels
from webui.formats.result import Outcome

Problem = tuple[str, str]
"""What is wrong, in English and in Chinese."""

NO_SOURCE = "-"
"""Stands for the file that is read where its name is not known."""


def _none(outcome: Outcome) -> Problem | None:
    return None


@dataclass(frozen=True)
class Together:
    """How a format keeps several recordings in a directory of its own.

    Attributes:
        names: of the files.
        write: writes them all, given an open stream for each.
    """

    names: Sequence[str]
    write: Callable[[Iterable[Outcome], Sequence[TextIO]], None]


@dataclass(frozen=True)
class Format:
    """One way to write a result and to read it back.

    Attributes:
        name: under which it is in `webui.formats.FORMATS`.
        title: what people call it, in any language.
        suffix: of its files, with the dot; no other format's ends so.
        media_type: for downloads.
        writer: writes outcomes as they come; see `write`.
        reader: reads what is open; see `read`.
        holds_several: one file can hold several recordings.
        identify: what it calls a recording, given its file's name; None where it
            names it fully or not at all. Two recordings in a file must not share it.
        problem: says why it cannot hold an outcome; None if it can.
        together: its directory, where it has one; a recording alone has the same files there,
            each with its name for an ending.
    """

    name: str
    title: str
    suffix: str
    media_type: str
    writer: Callable[[Iterable[Outcome], TextIO], None]
    reader: Callable[[TextIO], tuple[Labels, ...]]
    holds_several: bool = False
    identify: Callable[[str], str] | None = None
    problem: Callable[[Outcome], Problem | None] = _none
    together: Together | None = None

    def write(self, outcomes: Iterable[Outcome], stream: TextIO) -> None:
        """Write outcomes as they come.

        Args:
            outcomes: one, where the format does not hold several.
            stream: of text, opened with newline="".

        Raises:
            NotRepresentableError: the format cannot hold one of them. What came before
                it is written; see `check`.
        """
        self.writer(self.checked(outcomes), stream)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of all files that a recording has for itself; the first is `suffix`."""
        if self.together is None:
            return (self.suffix,)
        return tuple(f".{name}" for name in self.together.names)

    def write_apart(self, outcome: Outcome, streams: Sequence[TextIO]) -> None:
        """Write all files that a recording has for itself.

        Args:
            outcome: of the recording.
            streams: of text, opened with newline="", one for each of `suffixes`.

        Raises:
            NotRepresentableError: the format cannot hold it.
        """
        if self.together is None:
            self.write([outcome], *streams)
        else:
            self.together.write(self.checked([outcome]), streams)

    def checked(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Pass outcomes on and stop at what the format cannot hold, alone or with the others.

        Raises:
            NotRepresentableError: the format cannot hold one of them.
        """
        names: dict[str, str] = {}
        for number, outcome in enumerate(outcomes):
            self.check(outcome)
            file = outcome.audio.file
            if number and not self.holds_several:
                raise self.refused(file, *_ONE_ALONE)
            if self.identify is not None:
                name = outcome.recording_id or self.identify(file)
                if name in names:
                    raise self.refused(file, *same_name(names[name], file, name))
                names[name] = file
            yield outcome

    def check(self, outcome: Outcome) -> None:
        """Say whether the format can hold an outcome, before anything is written of it.

        Raises:
            NotRepresentableError: it cannot.
        """
        problem = _encoding(outcome) or self.problem(outcome)
        if problem is not None:
            raise self.refused(outcome.audio.file, *problem)

    def refused(self, file: str, reason: str, reason_zh: str) -> NotRepresentableError:
        """Return the error that says why a recording cannot be written in this format."""
        return NotRepresentableError(
            file=_printable(file), format=self.title, reason=reason, reason_zh=reason_zh
        )

    def read(self, stream: TextIO) -> tuple[Labels, ...]:
        """Read every track of every recording.

        Args:
            stream: of text, opened with newline="".

        Raises:
            MalformedLabelsError: it is not in this format; the error names the line.
        """
        return self.reader(stream)


_ONE_ALONE = (
    "such a file holds one recording; write one file for each",
    "一个文件只能存放一个录音，请每个录音写一个文件",
)


def same_name(first: str, second: str, name: str) -> Problem:
    """Say that two recordings would have the same name in a file."""
    both = _printable(f"{first} and {second}"), _printable(f"{first} 和 {second}")
    return (
        f"{both[0]} would both be called {name} there; write them apart or rename one",
        f"{both[1]} 在其中都叫 {name}，请分开写或重命名其中一个",
    )


def has_length(outcome: Outcome) -> Problem | None:
    """Refuse a segment of no length, for formats that have none."""
    for _, segment in outcome.segments:
        if segment.end_ms <= segment.start_ms:
            return (
                f"the segment at {segment.start_ms} ms has no length",
                f"位于 {segment.start_ms} 毫秒的片段长度为零",
            )
    return None


def lies_apart(outcome: Outcome) -> Problem | None:
    """Refuse segments of no length and those that overlap on one track, for tiers."""
    for result in outcome.results:
        end_ms = 0
        for segment in result.segments:
            if segment.start_ms < end_ms:
                return (
                    f"the segment at {segment.start_ms} ms overlaps the one before it",
                    f"位于 {segment.start_ms} 毫秒的片段与前一个片段重叠",
                )
            end_ms = segment.end_ms
    return has_length(outcome)


def malformed(title: str, line: int, reason: str, reason_zh: str) -> MalformedLabelsError:
    """Return the error that says what is wrong in a line of a file."""
    return MalformedLabelsError(
        file=NO_SOURCE, format=title, line=line, reason=reason, reason_zh=reason_zh
    )


def ordered(title: str, line: int, start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
    """Check the times of a segment.

    Args:
        title: of the format.
        line: where they stand.
        start_ms: None if it is no time.
        end_ms: None if it is no time.

    Raises:
        MalformedLabelsError: one is no time, or they are in the wrong order.
    """
    if start_ms is None or end_ms is None:
        raise malformed(title, line, "a time is missing or no number", "缺少时间，或时间不是数字")
    if end_ms < start_ms:
        raise malformed(title, line, "the segment ends before it starts", "片段的终点早于起点")
    return start_ms, end_ms


def _encoding(outcome: Outcome) -> Problem | None:
    """Refuse a name that is no text: bytes of a file system in another encoding than UTF-8."""
    try:
        f"{outcome.audio.file}{outcome.path or ''}".encode()
    except UnicodeEncodeError:
        return (
            "its name is not valid Unicode, so no text can hold it; rename the file",
            "文件名不是有效的 Unicode，无法写入文本，请重命名该文件",
        )
    return None


def _printable(text: str) -> str:
    """Show what a terminal and UTF-8 cannot: lone surrogates and control characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
