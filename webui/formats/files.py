"""Opening a file of segments: which format it is in, and how its text is encoded."""

from __future__ import annotations

import codecs
import io
from pathlib import Path

from webui.errors import FormatError, MalformedLabelsError
from webui.formats import FORMATS
from webui.formats.format import Format, malformed
from webui.formats.labels import Labels
from webui.system_errors import system_reason_zh

# What Praat writes as soon as a label is not ASCII, and what Windows' programs put before UTF-8.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def format_of(path: Path) -> Format | None:
    """Tell a format by a file's name; None if the name tells none."""
    for form in sorted(FORMATS.values(), key=lambda form: -len(form.suffix)):
        names = form.together.names[:1] if form.together else ()
        if path.name in names or path.name.lower().endswith(form.suffix.lower()):
            return form
    return None


def read_file(path: Path, form: Format | None = None) -> tuple[Labels, ...]:
    """Read a file of segments.

    Args:
        path: of the file.
        form: its format; None tells it by the name.

    Raises:
        FormatError: it cannot be opened, or its name tells no format.
        MalformedLabelsError: it is not in its format; the error names the line.
    """
    form = form or format_of(path)
    if form is None:
        known = ", ".join(each.suffix for each in FORMATS.values())
        raise FormatError(
            file=path.name,
            reason=f"its name tells no format; known are {known}",
            reason_zh=f"无法从文件名判断格式，可用的扩展名：{known}",
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        reason_zh = system_reason_zh(error)
        raise FormatError(
            file=path.name, reason=error.strerror or str(error), reason_zh=reason_zh
        ) from error
    try:
        return form.read(io.StringIO(_decoded(content, form.title), newline=""))
    except MalformedLabelsError as error:
        raise MalformedLabelsError(**{**error.details, "file": path.name}) from error


def _decoded(content: bytes, title: str) -> str:
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise malformed(title, line, "it is not UTF-8 text", "不是 UTF-8 文本") from error
