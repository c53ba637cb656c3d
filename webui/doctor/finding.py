"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from webui.errors import StudioError

Level = Literal["ok", "warn", "fail"]
_LEVELS: tuple[Level, ...] = ("ok", "warn", "fail")
_NOTHING: Mapping[str, str] = {"en": "", "zh": ""}


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        check: name of the check.
        level: "ok"; "warn" = it works, with something to know; "fail" = it does not work.
        text: what was found, by language.
        advice: what to do, by language; "" where there is nothing to do.
    """

    check: str
    level: Level
    text: Mapping[str, str]
    advice: Mapping[str, str]

    def as_dict(self, language: str) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "check": self.check,
            "level": self.level,
            "text": self.text[language],
            "advice": self.advice[language],
        }


def found(
    check: str, level: Level, en: str, zh: str, *, advice: tuple[str, str] | None = None
) -> Finding:
    """Make a finding of texts in both languages; ``advice`` is (English, Chinese)."""
    to_do = _NOTHING if advice is None else {"en": advice[0], "zh": advice[1]}
    return Finding(check, level, {"en": en, "zh": zh}, to_do)


def told(check: str, level: Level, error: StudioError) -> Finding:
    """Make a finding of an error, which says what to do."""
    advice = error.advice("en"), error.advice("zh")
    return found(check, level, error.fact("en"), error.fact("zh"), advice=advice)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level of all."""
    return max((each.level for each in findings), key=_LEVELS.index, default="ok")
