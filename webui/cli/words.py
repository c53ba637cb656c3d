"""The words of argparse itself in the user's language: headings, help of --help, what is wrong."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

UNRECOGNIZED = "unrecognized arguments: %s"
VERSION = "show program's version number and exit"
_NEAREST = "%s (maybe you meant %s)"

# As argparse of one Python or another has them, which translates them by the names _ and ngettext.
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "usage: ": "用法：",
        "%(heading)s:": "%(heading)s：",
        "positional arguments": "位置参数",
        "options": "选项",
        "show this help message and exit": "显示此帮助并退出",
        VERSION: "显示版本号并退出",
        "%(prog)s: error: %(message)s\n": "%(prog)s: 错误：%(message)s\n",
        "argument %(argument_name)s: %(message)s": "参数 %(argument_name)s：%(message)s",
        "the following arguments are required: %s": "缺少必需的参数：%s",
        UNRECOGNIZED: "无法识别的参数：%s",
        _NEAREST: "%s（是否指 %s）",
        "not allowed with argument %s": "不能与参数 %s 同时使用",
        "ignored explicit argument %r": "该参数不接受取值 %r",
        "expected one argument": "需要一个取值",
        "expected at most one argument": "最多只能有一个取值",
        "expected at least one argument": "至少需要一个取值",
        "expected %s arguments": "需要 %s 个取值",
        "ambiguous option: %(option)s could match %(matches)s": (
            "%(option)s 有歧义，可能是 %(matches)s"
        ),
        "unexpected option string: %s": "无法识别的选项：%s",
        "invalid %(type)s value: %(value)r": "%(value)r 不是有效的 %(type)s 值",
        "invalid choice: %(value)r (choose from %(choices)s)": "%(value)r 无效，可选：%(choices)s",
        "invalid choice: %(value)r, maybe you meant %(closest)r? (choose from %(choices)s)": (
            "%(value)r 无效，是否指 %(closest)r？可选：%(choices)s"
        ),
        "unknown parser %(parser_name)r (choices: %(choices)s)": (
            "没有命令 %(parser_name)r，可选：%(choices)s"
        ),
    },
}


def translated(text: str, language: str) -> str:
    """Return a text of argparse's in a language; as it is where there is no other."""
    return WORDS.get(language, {}).get(text, text)


def with_nearest(unknown: str, parser: argparse.ArgumentParser, language: str) -> str:
    """Return an option that a command does not have, with one that it has and that is alike."""
    option, _, _ = unknown.partition("=")
    known = re.findall(r"(?<!\S)--[\w-]+", parser.format_help())
    near = difflib.get_close_matches(option, known, 1, 0.75)
    return translated(_NEAREST, language) % (unknown, near[0]) if near else unknown


@contextlib.contextmanager
def argparse_in(language: str) -> Iterator[None]:
    """Have argparse speak a language while parsers are made and used; English is left alone."""
    if language not in WORDS:
        yield
        return
    names = vars(argparse)
    before: dict[str, Any] = {name: names[name] for name in ("_", "ngettext") if name in names}
    names["_"] = lambda text: translated(text, language)
    names["ngettext"] = lambda one, many, count: translated(many, language)
    try:
        yield
    finally:
        names.update(before)
