"""The parts of the page: one is shown, the others go on; the address says which."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect


def test_tabs_switch_by_pointer_and_keys_and_stay_in_the_address(open_page: Any) -> None:
    page = open_page()
    detect, live = page.get_by_role("tab", name="Detect"), page.get_by_role("tab", name="Live")
    expect(detect).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="English, clean").click()
    expect(page.locator(".vad-tiles dd").first).not_to_have_text("")
    expect(page).to_have_url(re.compile(r"\?r="))
    head, bar = page.locator(".vad-masthead"), page.locator(".vad-tabs")
    before = head.bounding_box(), bar.bounding_box()
    live.click()
    expect(live).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel", name="Live")).to_be_visible()
    expect(page.locator(".vad-drop")).to_be_hidden()
    expect(page.locator("#vad-live")).to_be_visible()
    # One set of sliders serves them all; what is above has not moved.
    expect(page.locator(".vad-tuning")).to_be_visible()
    assert (head.bounding_box(), bar.bounding_box()) == before
    expect(page).to_have_url(re.compile(r"\?r=.*&tab=live$"))
    # Decided anew while it is hidden: the address keeps both.
    page.get_by_role("radio", name="Quick turn-taking").check()
    expect(page).to_have_url(re.compile(r"max_end_silence_time=.*&tab=live$"))
    page.reload()
    expect(page.get_by_role("tab", name="Live")).to_have_attribute("aria-selected", "true")
    live.press("ArrowLeft")
    expect(detect).to_be_focused()
    expect(page.locator(".vad-file")).to_have_text("english-clean.flac")
    expect(page).not_to_have_url(re.compile("tab="))
    # Laid out although it came while it was hidden.
    sizes = page.evaluate(
        "[...document.querySelectorAll('.vad-figure canvas')].map((canvas) => canvas.height)"
    )
    assert len(sizes) == 2
    assert min(sizes) > 20


def test_keys_of_detect_are_silent_on_another_tab(open_page: Any) -> None:
    page = open_page()
    page.get_by_role("button", name="English, clean").click()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Live").click()
    paused = "document.querySelector('.vad-sound audio').paused"
    page.wait_for_function(paused)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    assert page.evaluate(paused)


def test_unknown_tab_in_the_address_is_the_first(open_page: Any) -> None:
    page = open_page("/?tab=nonsense")
    expect(page.get_by_role("tab", name="Detect")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".vad-drop")).to_be_visible()
