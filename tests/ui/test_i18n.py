"""Two catalogues, one set of keys, and no text that nobody uses."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from webui.ui.i18n import Texts, catalogue
from webui.ui.studio import demo_recordings

HAN = re.compile(r"[\u4e00-\u9fff]")
# Keys that are put together: from what the engine, the recordings and the table's rows say.
MADE_UP = ("demo.", "system.", "source.", "segments.", "detect.channel_", "header.")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys_in_the_same_order() -> None:
    assert list(catalogue("en")) == list(catalogue("zh"))


def test_texts_have_the_same_fields_in_both_languages() -> None:
    for key, text in catalogue("en").items():
        assert fields(text) == fields(catalogue("zh")[key]), key


def test_no_language_leaks_into_the_other() -> None:
    assert [key for key, text in catalogue("en").items() if HAN.search(text)] == []
    plain = [key for key, text in catalogue("zh").items() if not HAN.search(text)]
    # What has no Chinese character is a name, a unit or figures alone.
    assert set(plain) <= {"system.gpu", "system.rss", "status.place", "result.share_note"}


def sources(root: Path) -> str:
    files = [
        path
        for path in (root / "webui" / "ui").rglob("*")
        if path.suffix in (".py", ".js", ".html")
    ]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_key_that_is_used_exists_and_every_key_is_used(root: Path) -> None:
    text = sources(root)
    used = set(re.findall(r"texts\(\s*[\"']([\w.]+)[\"']", text)) | set(
        re.findall(r"\[\[([\w.]+)\]\]", text)
    )
    used -= {"locale", "key"}  # places that are no keys
    known = set(catalogue("en"))
    assert used - known == set()
    unused = {key for key in known - used if not key.startswith(MADE_UP)}
    assert unused == set()


@pytest.mark.parametrize("name", ["header", "source", "segments"])
def test_every_text_that_a_script_takes_exists(root: Path, name: str) -> None:
    script = (root / f"webui/ui/components/{name}.js").read_text(encoding="utf-8")
    taken = set(re.findall(r"\btexts\.(\w+)", script))
    assert taken <= set(Texts("en").group(name))


def test_every_demo_recording_has_a_name_in_both_languages() -> None:
    for language in ("en", "zh"):
        for name in demo_recordings():
            assert Texts(language)(f"demo.{name}")


def test_an_unknown_language_or_key_is_an_error() -> None:
    with pytest.raises(ValueError):
        Texts("fr")
    with pytest.raises(KeyError):
        Texts("en")("no.such_key")
    with pytest.raises(KeyError):
        Texts("en")("unit.s")
