"""Help and wrong usage in Chinese: argparse's own words, too."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from webui.cli import main
from webui.cli.words import WORDS, argparse_in

_FIELD = re.compile(r"%(?:\(\w+\))?[sr]")


@pytest.fixture
def said(monkeypatch, capsys):
    def run(language, *arguments):
        monkeypatch.setenv("FSMN_VAD_LANGUAGE", language)
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capsys.readouterr()
        return ended.value.code, told.out + told.err

    return run


@pytest.mark.parametrize(
    "command", [[], ["detect"], ["batch"], ["models"], ["models", "fetch"], ["history"], ["serve"]]
)
def test_a_chinese_help_has_no_words_of_argparse(said, command):
    code, text = said("zh", *command, "--help")
    assert code == 0 and text.startswith("用法：")
    assert "选项" in text and "显示此帮助并退出" in text
    for english in ("usage", "options:", "positional arguments", "show this help"):
        assert english not in text
    # Neither is anything left in Chinese afterwards.
    code, text = said("en", *command, "--help")
    assert text.startswith("usage: ") and "show this help message and exit" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["detect"], "fsmn-vad detect: 错误：缺少必需的参数：AUDIO"),
        (["batch", "a.wav"], "错误：缺少必需的参数：--output"),
        (["detect", "a.wav", "--format", "doc"], "错误：参数 --format：'doc' 无效，可选：'json'"),
        (["detect", "a.wav", "--threads", "x"], "错误：参数 --threads：'x' 不是有效的 int 值"),
        (["detect", "a.wav", "--threads"], "错误：参数 --threads：需要一个取值"),
        (["detect", "a.wav", "--pad"], "错误：--pad 有歧义"),
        (["detect", "a.wav", "--split-capped=yes"], "该参数不接受取值 'yes'"),
        (["detect", "a.wav", "--nonsense"], "错误：无法识别的参数：--nonsense"),
        (["detect", "a.wav", "--formt", "csv"], "无法识别的参数：--formt（是否指 --format）"),
        (["nonsense"], "错误：参数 COMMAND：'nonsense' 无效，可选：'serve'"),
        (["bench", "--lengths"], "错误：参数 --lengths：至少需要一个取值"),
    ],
)
def test_wrong_usage_is_told_in_chinese(said, arguments, told):
    code, text = said("zh", *arguments)
    assert code == 2 and told in text and "error" not in text and "usage" not in text


def test_argparse_knows_every_text():
    """Some Python's argparse has each of them; this one has most."""
    source = Path(argparse.__file__).read_text(encoding="utf-8")
    known = [text for text in WORDS["zh"] if repr(text)[1:-1] in source or text in source]
    assert len(known) >= len(WORDS["zh"]) - 3
    for english, chinese in WORDS["zh"].items():
        assert sorted(_FIELD.findall(english)) == sorted(_FIELD.findall(chinese)), english


def test_english_is_left_alone():
    before = dict(vars(argparse))
    with argparse_in("en"):
        assert vars(argparse) == before
    with argparse_in("zh"), pytest.raises(ZeroDivisionError):
        raise ZeroDivisionError
    assert vars(argparse) == before


@pytest.mark.parametrize(
    ("arguments", "command", "told"),
    [
        (["detect", "--formt", "csv", "a.wav"], "detect", "--formt (maybe you meant --format)"),
        (["batch", "a", "--output", "o", "--formt=csv"], "batch", "maybe you meant --format)"),
        (["models", "verify", "a", "b"], "models verify", "unrecognized arguments: b"),
        (["detect", "a.wav", "--nonsense"], "detect", "unrecognized arguments: --nonsense"),
        (["--prot", "80"], "serve", "--prot (maybe you meant --port)"),
    ],
)
def test_wrong_options_get_the_usage_of_their_command(said, arguments, command, told):
    code, text = said("en", *arguments)
    assert code == 2 and text.startswith(f"usage: fsmn-vad {command} [-h]")
    last = text.strip().splitlines()[-1]
    assert last.startswith(f"fsmn-vad {command}: error: ") and told in last
    assert "nonsense" not in told or "maybe" not in last


def test_the_help_of_version_is_translated(said):
    code, text = said("zh", "--help")
    assert code == 0 and "显示版本号并退出" in text and "version number" not in text
