"""Dynamic silence on the real page: the switch, its table row by row, what it switches off."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.browser.test_detect import wait_for_result
from webui.vad.schedule import FUNASR_SCHEDULE


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "audio" / "two-voices-with-pauses.flac"


def opened(open_page: Any, demo: Path) -> Any:
    page = open_page()
    page.locator("input[type=file]").first.set_input_files(str(demo))
    expect(page.get_by_role("heading", name=demo.name)).to_be_visible(timeout=60_000)
    wait_for_result(page, demo.name)
    page.get_by_role("button", name="Advanced").click()
    page.get_by_role("checkbox", name="Dynamic silence").check()
    page.wait_for_function("window.vadResult.options.dynamic_silence")
    return page


def wait_for_table(page: Any, table: str) -> None:
    page.wait_for_function("table => vadResult.options.silence_schedule === table", arg=table)


def test_the_table_is_edited_row_by_row(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    table = page.get_by_role("group", name="Silence table")
    wait_for_table(page, FUNASR_SCHEDULE)
    cell = table.get_by_label("Row 1: silence that ends it, in ms")
    expect(cell).to_have_value("2000")
    before = page.evaluate("vadResult.tracks[0].rows.length")
    cell.fill("150")
    cell.press("Enter")
    wait_for_table(page, FUNASR_SCHEDULE.replace("10000:2000", "10000:150"))
    assert page.evaluate("vadResult.tracks[0].rows.length") > before
    for number in range(6, 1, -1):
        table.get_by_role("button", name=f"Remove row {number}").click()
    wait_for_table(page, "10000:150,inf:100")
    table.get_by_role("button", name="Add a row").click()
    wait_for_table(page, "10000:150,20000:130,inf:100")
    # A limit that does not rise is marked and told; the result stays.
    limit = table.get_by_label("Row 2: open for up to, in ms")
    limit.fill("5000")
    limit.press("Enter")
    expect(page.get_by_text(re.compile("limits must rise"))).to_be_visible()
    expect(limit).to_have_attribute("aria-invalid", "true")
    wait_for_table(page, "10000:150,20000:130,inf:100")
    table.get_by_role("button", name="Silence table: back to FunASR's").click()
    wait_for_table(page, FUNASR_SCHEDULE)
    expect(page.get_by_text(re.compile("limits must rise"))).to_have_count(0)


def test_an_address_fills_the_table(open_page: Any, demo: Path) -> None:
    page = open_page("/?dynamic_silence=true&silence_schedule=3000:700,inf:200")
    page.get_by_role("button", name="Advanced").click()
    table = page.get_by_role("group", name="Silence table")
    expect(table.get_by_role("spinbutton")).to_have_count(3)
    expect(table.get_by_label("Row 1: open for up to, in ms")).to_have_value("3000")
    expect(table.get_by_label("Row 2: silence that ends it, in ms")).to_have_value("200")


def test_strips_say_that_their_options_have_no_effect(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    strips = page.get_by_role("slider", name=re.compile("^Segments and speech share by"))
    for place in (0, 1):
        expect(strips.nth(place)).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("no effect while dynamic silence is on")).to_have_count(2)
    stable = page.get_by_role("button", name=re.compile("middle of the stable range"))
    expect(stable).to_have_count(0)
    page.get_by_role("checkbox", name="Dynamic silence").uncheck()
    for place in (0, 1):
        expect(strips.nth(place)).to_have_attribute("aria-disabled", "false")


def test_the_threshold_line_says_that_it_has_no_effect(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    handle = page.get_by_role("slider", name="Speech-noise threshold", exact=True)
    expect(handle).to_have_attribute("aria-disabled", "true")
    # What is in force, not what the slider would say.
    expect(handle).to_have_attribute("aria-valuenow", "0.5")
    words = "Speech from 75% on, as dynamic silence sets it: the threshold has no effect now"
    expect(handle).to_have_attribute("aria-valuetext", words)
    expect(handle).to_have_attribute("title", words)
    expect(handle).to_have_text("75%")
    page.evaluate("addEventListener('vad:tune', ({ detail }) => (window.tuned = detail), true)")
    before = page.evaluate("JSON.stringify(vadResult.options)")

    def assert_still() -> None:
        assert handle.text_content() == "75%"
        assert handle.get_attribute("aria-valuenow") == "0.5"

    # By its handle, by the line, and by keys.
    box = handle.bounding_box()
    y = box["y"] + box["height"] / 2
    for x in (box["x"] + box["width"] / 2, box["x"] - 200):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + 20, steps=4)
        assert_still()
        page.mouse.up()
    handle.focus()
    for key in ("ArrowUp", "PageDown", "Home"):
        page.keyboard.press(key)
        assert_still()
    assert page.evaluate("window.tuned") is None
    slider = page.get_by_label("Speech-noise threshold: slider")
    expect(slider).to_have_value("0.6")
    assert page.evaluate("JSON.stringify(vadResult.options)") == before
    page.get_by_role("checkbox", name="Dynamic silence").uncheck()
    expect(handle).to_have_attribute("aria-disabled", "false")
    expect(handle).to_have_attribute("aria-valuenow", "0.6")
    handle.press("ArrowUp")
    expect(slider).to_have_value("0.61")
