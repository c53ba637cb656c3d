"""The view on the real page: zoom, pan, hover, the threshold line, what is linked to it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.browser.test_detect import segment_count, shown_options, upload, wait_for_result
from tests.browser.test_edit import DETECTED, place
from webui.vad import Detector

DURATION_MS = 25035
_VIEW = "(await import(new URL('static/view/view.js', document.baseURI))).view"
# Answers to the line are held back, each for as long as the next of `delays` says.
_DELAYS = """
window.delays = [];
const fetched = window.fetch;
window.fetch = async (address, init) => {
    const answer = await fetched(address, init);
    const isTune = String(address).includes("run/predict") &&
        /"event_data":\\{"values"/.test(init?.body ?? "");
    if (isTune) await new Promise((done) => setTimeout(done, window.delays.shift() ?? 0));
    return answer;
};
"""


# All tiles of what is seen have come.
_IS_FINE = f"async () => {_VIEW}.layers.every(({{ pyramid }}) => pyramid.isIdle)"


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "audio" / "english-clean.flac"


def opened(page: Any, demo: Path) -> Any:
    page.locator("input[type=file]").first.set_input_files(str(demo))
    wait_for_result(page, demo.name)
    page.locator(".vad-stage").scroll_into_view_if_needed()
    return page


def seen(page: Any) -> tuple[float, float]:
    """The visible range in ms."""
    start, end = page.evaluate(
        f"async () => {{ const {{ range }} = {_VIEW}; return [range.start, range.end]; }}"
    )
    return start, end


def show(page: Any, start_ms: float, end_ms: float) -> None:
    page.evaluate(f"async ([start, end]) => {_VIEW}.setRange({{ start, end }})", [start_ms, end_ms])


def picture(page: Any) -> str:
    """What is on the canvas, once it has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return str(page.evaluate("document.querySelector('.vad-lanes').toDataURL()"))


def handle(page: Any) -> Any:
    return page.locator(".vad-threshold")


def rows(page: Any) -> list[list[int]]:
    found = page.evaluate("window.vadResult.rows.map((row) => row.slice(0, 2))")
    return [list(row) for row in found]


def test_zoom_and_pan_by_buttons_keys_wheel_and_drag(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    whole = (0, DURATION_MS)
    assert seen(page) == whole
    before = picture(page)
    page.get_by_role("button", name="Zoom in").click()
    start, end = seen(page)
    assert end - start == pytest.approx(DURATION_MS / 1.6)
    assert picture(page) != before
    page.get_by_role("button", name="Show all").click()
    assert seen(page) == whole
    assert picture(page) == before
    # Keys work wherever the focus is, but in what is written in.
    page.locator("body").press("+")
    assert seen(page)[1] - seen(page)[0] == pytest.approx(DURATION_MS / 1.6)
    page.locator(".vad-stage").focus()
    page.keyboard.press("ArrowRight")
    assert seen(page)[0] > start
    page.keyboard.press("End")
    assert seen(page)[1] == pytest.approx(DURATION_MS)
    page.keyboard.press("Home")
    assert seen(page)[0] == 0
    page.keyboard.press("-")
    assert seen(page) == whole
    # With Ctrl the wheel zooms, and the time under it stays; without, the page scrolls.
    page.mouse.move(*place(page, 9000))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    start, end = seen(page)
    assert end - start < DURATION_MS / 2
    assert (9000 - start) / (end - start) == pytest.approx(9000 / DURATION_MS, abs=0.005)
    page.mouse.wheel(0, 40)
    assert seen(page) == (start, end)
    expect(page.locator(".vad-wheel-hint")).to_have_css("opacity", "1")
    # A drag takes what is under the hand along.
    x, y = place(page, 9000, "wave")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 100, y, steps=5)
    assert place(page, 9000, "wave")[0] == pytest.approx(x + 100, abs=1.5)
    page.mouse.up()
    page.locator("body").press("0")
    assert seen(page) == whole


def test_overview_moves_and_widens_what_is_seen(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    show(page, 5000, 10_000)
    strip = page.locator(".vad-overview")
    # By keys the lanes do the same: it is no control for those who do not see it.
    expect(strip).to_have_attribute("aria-hidden", "true")
    box = strip.bounding_box()

    def at(ms: float) -> tuple[float, float]:
        return box["x"] + ms / DURATION_MS * box["width"], box["y"] + box["height"] / 2

    def drag(start_ms: float, end_ms: float) -> None:
        page.mouse.move(*at(start_ms))
        page.mouse.down()
        page.mouse.move(*at(end_ms), steps=5)
        page.mouse.up()

    drag(7500, 12_500)
    assert seen(page) == (pytest.approx(10_000, abs=40), pytest.approx(15_000, abs=40))
    drag(15_000, 20_000)  # its right edge
    assert seen(page) == (pytest.approx(10_000, abs=40), pytest.approx(20_000, abs=40))
    page.mouse.click(*at(3000))
    assert seen(page)[0] == 0
    assert seen(page)[1] == pytest.approx(10_000, abs=80)


def test_hover_tells_time_level_probability_and_why(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    card = page.locator(".vad-readout")
    # Several pixels for each frame, and the frame that is loudest in the second segment.
    scores = Detector(engine="onnx").score(demo)
    sizes = np.abs(scores.peaks.values[600:1200].astype(int)).max(axis=1)
    frame = 600 + int(sizes.argmax())
    at = 10 * frame + 5
    show(page, at - 1000, at + 1000)
    page.wait_for_function(_IS_FINE)
    picture(page)
    page.mouse.move(*place(page, at, "wave"))
    expect(card).to_be_visible()
    said = card.inner_text()
    time_s, level, speech = re.match(r"(\S+) s · −(\d+) dB\s+Speech (\d+)%", said).groups()
    assert 1000 * float(time_s) == pytest.approx(at, abs=2)
    assert int(level) == pytest.approx(-20 * np.log10(sizes.max() / 32_768), abs=1)
    assert int(speech) == pytest.approx(100 * scores.probabilities[frame], abs=1)
    expect(card).to_contain_text("Segment 2: 5.86 s – 12.34 s (6.48 s)")
    expect(card).to_contain_text("Start: moved back 400 ms from where speech was certain")
    expect(card).to_contain_text("End: silence of 800 ms")
    # It is never over the lane that is pointed at, nor outside of the view.
    assert card.bounding_box()["y"] > place(page, at, "wave")[1]
    page.mouse.move(*place(page, at + 990, "probability"))
    picture(page)
    stage = page.locator(".vad-stage").bounding_box()
    box = card.bounding_box()
    assert box["y"] + box["height"] < place(page, at, "probability")[1]
    assert box["x"] + box["width"] <= stage["x"] + stage["width"]
    # Beside segments there is no segment to speak of; beside the view nothing at all.
    show(page, 5000, 6000)
    page.mouse.move(*place(page, 5400, "wave"))
    expect(card).not_to_contain_text("Segment")
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()


def test_capped_segments_are_marked_and_say_so(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    page.get_by_role("button", name="Advanced").click()
    before = picture(page)
    page.locator("#vad-option-max_single_segment_time input[type=range]").fill("3000")
    page.wait_for_function("window.vadResult.rows[0][3] === 'max_length'")
    assert picture(page) != before
    colour = """() => {
        const canvas = document.querySelector(".vad-lanes");
        const hex = getComputedStyle(canvas).getPropertyValue("--vad-cut").trim();
        const wanted = hex.match(/[0-9a-f]{2}/g).map((part) => parseInt(part, 16));
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4)
            count += wanted.every((part, at) => data[i + at] === part);
        return count;
    }"""
    assert page.evaluate(colour) > 100
    page.mouse.move(*place(page, rows(page)[0][0] + 500, "wave"))
    expect(page.locator(".vad-readout.is-cut")).to_contain_text("End: capped at 3 s")
    expect(page.locator("td.is-max_length").first).to_be_attached()


def test_the_line_moves_slider_and_rows_with_the_hand(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    slider = page.get_by_label("Speech-noise threshold: slider")
    grip = handle(page)
    view_box = page.locator(".vad-stage").bounding_box()
    player_box = page.locator(".vad-player-box").bounding_box()
    scrolled = page.evaluate("scrollY")
    x, y = (grip.bounding_box()[name] for name in ("x", "y"))
    page.mouse.move(x + 30, y + 12)
    page.mouse.down()
    seen_values = set()
    for step in range(1, 12):
        page.mouse.move(x + 30, y + 12 - step)
        page.wait_for_timeout(60)
        seen_values.add(slider.input_value())
    # The hand still holds it.
    value = float(grip.get_attribute("aria-valuenow"))
    assert 0.75 < value < 1
    expect(slider).to_have_value(str(value))
    page.wait_for_function(
        "value => window.vadResult.options.speech_noise_thres === value", arg=value
    )
    assert len(seen_values) > 3
    assert rows(page) != [list(span) for span in DETECTED]
    page.mouse.up()
    # Nothing but the segments has moved on the page.
    assert page.locator(".vad-stage").bounding_box() == view_box
    assert page.locator(".vad-player-box").bounding_box() == player_box
    assert page.evaluate("scrollY") == scrolled
    answer = shown_options(page)
    assert answer["options"]["speech_noise_thres"] == value
    assert [[s["start_ms"], s["end_ms"]] for s in answer["segments"]] == rows(page)
    # In the lane itself it is dragged too, by mouse.
    line_y = grip.bounding_box()["y"] + 12
    page.mouse.move(view_box["x"] + 200, line_y)
    page.mouse.down()
    page.mouse.move(view_box["x"] + 200, line_y + 40, steps=6)
    page.mouse.up()
    page.wait_for_function(
        "value => window.vadResult.options.speech_noise_thres < value", arg=value
    )


def test_sliders_move_nothing_but_segments(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    boxes = [page.locator(name) for name in (".vad-tiles", ".vad-stage", ".vad-player-box")]
    before = [box.bounding_box() for box in boxes]
    for value in ("150", "400", "2000", "6000"):
        page.get_by_label("End silence (ms): slider").fill(value)
        page.wait_for_function(
            "value => window.vadResult.options.max_end_silence_time === value", arg=int(value)
        )
        assert [box.bounding_box() for box in boxes] == before


def test_no_late_answer_is_shown_or_kept(open_page: Any, demo: Path) -> None:
    page = opened(open_page(script=_DELAYS), demo)
    page.evaluate("window.delays.push(900, 500, 300)")
    grip = handle(page)
    grip.focus()
    for key in ("ArrowDown", "PageDown", "PageDown", "ArrowUp"):
        page.keyboard.press(key)
    # While the line's answers wait, another slider moves, and is answered at once.
    page.get_by_label("End silence (ms): slider").fill("300")
    page.wait_for_function("window.vadResult.options.max_end_silence_time === 300")
    value = float(grip.get_attribute("aria-valuenow"))
    assert value == pytest.approx(0.4)
    page.wait_for_function(
        """value => {
            const { options } = window.vadResult;
            return options.max_end_silence_time === 300 && options.speech_noise_thres === value;
        }""",
        arg=value,
    )
    page.wait_for_timeout(1200)  # longer than any answer was held back
    expect(page.get_by_label("Speech-noise threshold: slider")).to_have_value(str(value))
    expect(page.get_by_label("End silence (ms): slider")).to_have_value("300")
    answer = shown_options(page)
    assert answer["options"]["speech_noise_thres"] == value
    assert answer["options"]["max_end_silence_time"] == 300
    assert [[s["start_ms"], s["end_ms"]] for s in answer["segments"]] == rows(page)
    assert grip.get_attribute("aria-valuenow") == str(value)


def test_table_and_view_select_and_show_each_other(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    show(page, 0, 3000)
    page.get_by_role("button", name="Play segment 3", exact=True).click()
    start, end = seen(page)
    assert start <= DETECTED[2][0] and DETECTED[2][1] <= end
    page.locator("body").press("Space")
    before = picture(page)
    page.locator("body").press("0")
    page.mouse.click(*place(page, 8000))
    chosen = page.locator("tr[aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(chosen.get_by_role("button")).to_have_text("2")
    assert picture(page) != before
    # A second click shows it alone.
    page.mouse.dblclick(*place(page, 22_000, "wave"))
    start, end = seen(page)
    assert DETECTED[2][1] < start < DETECTED[3][0] and end > DETECTED[3][1]
    expect(chosen.get_by_role("button")).to_have_text("4")


def test_an_empty_result_is_drawn_and_explained(open_page: Any, demo: Path) -> None:
    page = opened(open_page(), demo)
    full = picture(page)
    handle(page).focus()
    page.keyboard.press("End")
    expect(page.locator(".vad-empty")).to_be_visible()
    assert segment_count(page) == 0
    assert picture(page) != full
    page.mouse.move(*place(page, 8000, "wave"))
    expect(page.locator(".vad-readout")).to_contain_text("Speech")
    expect(page.locator(".vad-readout")).not_to_contain_text("Segment")


@pytest.mark.parametrize("ratio", [1, 2])
def test_crisp_on_every_screen(open_page: Any, demo: Path, ratio: int) -> None:
    page = opened(open_page(device_scale_factor=ratio), demo)
    for name in (".vad-lanes", ".vad-overview canvas"):
        size = page.locator(name).evaluate(
            "c => [c.width, c.height, c.clientWidth, c.clientHeight]"
        )
        assert size[:2] == [ratio * size[2], ratio * size[3]]
    page.set_viewport_size({"width": 1100, "height": 800})
    page.wait_for_function(
        f"() => (c => c.width === {ratio} * c.clientWidth)(document.querySelector('.vad-lanes'))"
    )


def test_another_colour_scheme_is_drawn_anew(open_page: Any, demo: Path) -> None:
    page = opened(open_page(color_scheme="light"), demo)
    light = picture(page)
    page.evaluate("document.body.classList.add('dark')")
    dark = picture(page)
    assert dark != light
    page.evaluate("document.body.classList.remove('dark')")
    assert picture(page) == light


def test_both_channels_have_lanes_figures_and_names(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("Channel", exact=True).click()
    page.get_by_role("option", name="Each").click()
    page.get_by_role("button", name="Telephone, stereo").click()
    wait_for_result(page, "two-voices-telephone.flac")
    captions = page.locator(".vad-captions span").all_inner_texts()
    assert captions == [
        *("Left · Waveform", "Left · Speech probability"),
        *("Right · Waveform", "Right · Speech probability"),
    ]
    counts = page.evaluate("window.vadResult.tracks.map((track) => track.rows.length)")
    assert segment_count(page) == sum(counts)
    expect(page.locator(".vad-tiles")).to_contain_text(f"Left {counts[0]} · Right {counts[1]}")


def test_pinch_drag_and_tap(open_page: Any, demo: Path) -> None:
    size = {"width": 390, "height": 844}
    page = opened(open_page(viewport=size, has_touch=True, is_mobile=True), demo)
    expect(page.locator(".vad-hint")).to_contain_text("Pinch zooms")
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    _, y = place(page, 10_000, "wave")
    left, right = place(page, 8000, "wave")[0], place(page, 12_000, "wave")[0]
    send("touchStart", (left, y))
    send("touchStart", (left, y), (right, y))
    for step in range(1, 9):
        send("touchMove", (left - 8 * step, y), (right + 8 * step, y))
    # The times under the fingers have stayed under them.
    assert place(page, 8000, "wave")[0] == pytest.approx(left - 64, abs=2)
    assert place(page, 12_000, "wave")[0] == pytest.approx(right + 64, abs=2)
    send("touchEnd")
    start, end = seen(page)
    assert end - start < DURATION_MS * 0.6
    x, y = place(page, (start + end) / 2, "wave")
    send("touchStart", (x, y))
    for step in range(1, 9):
        send("touchMove", (x - 10 * step, y))
    send("touchEnd")
    assert seen(page)[0] > start
    # A tap on a bar plays it; the line is taken at its handle.
    page.touchscreen.tap(*place(page, sum(seen(page)) / 2, "strip"))
    grip = handle(page).bounding_box()
    assert grip["width"] >= 44 and grip["height"] >= 44
    middle = (grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    send("touchStart", middle)
    for step in range(1, 6):
        send("touchMove", (middle[0], middle[1] + 6 * step))
    send("touchEnd")
    page.wait_for_function("window.vadResult.options.speech_noise_thres < 0.4")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_on_a_phone_has_a_name_and_room(
    open_page: Any, demo: Path, language: str
) -> None:
    size = {"width": 390, "height": 844}
    path = f"/?lang={language}"
    page = opened(open_page(path, viewport=size, has_touch=True, is_mobile=True), demo)
    scope = ":is(.vad-figure, .vad-player-box, .vad-segments-box, .vad-tuning, .vad-area-input)"
    kinds = "button, a[href], summary, select, [role=slider], [role=combobox], input[type=range]"
    found = page.evaluate(
        f"""() => [...document.querySelectorAll("{scope} :is({kinds})")]
            .filter((node) => node.checkVisibility())
            .map((node) => {{
                const {{ width, height, right }} = node.getBoundingClientRect();
                const named = node.labels?.length ? node.labels[0].innerText : node.innerText;
                const name = node.getAttribute("aria-label") || named?.trim() || "";
                return {{ what: node.outerHTML.slice(0, 120), name, width, height, right }};
            }})"""
    )
    assert len(found) > 25
    assert [each for each in found if not each["name"]] == []
    small = [each for each in found if each["height"] < 43.5 or each["width"] < 43.5]
    assert small == []
    assert [each for each in found if each["right"] > 390] == []
    # The table's columns are all on the screen.
    line = page.locator(".vad-table tbody tr").first
    for cell in line.locator("td").all():
        box = cell.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert line.evaluate("tr => tr.closest('.vad-table').scrollWidth <= tr.offsetWidth + 2")


def test_by_keyboard_alone(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, demo.name)
    page.get_by_role("button", name="Show all").focus()
    page.keyboard.press("Tab")
    stage = page.get_by_role("group", name="Waveform, segments and speech probability")
    expect(stage).to_be_focused()
    page.keyboard.press("+")
    page.keyboard.press("PageDown")
    assert seen(page)[0] > 0
    page.keyboard.press("Tab")
    slider = page.get_by_role("slider", name="Speech-noise threshold", exact=True)
    expect(slider).to_be_focused()
    before = json.dumps(rows(page))
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(slider).to_have_attribute("aria-valuetext", "Speech from 95% on")
    page.wait_for_function("before => JSON.stringify(window.vadResult.rows) !== before", arg=before)
    expect(page.get_by_label("Speech-noise threshold: slider")).to_have_value("0.9")
    # On to the player and the table; a segment is chosen and played.
    page.keyboard.press("n")
    chosen = page.locator("tr[aria-selected=true]")
    expect(chosen).to_have_count(1)
    page.get_by_role("grid", name="Segments").focus()
    page.keyboard.press("ArrowDown")
    expect(chosen.get_by_role("button")).to_have_text("2")
    page.keyboard.press("Enter")
    page.wait_for_function("!document.querySelector('.vad-sound audio').paused")
