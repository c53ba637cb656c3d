"""ELAN's annotation document (EAF 3.0): a tier for each track.

The tier is "speech", or "left" and "right" and, where both speak, "overlap".
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from webui.formats.eaf_reader import TITLE, read_eaf
from webui.formats.format import Format, Problem, lies_apart
from webui.formats.labels import OVERLAP, text_of, track_name
from webui.formats.result import Outcome

_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_DOCUMENT = {
    "AUTHOR": "",
    # The schema wants a date; today's would give other bytes for the same result.
    "DATE": "1970-01-01T00:00:00+00:00",
    "FORMAT": "3.0",
    "VERSION": "3.0",
    f"{{{_SCHEMA_INSTANCE}}}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}
_TYPE = "speech"
_MEDIA_TYPES = {"wav": "audio/x-wav", "mov": "video/mp4"}
# What XML 1.0 has no way to write.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write_eaf(outcomes: Iterable[Outcome], stream: TextIO) -> None:
    """Write the document of one recording."""
    for outcome in outcomes:
        ET.register_namespace("xsi", _SCHEMA_INSTANCE)
        root = ET.Element("ANNOTATION_DOCUMENT", _DOCUMENT)
        header = ET.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
        ET.SubElement(header, "MEDIA_DESCRIPTOR", _media(outcome))
        tiers = list(_tiers(outcome))
        last = str(sum(len(spans) for _, spans in tiers))
        ET.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = last
        slots = ET.SubElement(root, "TIME_ORDER")
        # Each annotation has two of its own, as in ELAN.
        times = [ms for _, spans in tiers for start, end, _ in spans for ms in (start, end)]
        names = _slots(slots, times)
        number = 0
        for tier_name, spans in tiers:
            tier = ET.SubElement(root, "TIER", LINGUISTIC_TYPE_REF=_TYPE, TIER_ID=tier_name)
            for _, _, text in spans:
                annotation = ET.SubElement(
                    ET.SubElement(tier, "ANNOTATION"),
                    "ALIGNABLE_ANNOTATION",
                    ANNOTATION_ID=f"a{number + 1}",
                    TIME_SLOT_REF1=names[2 * number],
                    TIME_SLOT_REF2=names[2 * number + 1],
                )
                ET.SubElement(annotation, "ANNOTATION_VALUE").text = text
                number += 1
        ET.SubElement(
            root,
            "LINGUISTIC_TYPE",
            GRAPHIC_REFERENCES="false",
            LINGUISTIC_TYPE_ID=_TYPE,
            TIME_ALIGNABLE="true",
        )
        ET.indent(root)
        stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        stream.write(ET.tostring(root, encoding="unicode") + "\n")


def _slots(element: ET.Element, times: Sequence[int]) -> Sequence[str]:
    """Write a slot for each time, in their order; return the name of each."""
    names = [""] * len(times)
    for number, place in enumerate(sorted(range(len(times)), key=times.__getitem__), 1):
        names[place] = f"ts{number}"
        ET.SubElement(element, "TIME_SLOT", TIME_SLOT_ID=names[place], TIME_VALUE=str(times[place]))
    return names


def _media(outcome: Outcome) -> dict[str, str]:
    """Say where the recording is, as far as it is known.

    ELAN takes what follows "file:" as it stands and undoes no escapes: with "%20" for a space,
    it would not find the recording. What has a relative path it resolves by its text, from where
    the document is; without one it looks for the name beside the document.
    """
    media = {
        "MEDIA_URL": f"./{outcome.audio.file}",
        "MIME_TYPE": _MEDIA_TYPES.get(outcome.audio.container, "audio/*"),
    }
    if outcome.path:
        media["MEDIA_URL"] = f"file:///{Path(outcome.path).as_posix().lstrip('/')}"
        if outcome.directory and (way := _way(outcome.directory, outcome.path)):
            media["RELATIVE_MEDIA_URL"] = way
    return media


def _way(directory: str, path: str) -> str | None:
    """The way from a directory to a file; None where none leads from one drive to another."""
    try:
        way = Path(os.path.relpath(path, directory)).as_posix()
    except ValueError:
        return None
    return way if way.startswith("../") else f"./{way}"


def _tiers(outcome: Outcome) -> Iterator[tuple[str, Sequence[tuple[int, int, str]]]]:
    for result in outcome.results:
        name = track_name(result.scores.audio.channel)
        yield name, [(s.start_ms, s.end_ms, text_of(s)) for s in result.segments]
    if outcome.is_apart:
        yield OVERLAP, [(start, end, OVERLAP) for start, end in outcome.overlap]


def problem(outcome: Outcome) -> Problem | None:
    """Refuse what no tier, and no XML, can hold."""
    if match := _NOT_XML.search(f"{outcome.audio.file}{outcome.path or ''}"):
        code = f"U+{ord(match[0]):04X}"
        return (
            f"its name has the character {code}, which XML cannot hold; rename the file",
            f"名称含有 XML 无法表示的字符 {code}，请重命名该文件",
        )
    return lies_apart(outcome)


EAF = Format(
    name="eaf",
    title=TITLE,
    suffix=".eaf",
    media_type="application/xml",
    writer=write_eaf,
    reader=read_eaf,
    problem=problem,
)
