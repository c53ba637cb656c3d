"""Understanding a result on the real page: strips, A beside B, advice, settings to copy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.browser.test_detect import segment_count, wait_for_result

THRESHOLD = "Segments and speech share by Speech-noise threshold"
SILENCE = "Segments and speech share by End silence"
# Notes what the page is told to play and to show.
_LISTEN = """
window.told = [];
for (const name of ["vad:play", "vad:show", "vad:tune"])
	document.addEventListener(name, ({ detail }) => window.told.push([name, detail]));
"""


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "audio" / "two-voices-with-pauses.flac"


def opened(open_page: Any, demo: Path, path: str = "/", **context: Any) -> Any:
    page = open_page(path, script=_LISTEN, **context)
    page.locator("input[type=file]").first.set_input_files(str(demo))
    wait_for_result(page, demo.name)
    expect(page.locator(".vad-strip.is-waiting")).to_have_count(0)
    expect(page.locator(".vad-strip-mark").first).to_be_visible()
    return page


def silence(page: Any) -> Any:
    return page.get_by_label("End silence (ms): slider")


def strip(page: Any, start: str) -> Any:
    return page.get_by_role("slider", name=re.compile(f"^{start}"))


def test_keep_a_tune_b_and_play_what_differs(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    before = segment_count(page)
    page.get_by_role("button", name="Keep as A").click()
    panel = page.get_by_role("region", name="Compare two settings")
    expect(panel.get_by_text("No differences")).to_be_visible()
    silence(page).fill("200")
    found = panel.get_by_role("list", name="Differences between A and B").get_by_role("button")
    expect(found.first).to_be_visible()
    after = segment_count(page)
    assert after > before
    # Both settings and both results stand side by side.
    expect(panel.get_by_role("row", name="End silence 800 ms 200 ms")).to_be_visible()
    expect(panel.get_by_role("row", name=f"Segments {before} {after}")).to_be_visible()
    shown = page.evaluate("window.vadResult.kept")
    assert (shown["name"], len(shown["tracks"][0])) == ("A", before)
    differences = shown["differences"]
    expect(panel.get_by_text(f"{len(differences)} differences")).to_be_visible()
    expect(found).to_have_count(len(differences))
    # Each of them is shown and played, with a little around it.
    for place in (0, 1):
        start, end, side, kind, _ = differences[place]
        found.nth(place).click()
        expect(found.nth(place)).to_have_attribute("aria-current", "true")
        told = page.evaluate("window.told")
        played = next(detail for name, detail in reversed(told) if name == "vad:play")
        seen = next(detail for name, detail in reversed(told) if name == "vad:show")
        assert max(0, start - 500) <= played["start_ms"] <= start
        assert end <= played["end_ms"] <= end + 500
        assert seen["start_ms"] <= played["start_ms"] and played["end_ms"] <= seen["end_ms"]
        assert (side, kind) in {(s, k) for _, _, s, k, _ in differences}
    page.get_by_role("button", name="Play the next difference").click()
    expect(found.nth(min(2, len(differences) - 1))).to_have_attribute("aria-current", "true")


def test_differences_are_played_one_after_another(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    page.get_by_role("button", name="Keep as A").click()
    silence(page).fill("200")
    found = page.get_by_role("list", name="Differences between A and B").get_by_role("button")
    page.get_by_role("button", name="Play differences").click()
    expect(found.nth(0)).to_have_attribute("aria-current", "true")
    # The first one is heard to its end, then the second begins.
    expect(found.nth(1)).to_have_attribute("aria-current", "true", timeout=20_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Play differences")).to_be_visible()


def test_a_comes_back_swaps_and_goes(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    page.get_by_role("button", name="Keep as A").click()
    silence(page).fill("200")
    panel = page.get_by_role("region", name="Compare two settings")
    expect(panel.get_by_role("row", name="End silence 800 ms 200 ms")).to_be_visible()
    panel.get_by_role("button", name="Swap A and B").click()
    expect(silence(page)).to_have_value("800")
    expect(panel.get_by_role("row", name="End silence 200 ms 800 ms")).to_be_visible()
    panel.get_by_role("button", name="Back to A").click()
    expect(silence(page)).to_have_value("200")
    expect(panel.get_by_text("No differences")).to_be_visible()
    panel.get_by_role("button", name="Drop A").click()
    expect(page.get_by_role("button", name="Keep as A")).to_be_visible()
    assert page.evaluate("window.vadResult.kept") is None
    # A stays while other recordings are looked at.
    page.get_by_role("button", name="Keep as A").click()
    page.get_by_role("button", name="English, clean").click()
    wait_for_result(page, "english-clean.flac")
    expect(panel.get_by_text("No differences")).to_be_visible()


def test_the_stable_range_is_one_click_away(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    plot = strip(page, THRESHOLD)
    name = plot.get_attribute("aria-label")
    low, high = re.search(r"Stable from (\S+) to (\S+):", name).groups()
    button = page.get_by_role("button", name=re.compile("Speech-noise threshold: set to"))
    safe = float(re.search(r"set to (\S+),", button.get_attribute("aria-label"))[1])
    assert float(low) <= safe <= float(high)
    button.click()
    slider = page.get_by_label("Speech-noise threshold: slider")
    expect(slider).to_have_value(str(safe))
    page.wait_for_function(
        "value => (window.vadResult.options.speech_noise_thres) === value", arg=safe
    )
    count = int(re.search(r"about (\d+) segments", name)[1])
    assert segment_count(page) == count


def test_a_strip_is_clicked_and_moved_by_keys(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    plot = strip(page, SILENCE)
    box = plot.bounding_box()
    plot.click(position={"x": box["width"] * 0.1, "y": box["height"] / 2})
    expect(silence(page)).not_to_have_value("800")
    clicked = int(silence(page).input_value())
    assert 200 <= clicked <= 240  # a tenth of the way from 150 to 6000, in ratios
    told = page.evaluate("window.told.filter(([name]) => name === 'vad:tune').at(-1)[1]")
    assert told == {"name": "max_end_silence_time", "value": clicked}
    plot.focus()
    page.keyboard.press("ArrowRight")
    expect(silence(page)).not_to_have_value(str(clicked))
    assert int(silence(page).input_value()) > clicked
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"ms: \d+ segments, \d+% speech"))
    page.keyboard.press("End")
    expect(silence(page)).to_have_value("6000")


def test_what_a_strip_says_of_its_value_is_the_result(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    words = strip(page, THRESHOLD).get_attribute("aria-valuetext")
    assert words.startswith("0.6: ")
    assert int(re.search(r": (\d+) segments", words)[1]) == segment_count(page)


def test_strips_follow_the_other_options(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    before = strip(page, THRESHOLD).get_attribute("aria-valuetext")
    silence(page).fill("150")
    expect(strip(page, THRESHOLD)).not_to_have_attribute("aria-valuetext", before)
    expect(page.locator(".vad-strip.is-waiting")).to_have_count(0)
    words = strip(page, THRESHOLD).get_attribute("aria-valuetext")
    assert int(re.search(r": (\d+) segments", words)[1]) == segment_count(page)


def test_a_curve_of_other_settings_is_not_taken_for_the_present_one(
    open_page: Any, demo: Path
) -> None:
    page = opened(open_page, demo)
    plot = strip(page, THRESHOLD)
    own = page.locator(".vad-strip").first
    button = own.locator(".vad-strip-stable")
    # No answer for now, and then none at all.
    waiting: list[Any] = []
    page.route("**/sweep?*", lambda route: waiting.append(route))
    silence(page).fill("150")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(plot).to_have_attribute("aria-valuetext", "0.6")
    expect(plot).to_have_attribute("aria-label", THRESHOLD)
    while not waiting:
        page.wait_for_timeout(50)
    before = page.evaluate("told.length")
    button.dispatch_event("click")
    assert page.evaluate("told.length") == before
    waiting[0].abort()
    expect(own.get_by_text("not known: the server does not answer")).to_be_visible()
    expect(own).not_to_have_class(re.compile("is-waiting"))
    expect(button).to_be_hidden()
    expect(own.locator("path.is-count")).not_to_have_attribute("d", re.compile("M"))
    expect(plot).to_have_attribute("aria-disabled", "true")
    # It is asked again with the next settings.
    page.unroute_all()
    silence(page).fill("300")
    expect(plot).to_have_attribute("aria-valuetext", re.compile("segments"))
    expect(own.get_by_text("not known")).to_have_count(0)
    # The curve of another recording is gone at once.
    page.route("**/sweep?*", lambda route: waiting.append(route))
    page.evaluate("""() => {
        const detail = { ...vadResult, version: "another" };
        document.dispatchEvent(new CustomEvent("vad:result", { detail }));
    }""")
    expect(own.locator("path.is-count")).not_to_have_attribute("d", re.compile("M"))
    expect(plot).to_have_attribute("aria-disabled", "true")
    open_page.watch.problems[:] = [
        problem for problem in open_page.watch.problems if "ERR_FAILED" not in problem
    ]


def test_more_differences_than_are_listed_are_told(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    page.get_by_role("button", name="Keep as A").click()
    silence(page).fill("200")
    panel = page.get_by_role("region", name="Compare two settings")
    expect(panel.get_by_text(re.compile(r"\d+ differences"))).to_be_visible()
    listed = panel.get_by_text(re.compile("Listed and played"))
    expect(listed).to_be_hidden()
    page.evaluate("""() => {
        const kept = { ...vadResult.kept, count: 1234 };
        document.dispatchEvent(new CustomEvent("vad:result", { detail: { ...vadResult, kept } }));
    }""")
    expect(panel.get_by_text(re.compile("^1234 differences"))).to_be_visible()
    count = page.evaluate("vadResult.kept.differences.length")
    expect(listed).to_have_text(f"Listed and played are the first {count}.")


def test_an_odd_result_suggests_a_change(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo)
    page.get_by_label("Speech-noise threshold: slider").fill("1")
    suggestion = page.get_by_role("button", name=re.compile("^Try it: Speech-noise threshold"))
    expect(suggestion.first).to_be_visible()
    count = int(re.search(r": (\d+) segment\(s\)", suggestion.first.text_content())[1])
    suggestion.first.click()
    expect(page.get_by_role("button", name=re.compile("^Try it"))).to_have_count(0)
    assert segment_count(page) == count


def test_settings_are_copied(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo, permissions=["clipboard-read", "clipboard-write"])
    silence(page).fill("500")
    page.get_by_text("Copy these settings").click()
    copied = "navigator.clipboard.readText()"
    page.get_by_role("button", name="Copy the command line").click()
    expect(page.get_by_role("button", name="Copy the command line")).to_have_text("Copied")
    command = page.evaluate(copied)
    assert "--max-end-silence-time 500" in command and command.endswith(demo.name)
    page.get_by_role("button", name="Copy the Python code").click()
    page.wait_for_function("navigator.clipboard.readText().then(t => t.includes('import'))")
    assert "VadOptions(max_end_silence_time=500)" in page.evaluate(copied)
    page.get_by_role("button", name="Copy the link").click()
    page.wait_for_function("navigator.clipboard.readText().then(t => t.startsWith('http'))")
    link = page.evaluate(copied)
    again = open_page("/" + link.split("/", 3)[3])
    wait_for_result(again, demo.name)
    expect(silence(again)).to_have_value("500")


def test_in_chinese(open_page: Any, demo: Path) -> None:
    page = opened(open_page, demo, "/zh/")
    page.get_by_role("button", name="保存为 A").click()
    page.get_by_role("slider", name="尾部静音阈值（毫秒）：滑块").fill("200")
    panel = page.get_by_role("region", name="比较两组参数")
    expect(panel.get_by_role("row", name="尾部静音阈值 800 毫秒 200 毫秒")).to_be_visible()
    expect(panel.get_by_text(re.compile(r"\d+ 处不同"))).to_be_visible()
    expect(page.get_by_role("slider", name=re.compile("^片段数和语音占比随")).first).to_be_visible()
    texts = panel.text_content() + page.locator(".vad-strips-box").text_content()
    assert "毫秒" in page.locator(".vad-strips-box").text_content()
    assert not re.search(r"[A-Za-z]{4,}|\bms\b", texts)
