"""Segments to files that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

from webui.formats.csv import write_csv
from webui.formats.json import as_dict, write_json
from webui.formats.result import Outcome, Result

__all__ = ["FORMATS", "Format", "Outcome", "Result", "as_dict"]


@dataclass(frozen=True)
class Format:
    """One way to write a result.

    Attributes:
        suffix: of its files, with the dot.
        media_type: for downloads.
        write: writes outcomes as they come to an open text stream (opened with newline="").
    """

    suffix: str
    media_type: str
    write: Callable[[Iterable[Outcome], TextIO], None]


FORMATS: Mapping[str, Format] = {
    "json": Format(".json", "application/json", write_json),
    "csv": Format(".csv", "text/csv", write_csv),
}
