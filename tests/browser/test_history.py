"""History on the page: found, opened again, and cleared after a question."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from webui.history import History, Run
from webui.vad.options import VadOptions

QUICK = VadOptions(max_end_silence_time=300, min_speech_ms=100)


def note(server: Any, **changes: Any) -> None:
    given: dict[str, Any] = {
        "source": "cli",
        "file": "talk.wav",
        "duration_ms": 60_000,
        "channel": "mix",
        "engine": "onnx",
        "options": QUICK.as_dict(),
        "segments": 7,
        "speech_share": 0.5,
        "real_time_factor": 0.01,
    }
    history = History(server.workspace / "history.sqlite3", 500)
    history.add(Run(**{**given, **changes}))


def silence(page: Any) -> Any:
    return page.locator("#vad-option-max_end_silence_time input[type=number]")


def rows(page: Any) -> Any:
    return page.locator(".vad-history-list li")


def test_runs_are_found_opened_and_forgotten(open_page: Any, server: Any, root: Path) -> None:
    # Other tests' runs on the same server.
    History(server.workspace / "history.sqlite3", 500).clear()
    demo = root / "assets" / "audio" / "two-voices-telephone.flac"
    note(server, file="<img src=x>.wav", path="/nowhere/at/all.wav")
    note(server, file="of-a-command.flac", path=str(demo), channel="each")
    page = open_page()
    page.get_by_role("radio", name="Quick turn-taking").check()
    page.get_by_role("button", name="English, clean").click()
    expect(page.locator(".vad-file")).to_have_text("english-clean.flac")
    page.get_by_role("radio", name="FunASR default").check()
    expect(silence(page)).to_have_value("800")

    page.get_by_role("tab", name="History").click()
    expect(rows(page).first).to_contain_text("english-clean.flac")
    expect(rows(page).first).to_contain_text("End silence 300 ms")
    search = page.get_by_role("searchbox", name="File, engine or source")
    search.fill("command")
    expect(rows(page)).to_have_count(2)

    # Its file may not be opened, so that only its options are left.
    gone = rows(page).filter(has_text="<img src=x>.wav")
    expect(gone).to_contain_text("outside the folders")
    gone.get_by_role("button", name="Take its options").click()
    expect(page.get_by_role("tab", name="Detect")).to_have_attribute("aria-selected", "true")
    expect(silence(page)).to_have_value("300")
    expect(page.locator(".vad-file")).to_have_text("english-clean.flac")

    # A file that is there is detected again, with the channels and options of then.
    page.get_by_role("radio", name="FunASR default").check()
    page.get_by_role("tab", name="History").click()
    rows(page).filter(has_text="of-a-command").get_by_role("button").click()
    expect(page.locator(".vad-file")).to_have_text("two-voices-telephone.flac")
    expect(page.locator(".vad-about")).to_contain_text("each for itself")
    expect(silence(page)).to_have_value("300")
    expect(page).to_have_url(re.compile("min_speech_ms=100"))

    # A result that is still kept opens without the engine.
    page.get_by_role("tab", name="History").click()
    search.fill("english-clean")
    expect(rows(page)).to_have_count(1)
    rows(page).get_by_role("button", name="Open: english-clean.flac").click()
    expect(page.locator(".vad-file")).to_have_text("english-clean.flac")
    expect(silence(page)).to_have_value("300")
    expect(page).not_to_have_url(re.compile("min_speech_ms"))

    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_role("button", name="Forget all").click()
    expect(page.locator(".vad-history-note")).to_contain_text("Nothing was run yet")
    assert History(server.workspace / "history.sqlite3", 500).runs() == []


@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits(open_page: Any, server: Any, width: int) -> None:
    note(server, file="x" * 200 + ".wav")
    page = open_page("/zh/", viewport={"width": width, "height": 844}, locale="zh-CN")
    page.get_by_role("tab", name="历史").click()
    expect(page.get_by_role("tab", name="历史")).to_have_attribute("aria-selected", "true")
    expect(rows(page).first).to_contain_text("文件已不在")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Nothing of a row reaches out of it.
    assert page.evaluate(
        """() => [...document.querySelectorAll('.vad-history-list li *')].every((node) => {
            const inner = node.getBoundingClientRect();
            const outer = node.closest('li').getBoundingClientRect();
            return !inner.width || (inner.right <= outer.right + 1 && inner.left >= outer.left - 1);
        })"""
    )
