"""Values of settings: read from text, and checked against their range."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from webui.errors import SettingsError

PREFIX = "FSMN_VAD_"

_SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def about(
    en: str,
    zh: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Metadata of a setting's field: its help by language, and its range or choices."""
    return {"en": en, "zh": zh, "low": low, "high": high, "choices": choices}


def unusable(name: str, reason: str, reason_zh: str) -> SettingsError:
    """Say that a setting cannot be used; ``name`` is its field's."""
    return SettingsError(name=PREFIX + name.upper(), reason=reason, reason_zh=reason_zh)


def parse(name: str, text: str, annotation: Any) -> Any:
    """Read the value of a setting from the text of its variable.

    Args:
        name: of the field.
        text: of the variable; not empty.
        annotation: of the field.

    Raises:
        SettingsError: the text is no such value.
    """
    # Annotations are strings here (PEP 563): "int", "float", "str | None", "Path | None", ...
    kind = str(annotation).removesuffix(" | None")
    if kind == "tuple[Path, ...]":
        return tuple(parse(name, each, "Path") for each in text.split(os.pathsep) if each.strip())
    if kind == "Path":
        return Path(text).expanduser().absolute()
    if kind == "str":
        return text
    if kind == "bool":
        if text.lower() not in _SWITCHES:
            raise unusable(name, f"{text} is not on or off", f"{text} 不是 on 或 off")
        return _SWITCHES[text.lower()]
    if "_bytes" in name:
        return _size(name, text)
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        noun, noun_zh = ("a whole number", "整数") if kind == "int" else ("a number", "数字")
        raise unusable(name, f"{text} is not {noun}", f"{text} 不是{noun_zh}") from None


def _size(name: str, text: str) -> int:
    """Read a number of bytes: 268435456, 256M, 256MiB, "256 MiB", 1.5G."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *(?:([kmgt])i?b?|b)?", text.strip().lower())
    number, unit = found.groups() if found else ("0", None)
    size = Fraction(number) * 1024 ** (" kmgt".index(unit) if unit else 0)
    if found is None or (unit is None and size.denominator != 1):
        raise unusable(
            name,
            f"{text} is not a number of bytes; write 268435456, 256M or 256MiB (1M = 1024 x 1024)",
            f"{text} 不是字节数，请写成 268435456、256M 或 256MiB（1M = 1024 x 1024）",
        )
    return int(size)


def check(name: str, value: Any, limits: Mapping[str, Any]) -> None:
    """Compare a setting's value with its choices and its range.

    Raises:
        SettingsError: it is none of them, or outside.
    """
    low, high, choices = limits["low"], limits["high"], limits["choices"]
    if choices and value not in choices:
        raise unusable(
            name,
            f"{value} is not one of {', '.join(choices)}",
            f"{value} 无效，可用：{'、'.join(choices)}",
        )
    # Written so that NaN, which compares false to everything, is refused too.
    if low is not None and not low <= value <= high:
        raise unusable(
            name,
            f"{value} is outside {low} to {high}",
            f"{value} 超出范围 {low} 至 {high}",
        )
