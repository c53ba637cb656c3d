"""Editing by hand on the real page: with the mouse, the keys and the toolbar, kept and exported."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.browser.test_detect import shown_options, upload, wait_for_result

DETECTED = [(700, 5090), (5860, 12340), (13820, 19140), (20150, 24240)]
_VIEW = "(await import(new URL('static/view/view.js', document.baseURI))).view"


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "audio" / "english-clean.flac"


def opened(page: Any, demo: Path) -> Any:
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    page.get_by_role("button", name="Edit by hand").click()
    return page


def spans(page: Any) -> list[tuple[int, int]]:
    """What the table shows."""
    rows = page.locator(".vad-table tbody tr").all_inner_texts()

    def ms(text: str) -> int:
        hours, minutes, seconds = text.split(":")
        return round(1000 * (3600 * int(hours) + 60 * int(minutes) + float(seconds)))

    found = [re.findall(r"\d+:\d\d:\d\d\.\d\d\d", row) for row in rows]
    return [(ms(start), ms(end)) for start, end in found]


def expect_spans(page: Any, wanted: list[tuple[int, int]]) -> None:
    # What comes from the server may come a moment later.
    page.wait_for_function(
        "count => document.querySelectorAll('.vad-table tbody tr').length === count",
        arg=len(wanted),
    )
    for _ in range(50):
        if spans(page) == wanted:
            return
        page.wait_for_timeout(50)
    assert spans(page) == wanted


def settled(page: Any, **options: Any) -> None:
    """Wait until the server has all that was done, and its answer is on the page.

    Args:
        page: with a result of one track.
        options: those that the sliders were set to.
    """
    script = """([spans, wanted]) => {
        const { tracks, options } = window.vadResult;
        const found = tracks[0].rows.map(([start, end]) => [start, end]);
        const isTuned = Object.keys(wanted).every((name) => options[name] === wanted[name]);
        return isTuned && JSON.stringify(found) === JSON.stringify(spans);
    }"""
    page.wait_for_function(script, arg=[spans(page), options])


def place(page: Any, ms: float, lane: str = "strip") -> tuple[float, float]:
    """Where a time is in the window."""
    script = f"""async ([ms, lane]) => {{
        const view = {_VIEW};
        const bounds = view.stage.getBoundingClientRect();
        const {{ top, bottom }} = view.layout.tracks[0][lane];
        const share = (ms - view.range.start) / (view.range.end - view.range.start);
        return [bounds.left + share * view.width, bounds.top + (top + bottom) / 2];
    }}"""
    page.locator(".vad-stage").scroll_into_view_if_needed()
    x, y = page.evaluate(script, [ms, lane])
    return x, y


def drag(page: Any, start_ms: float, end_ms: float, lane: str = "strip") -> None:
    page.mouse.move(*place(page, start_ms, lane))
    page.mouse.down()
    page.mouse.move(*place(page, (start_ms + end_ms) / 2, lane), steps=4)
    page.mouse.move(*place(page, end_ms, lane), steps=4)
    page.mouse.up()


def choose(page: Any, number: int) -> None:
    """Choose a segment in the table; it is played, and stopped at once."""
    page.get_by_role("button", name=f"Play segment {number}", exact=True).click()
    page.wait_for_function("!document.querySelector('.vad-sound audio').paused")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('.vad-sound audio').paused")


def playhead(page: Any, ms: int) -> None:
    script = "ms => document.dispatchEvent(new CustomEvent('vad:seek', {detail: ms}))"
    page.evaluate(script, ms)
    page.wait_for_function(
        "ms => Math.abs(document.querySelector('.vad-sound audio').currentTime * 1000 - ms) < 2",
        arg=ms,
    )


def tool(page: Any, name: str) -> Any:
    bar = page.get_by_role("group", name="Editing by hand")
    return bar.get_by_role("button", name=name, exact=True)


def test_a_boundary_is_dragged_and_comes_back(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    drag(page, 12340, 13100)
    (_, end) = spans(page)[1]
    assert abs(end - 13100) <= 60 and end % 10 == 0
    assert spans(page)[0] == DETECTED[0] and spans(page)[2:] == DETECTED[2:]
    expect(page.locator(".vad-table tbody tr").nth(1)).to_contain_text("set by hand")
    expect(page.get_by_text("1 of 4 by hand")).to_be_visible()
    # The card tells by hand from found, for each of its ends.
    expect(page.locator(".vad-readout")).to_contain_text("Start: moved back 400 ms")
    expect(page.locator(".vad-readout")).to_contain_text("End: by hand")
    # Never into the neighbour.
    drag(page, end, 16000)
    assert spans(page)[1] == (5860, 13820)
    tool(page, "Undo").click()
    tool(page, "Undo").click()
    expect_spans(page, DETECTED)
    expect(tool(page, "Undo")).to_be_disabled()
    tool(page, "Redo").click()
    expect_spans(page, [DETECTED[0], (5860, end), *DETECTED[2:]])


def test_a_region_is_drawn_into_a_pause(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    drag(page, 12600, 13400, "wave")
    start, end = spans(page)[2]
    assert abs(start - 12600) <= 60 and abs(end - 13400) <= 60
    row = page.locator(".vad-table tbody tr").nth(2)
    expect(row).to_contain_text("set by hand")
    expect(row).to_contain_text(re.compile(r"\d\.\d%"))  # the mean probability of its frames


def test_the_toolbar_does_all_of_it(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    for name in ("Delete", "Merge", "Undo", "Redo"):
        expect(tool(page, name)).to_be_disabled()
    playhead(page, 13000)
    expect(tool(page, "Split")).to_be_disabled()
    tool(page, "Add").click()
    expect_spans(page, [*DETECTED[:2], (13000, 13820), *DETECTED[2:]])
    expect(tool(page, "Add")).to_be_disabled()
    tool(page, "Merge").click()
    expect_spans(page, [*DETECTED[:2], (13000, 19140), DETECTED[3]])
    playhead(page, 15000)
    tool(page, "Split").click()
    expect_spans(page, [*DETECTED[:2], (13000, 15000), (15000, 19140), DETECTED[3]])
    tool(page, "Delete").click()
    expect_spans(page, [*DETECTED[:2], (13000, 15000), DETECTED[3]])
    expect(page.locator(".vad-tiles dd").first).to_have_text("4")
    expect(page.get_by_text("1 of 4 by hand")).to_be_visible()
    settled(page)
    tool(page, "Back to detected").click()
    expect_spans(page, DETECTED)
    expect(page.get_by_text("by hand are shown")).to_be_hidden()
    # That is a step as well.
    tool(page, "Undo").click()
    expect_spans(page, [*DETECTED[:2], (13000, 15000), DETECTED[3]])


def test_keys_alone(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    toggle = page.get_by_role("button", name="Edit by hand")
    toggle.focus()
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.blur()
    page.keyboard.press("n")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect_spans(page, [(700, 5110), *DETECTED[1:]])
    page.keyboard.press("s")
    page.keyboard.press("Shift+ArrowLeft")
    expect_spans(page, [(690, 5110), *DETECTED[1:]])
    page.keyboard.press("Delete")
    expect_spans(page, DETECTED[1:])
    for _ in range(4):
        page.keyboard.press("Control+z")
    expect_spans(page, DETECTED)
    page.keyboard.press("Control+Shift+z")
    expect_spans(page, [(700, 5100), *DETECTED[1:]])
    # Off, the keys are nobody's.
    toggle.click()
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    assert spans(page) == [(700, 5100), *DETECTED[1:]]


def test_sliders_leave_edits_alone_and_exports_and_a_reload_keep_them(
    open_page: Any, demo: Path
) -> None:
    page = opened(open_page(), demo)
    choose(page, 2)
    tool(page, "Delete").click()
    wanted = [DETECTED[0], *DETECTED[2:]]
    expect_spans(page, wanted)
    settled(page)
    page.get_by_label("End silence (ms): slider").fill("150")
    settled(page, max_end_silence_time=150)
    expect_spans(page, wanted)
    expect(page.get_by_text("The sliders act on the detected ones")).to_be_visible()
    tool(page, "End 10 ms later").click()
    wanted = [DETECTED[0], (13820, 19150), DETECTED[3]]
    expect_spans(page, wanted)
    settled(page)
    receipt = shown_options(page)
    assert receipt["edited"] == {"by": "hand", "by_hand": 1, "detected": 2}
    assert receipt["options"]["max_end_silence_time"] == 800  # those that they began from
    found = [(each["start_ms"], each["end_ms"], each["edited"]) for each in receipt["segments"]]
    assert found == [(700, 5090, False), (13820, 19150, True), (20150, 24240, False)]
    assert [each["end_reason"] for each in receipt["segments"]].count("by_hand") == 1
    link = page.get_by_role("link", name="Download as CSV").get_attribute("href")
    rows = csv.DictReader(io.StringIO(page.request.get(link).body().decode("utf-8-sig")))
    assert [row["edited"] for row in rows] == ["false", "true", "false"]
    # The page keeps its address at most every 300 ms.
    page.wait_for_url(re.compile("max_end_silence_time=150"))
    page.reload()
    wait_for_result(page, "english-clean.flac")
    # The server has answered the first events, so nothing changes any more by itself.
    expect(page.locator(".vad-system-bar b")).not_to_be_empty()
    expect_spans(page, wanted)
    expect(page.get_by_text("1 of 3 by hand")).to_be_visible()
    # Back to what the sliders, as they are now, detect.
    tool(page, "Back to detected").click()
    page.wait_for_function("document.querySelectorAll('.vad-table tbody tr').length > 4")
    assert shown_options(page)["options"]["max_end_silence_time"] == 150


def test_a_server_out_of_reach_loses_nothing(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    page.route("**/edits?*", lambda route: route.fulfill(status=507, body="no room."))
    choose(page, 2)
    tool(page, "Delete").click()
    expect(page.get_by_text("The last change is not stored: no room.")).to_be_visible()
    page.get_by_label("End silence (ms): slider").fill("300")
    page.wait_for_function("window.vadResult.options.max_end_silence_time === 300")
    expect_spans(page, [DETECTED[0], *DETECTED[2:]])
    page.unroute("**/edits?*")
    tool(page, "Try again").click()
    expect(page.get_by_text("0 of 3 by hand")).to_be_visible()
    settled(page)
    expect_spans(page, [DETECTED[0], *DETECTED[2:]])
    open_page.watch.problems[:] = [each for each in open_page.watch.problems if "507" not in each]


def test_each_channel_is_edited_on_its_own(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("Channel", exact=True).click()
    page.get_by_role("option", name="Each").click()
    page.get_by_role("button", name="Telephone, stereo").click()
    wait_for_result(page, "two-voices-telephone.flac")
    page.get_by_role("button", name="Edit by hand").click()
    tracks = "window.vadResult.tracks.map(track => track.rows.length)"
    left, right = page.evaluate(tracks)
    choice = page.get_by_role("button", name="Right", exact=True)
    choice.click()
    choose(page, 1)
    tool(page, "Delete").click()
    page.wait_for_function(f"({tracks})[1] === {right - 1}")
    assert page.evaluate(tracks) == [left, right - 1]
    page.reload()
    wait_for_result(page, "two-voices-telephone.flac")
    assert page.evaluate(tracks) == [left, right - 1]


def test_another_window_follows_and_does_not_overwrite(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    other = page.context.new_page()
    open_page.watch.follow(other)
    other.goto(page.url)
    wait_for_result(other, "english-clean.flac")
    other.get_by_role("button", name="Edit by hand").click()
    choose(other, 1)
    tool(other, "Delete").click()
    expect_spans(page, DETECTED[1:])
    page.bring_to_front()
    choose(page, 3)
    tool(page, "Delete").click()
    expect_spans(other, DETECTED[1:3])
    # What the other one did is a step as well.
    tool(page, "Undo").click()
    tool(page, "Undo").click()
    expect_spans(page, DETECTED)
    expect_spans(other, DETECTED)


def test_what_plays_ends_where_its_boundary_is_put(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    page.get_by_role("button", name="Play segment 1", exact=True).click()
    page.wait_for_function("!document.querySelector('.vad-sound audio').paused")
    drag(page, 5090, 3500)
    (_, end) = spans(page)[0]
    page.wait_for_function("document.querySelector('.vad-sound audio').paused")
    at = page.evaluate("document.querySelector('.vad-sound audio').currentTime * 1000")
    assert at == pytest.approx(end, abs=1)


def test_a_boundary_under_a_finger(open_page: Any, demo: Path) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.locator("input[type=file]").set_input_files([demo])
    page.locator(".vad-edit-toggle").tap()
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    (x, y), (to, _) = place(page, 12340), place(page, 13100)
    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x + (to - x) * step / 5, y))
    touch("touchEnd")
    page.wait_for_function("document.querySelector('.vad-edit-note').innerText.includes('1 of 4')")
    (_, end) = spans(page)[1]
    assert abs(end - 13100) <= 150 and spans(page)[2] == DETECTED[2]
    # Beyond the end of the recording there is nothing.
    (x, y), (to, _) = place(page, 24240), place(page, 40000)
    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (min(389, x + (to - x) * step / 5), y))
    touch("touchEnd")
    page.wait_for_function("document.querySelector('.vad-edit-note').innerText.includes('2 of 4')")
    assert spans(page)[3][1] <= 25040


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_every_button_has_a_name_and_room_for_a_finger(
    open_page: Any, demo: Path, language: str
) -> None:
    page = open_page(
        f"/?lang={language}", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page.locator("input[type=file]").set_input_files([demo])
    page.locator(".vad-edit-toggle").tap()
    page.locator(".vad-table tbody tr button").first.tap()
    buttons = page.locator(".vad-edit-box button:visible")
    expect(buttons).to_have_count(13)
    for button in buttons.all():
        box = button.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44
        assert button.evaluate("b => b.getAttribute('aria-label') || b.innerText.trim()")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("path", "usual", "note", "names"),
    [
        (
            *("/", "Nothing odd about this result.", "without what was edited by hand"),
            ("Edit by hand", "Delete", "Back to detected"),
        ),
        (
            *("/zh", "结果未见异常。", "不含手工编辑的内容"),
            ("手工编辑", "删除", "恢复检测结果"),
        ),
    ],
)
def test_what_is_edited_gets_no_advice_and_no_promise(
    open_page: Any, demo: Path, path: str, usual: str, note: str, names: tuple[str, str, str]
) -> None:
    page = open_page(path)
    page.locator("input[type=file]").first.set_input_files(str(demo))
    page.wait_for_selector(".vad-table tbody tr")
    advice, told = page.locator(".vad-advice-text"), page.locator(".vad-share-note")
    expect(advice).to_have_text(usual)
    page.locator(".vad-share-box summary").click()
    expect(page.locator(".vad-share-list pre").nth(1)).to_contain_text("fsmn-vad detect")
    expect(told).to_be_hidden()
    page.get_by_role("button", name=names[0]).click()
    page.locator(".vad-table tbody tr").first.click()
    page.get_by_role("button", name=names[1], exact=True).click()
    expect(told).to_contain_text(note)
    expect(advice).to_be_empty()
    settled(page)
    # Not even after the answer, which comes when the hand has been still for a while.
    page.wait_for_timeout(600)
    expect(advice).to_be_empty()
    page.get_by_role("button", name=names[2]).click()
    expect(advice).to_have_text(usual)
    expect(told).to_be_hidden()
