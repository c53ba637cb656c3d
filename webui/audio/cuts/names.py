"""Names of cut files, from a template that a person writes."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from webui.audio.cuts.spans import Span
from webui.errors import NameTemplateError

DEFAULT_TEMPLATE = "{stem}_{index:04d}_{start_ms}_{end_ms}"

FIELDS: Mapping[str, type] = {
    "stem": str,
    "index": int,
    "start_ms": int,
    "end_ms": int,
    "duration_ms": int,
    "channel": str,
}
"""What a template may have, and of which kind it is."""

# A width, with zeros in front or not, and nothing that could make a name of any length.
_NUMBER_SPEC = re.compile(r"(?:0?\d{1,2})?d?")
# What some system cannot have in a name; "/" and the like in what is not the template's own.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
# Of most file systems.
_LONGEST_BYTES = 255


def cut_names(
    stem: str, spans: Sequence[Span], suffix: str, template: str = DEFAULT_TEMPLATE
) -> list[str]:
    """Name the files of a recording's segments.

    Args:
        stem: of the recording, as of `name_stem`.
        spans: in the order that numbers them, from 1.
        suffix: with its dot.
        template: `FIELDS` in braces, numbers with a width if wanted (``{index:04d}``).

    Raises:
        NameTemplateError: a field is unknown, the template has a path separator, a name is
            too long or of no file, or two segments would have the same.
    """
    check_template(template)
    names = []
    owners: dict[str, int] = {}
    for index, span in enumerate(spans, 1):
        name = _filled(template, stem, index, span) + suffix
        _check_name(template, name)
        # Many systems do not tell "A" from "a".
        first = owners.setdefault(name.casefold(), index)
        if first != index:
            raise NameTemplateError(
                value=template,
                reason=f"segments {first} and {index} would both be {name}; add {{index}}",
                reason_zh=f"第 {first} 个和第 {index} 个片段都会命名为 {name}，请加入 {{index}}",
            )
        names.append(name)
    return names


def name_stem(path: str | os.PathLike[str]) -> str:
    """A recording's name without its ending, with "_" for what no file can have everywhere."""
    name = os.fsencode(Path(path).stem).decode("utf-8", "replace")
    return _FORBIDDEN.sub("_", name)


def check_template(template: str) -> None:
    """Refuse a template that can make no names, before there are any segments.

    Raises:
        NameTemplateError: as in `cut_names`.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise NameTemplateError(
            value=template,
            reason=f"its braces do not match ({error}); write {{{{ for a brace itself",
            reason_zh="花括号不匹配；如需花括号本身，请写成 {{",
        ) from error
    for literal, field, spec, conversion in parts:
        if _FORBIDDEN.search(literal):
            raise NameTemplateError(
                value=template,
                reason='a name cannot have path separators, control characters or <>:"|?*',
                reason_zh='文件名不能含有路径分隔符、控制字符或 <>:"|?*',
            )
        if field is not None:
            _check_field(template, field, spec or "", conversion)


def tells_recordings_apart(template: str) -> bool:
    """Whether names of two recordings' segments differ: surely with their stems, mostly by times.

    Args:
        template: that `check_template` takes.
    """
    fields = {field for _, field, _, _ in string.Formatter().parse(template)}
    return not fields.isdisjoint({"stem", "start_ms", "end_ms"})


def _check_field(template: str, field: str, spec: str, conversion: str | None) -> None:
    if field not in FIELDS:
        known = ", ".join(FIELDS)
        raise NameTemplateError(
            value=template,
            reason=f"there is no field {{{field}}}; known are {known}",
            reason_zh=f"没有字段 {{{field}}}；可用的有 {known}",
        )
    fits = _NUMBER_SPEC.fullmatch(spec) if FIELDS[field] is int else not spec
    if conversion or not fits:
        raise NameTemplateError(
            value=template,
            reason=f"{{{field}}} cannot be written so; numbers may have a width of at most "
            "two digits, as in {index:04d}",
            reason_zh=f"{{{field}}} 的格式无效；数字可指定不超过两位的宽度，如 {{index:04d}}",
        )


def _filled(template: str, stem: str, index: int, span: Span) -> str:
    return template.format(
        stem=stem,
        index=index,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        duration_ms=span.end_ms - span.start_ms,
        channel=span.channel,
    )


def _check_name(template: str, name: str) -> None:
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > _LONGEST_BYTES:
        raise NameTemplateError(
            value=template,
            reason=f"the name {name[:40]}… would have {size} bytes, of which {_LONGEST_BYTES} "
            "are allowed; leave something out",
            reason_zh=f"文件名 {name[:40]}… 有 {size} 字节，超过上限 {_LONGEST_BYTES}，请缩短",
        )
    if name.startswith(".") or _RESERVED.fullmatch(name):
        raise NameTemplateError(
            value=template,
            reason=f"{name} would be a hidden file or one that Windows keeps for itself",
            reason_zh=f"{name} 会成为隐藏文件或 Windows 的保留名称",
        )
