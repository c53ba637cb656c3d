"""Two catalogues, one set of keys, and no text that nobody uses."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest

from webui.audio.report import CHANNEL_CHOICES
from webui.engine.memory import GpuState
from webui.engine.status import State
from webui.history import Source
from webui.ui import memory_view, past
from webui.ui.batches.batch import State as BatchState
from webui.ui.batches.row import STATES
from webui.ui.i18n import Texts, catalogue
from webui.ui.studio import demo_recordings
from webui.vad.compare import Kind, Side
from webui.vad.segment import EndReason

GROUPS = {key.partition(".")[0] for key in catalogue("en")}
HAN = re.compile(r"[\u4e00-\u9fff]")
# Keys that are put together: from what the engine, the recordings and the table's rows say.
MADE_UP = {
    *(f"system.{state}" for state in get_args(State)),
    *(f"system.gpu_{state}" for state in get_args(GpuState)),
    *(f"system.part_{part}" for part in memory_view.PARTS),
    *(f"system.{kind}" for kind in ("engine", "page", "helpers")),
    *(f"segments.reason_{reason.value}" for reason in EndReason),
    *(f"detect.channel_{channel}" for channel in CHANNEL_CHOICES),
    *(f"demo.{name}" for name in demo_recordings()),
    *(f"history.open_{state}" for state in get_args(past.State)),
    *(f"history.source_{source}" for source in get_args(Source)),
    *(f"compare.kind_{kind}_{side}" for kind in get_args(Kind) for side in get_args(Side)),
    *(f"live.problem_{code}" for code in ("denied", "missing", "busy", "failed", "elsewhere")),
    *(f"live.problem_{code}" for code in ("unplugged", "gone", "unreachable", "behind", "idle")),
    *(f"live.state_{mood}" for mood in ("idle", "opening", "connecting", "loading", "listening")),
    *(f"live.state_{mood}" for mood in ("speech", "lost", "stopping", "ended")),
    *(f"batch.state_{state}" for state in get_args(BatchState)),
    *(f"batch.row_{state}" for state in STATES),
    *(f"share.{copy}{kind}" for kind in ("link", "command", "python") for copy in ("", "copy_")),
}


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
    assert set(plain) <= {
        "system.gpu",
        "system.gpu_named",
        "system.uss",
        "system.pss",
        "system.rss",
        "system.and",
        "system.left_part",
        "status.place",
        "result.share_note",
    }


def used_keys(root: Path) -> set[str]:
    """Keys that stand in the page's code: in Python, in a template, or taken by a script."""
    keys = set(MADE_UP)
    for path in (root / "webui" / "ui").rglob("*"):
        if path.suffix == ".py":
            strings = re.findall(r"[\"'](\w+\.[\w-]+)[\"']", path.read_text(encoding="utf-8"))
            keys |= {text for text in strings if text.partition(".")[0] in GROUPS}
        elif path.suffix == ".html":
            keys |= set(re.findall(r"\[\[([\w.]+)\]\]", path.read_text(encoding="utf-8")))
        elif path.suffix == ".js":
            taken = re.findall(r"\btexts\.(\w+)", path.read_text(encoding="utf-8"))
            # A module of the live session takes its texts from the same group as the component.
            group = path.stem if path.stem in GROUPS else path.parent.name
            keys |= {f"{group}.{name}" for name in taken if group in GROUPS}
    return keys


def test_every_key_that_is_used_exists_and_every_key_is_used(root: Path) -> None:
    known = set(catalogue("en"))
    used = used_keys(root)
    # A component's file is named like its group of texts.
    used = {key for key in used if key.partition(".")[2] not in ("html", "css", "js", "value")}
    assert used - known == set()
    assert known - used == set()


@pytest.mark.parametrize(
    "name", ["header", "source", "result", "segments", "live", "livelog", "batch", "batchrun"]
)
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
