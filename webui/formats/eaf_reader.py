"""Reading ELAN's annotation documents, so that an error can name its line.

Expat itself rather than ElementTree, which forgets lines; a document that declares
entities, as no program that writes EAF does, is refused before they are expanded.
"""

from __future__ import annotations

from typing import TextIO
from xml.parsers import expat

from webui.errors import MalformedLabelsError
from webui.formats.format import malformed, ordered
from webui.formats.labels import OVERLAP, Labels, Region, gathered, region_of, track_of

TITLE = "ELAN EAF"


def read_eaf(stream: TextIO) -> tuple[Labels, ...]:
    """Read the annotations that have times of their own; others belong to one that has.

    Left out is the tier of overlaps that stands beside those of both channels.
    """
    document = _Document()
    document.feed(stream.read())
    tiers = document.tiers
    if {"left", "right"} <= tiers.keys():
        tiers.pop(OVERLAP, None)
    tracks = [(document.file, track_of(name)) for name in tiers]
    found = ((document.file, track_of(name), region) for name in tiers for region in tiers[name])
    return gathered(found, tracks)


class _Document:
    """What the parser has met so far."""

    def __init__(self) -> None:
        self.file = ""
        self.tiers: dict[str, list[Region]] = {}
        self._slots: dict[str, int | None] = {}
        self._tier: list[Region] | None = None
        self._span: tuple[int, int] | None = None
        self._text: list[str] = []
        self._is_text = False
        self._is_root = True
        # Texts come as they stand in memory, whatever encoding the document declares.
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, content: str) -> None:
        """Read the whole document.

        Raises:
            MalformedLabelsError: it is none.
        """
        try:
            self._parser.Parse(content.lstrip("\ufeff").encode(), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise malformed(TITLE, error.lineno, reason, f"XML 语法错误（{reason}）") from error

    def _start(self, name: str, given: dict[str, str]) -> None:
        if self._is_root and name != "ANNOTATION_DOCUMENT":
            raise self._malformed("it is no annotation document", "不是 ELAN 标注文档")
        self._is_root = False
        if name == "HEADER" and given.get("TIME_UNITS", "milliseconds") != "milliseconds":
            raise self._malformed("its times are not in milliseconds", "时间单位不是毫秒")
        if name == "MEDIA_DESCRIPTOR" and not self.file:
            place = given.get("RELATIVE_MEDIA_URL") or given.get("MEDIA_URL", "")
            self.file = place.rpartition("/")[2]
        elif name == "TIME_SLOT":
            self._slots[self._required(given, "TIME_SLOT_ID")] = self._slot(given)
        elif name == "TIER":
            self._tier = self.tiers.setdefault(self._required(given, "TIER_ID"), [])
        elif name == "ALIGNABLE_ANNOTATION":
            self._span, self._text = self._times(given), []
        elif name == "ANNOTATION_VALUE":
            self._text, self._is_text = [], True

    def _end(self, name: str) -> None:
        if name == "TIER":
            self._tier = None
        elif name == "ALIGNABLE_ANNOTATION":
            if self._span is not None and self._tier is not None:
                self._tier.append(region_of(*self._span, "".join(self._text)))
            self._span = None
        elif name == "ANNOTATION_VALUE":
            self._is_text = False

    def _characters(self, text: str) -> None:
        if self._is_text:
            self._text.append(text)

    def _doctype(self, *declared: object) -> None:
        raise self._malformed(
            "documents with a type declaration are not read", "不读取带有文档类型声明的文件"
        )

    def _slot(self, given: dict[str, str]) -> int | None:
        """Return the time of a slot; None if it has none of its own."""
        value = given.get("TIME_VALUE")
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise self._malformed("a TIME_VALUE is no number", "TIME_VALUE 不是数字")
        return int(value)

    def _times(self, given: dict[str, str]) -> tuple[int, int] | None:
        """Return start and end of an annotation; None if a slot has no time of its own."""
        names = [self._required(given, f"TIME_SLOT_REF{number}") for number in (1, 2)]
        unknown = next((name for name in names if name not in self._slots), None)
        if unknown is not None:
            raise self._malformed(f"there is no time slot {unknown}", f"没有时间槽 {unknown}")
        start_ms, end_ms = (self._slots[name] for name in names)
        if start_ms is None or end_ms is None:
            return None
        return ordered(TITLE, self._parser.CurrentLineNumber, start_ms, end_ms)

    def _required(self, given: dict[str, str], name: str) -> str:
        if name not in given:
            raise self._malformed(f"{name} is missing", f"缺少 {name}")
        return given[name]

    def _malformed(self, reason: str, reason_zh: str) -> MalformedLabelsError:
        return malformed(TITLE, self._parser.CurrentLineNumber, reason, reason_zh)
