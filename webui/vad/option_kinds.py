"""What an option is: its kind, range, unit and help, and how its values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from webui.errors import OptionsError

Kind = Literal["number", "switch", "text"]
Group = Literal["main", "endpointer", "dynamic_silence", "post_processing"]
Value = int | float | str  # a switch's bool is an int

GROUPS: Mapping[Group, Mapping[str, str]] = {
    "main": {"en": "Endpointer", "zh": "端点判决"},
    "endpointer": {"en": "Endpointer", "zh": "端点判决"},
    "dynamic_silence": {"en": "Dynamic silence", "zh": "动态静音"},
    "post_processing": {"en": "Post-processing", "zh": "后处理"},
}
_SWITCHES = {
    **dict.fromkeys(("true", "1", "on", "yes"), True),
    **dict.fromkeys(("false", "0", "off", "no"), False),
}
_UNITS: Mapping[str, Mapping[str, str]] = {"ms": {"en": "ms", "zh": "毫秒"}}


@dataclass(frozen=True)
class OptionInfo:
    """What a person needs to know about one option.

    Attributes:
        kind: "number", "switch" (on or off) or "text".
        group: under which of `GROUPS` it stands.
        minimum, maximum, step: the range that is accepted and the step of a slider;
            0 but for a number.
        unit: "ms", or "" for a pure number.
        label: its name in the field's terms, by language.
        help: what it does and when to raise or lower it, by language.
        tidy: for a text: returns its usual form, raises OptionsError if it is unusable.
    """

    kind: Kind
    group: Group
    minimum: float
    maximum: float
    step: float
    unit: str
    label: Mapping[str, str]
    help: Mapping[str, str]
    tidy: Callable[[str], str] | None = None

    @property
    def advanced(self) -> bool:
        """True where the page hides it in the Advanced fold."""
        return self.group != "main"

    def unit_in(self, language: str) -> str:
        """Return the unit as people of a language ("en" or "zh") read it."""
        return _UNITS.get(self.unit, {}).get(language, self.unit)

    def written(self, value: float, language: str) -> str:
        """Return a number with its unit, as people of a language ("en" or "zh") read it."""
        return f"{value:g} {self.unit_in(language)}".rstrip()

    def read(self, name: str, value: Any) -> Value:
        """Make a value of what JSON, a form, an address or the command line gives.

        Raises:
            OptionsError: it is nothing of this kind.
        """
        if self.kind == "switch":
            return _switch(name, value)
        if self.kind == "text":
            return self._text(name, value)
        return _number(name, value, whole=self.unit == "ms")

    def check(self, name: str, value: Any) -> None:
        """Check a value's type and range.

        Raises:
            OptionsError: it is not of this kind, or out of range.
        """
        if self.kind == "switch":
            if not isinstance(value, bool):
                raise _not_a_switch(name, value)
        elif self.kind == "text":
            self._text(name, value)
        else:
            self._check_number(name, value)

    def _text(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise OptionsError(
                name=name, value=value, reason="must be text", reason_zh="必须是文本"
            )
        return self.tidy(value) if self.tidy else value

    def _check_number(self, name: str, value: Any) -> None:
        whole = self.unit == "ms"
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise OptionsError(
                name=name,
                value=value,
                reason="must be a whole number of ms" if whole else "must be a number",
                reason_zh="必须是整数毫秒" if whole else "必须是数字",
            )
        if not self.minimum <= value <= self.maximum:
            low, high = f"{self.minimum:g}", f"{self.maximum:g}"
            raise OptionsError(
                name=name,
                value=value,
                reason=f"must lie between {low} and {high} {self.unit}".rstrip(),
                reason_zh=f"必须在 {low} 到 {high} {self.unit_in('zh')}之间",
            )


def number(
    default: int | float,
    span: tuple[float, float, float],
    unit: str,
    *,
    label: tuple[str, str],
    text: tuple[str, str],
    group: Group = "endpointer",
) -> Any:
    """Declare a number; ``span`` is minimum, maximum and step, texts are (en, zh)."""
    info = OptionInfo("number", group, *span, unit, _words(label), _words(text))
    return _declare(default, info)


def switch(*, label: tuple[str, str], text: tuple[str, str], group: Group) -> Any:
    """Declare a switch that is off by default."""
    info = OptionInfo("switch", group, 0, 0, 0, "", _words(label), _words(text))
    return _declare(False, info)


def table(
    default: str,
    tidy: Callable[[str], str],
    *,
    label: tuple[str, str],
    text: tuple[str, str],
    group: Group,
) -> Any:
    """Declare a text."""
    info = OptionInfo("text", group, 0, 0, 0, "", _words(label), _words(text), tidy)
    return _declare(default, info)


def _declare(default: Value, info: OptionInfo) -> Any:
    return field(default=default, metadata={"info": info})


def _words(texts: tuple[str, str]) -> Mapping[str, str]:
    return {"en": texts[0], "zh": texts[1]}


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = _SWITCHES.get(str(value).casefold())
    if known is None:
        raise _not_a_switch(name, value)
    return known


def _not_a_switch(name: str, value: Any) -> OptionsError:
    return OptionsError(
        name=name, value=value, reason="must be true or false", reason_zh="必须是 true 或 false"
    )


def _number(name: str, value: Any, *, whole: bool) -> int | float:
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError):
        read = float("nan")
    if read != read or isinstance(value, bool):
        raise OptionsError(
            name=name, value=value, reason="must be a number", reason_zh="必须是数字"
        )
    return int(read) if whole and read.is_integer() else read
