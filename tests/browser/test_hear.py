"""Hearing on the real page: what is played, where it stops, and files that no browser plays."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.audio.recordings import encode
from tests.browser.conftest import serving
from tests.browser.test_detect import upload, wait_for_result
from tests.browser.test_edit import DETECTED, place, playhead

DURATION_MS = 25035
# Two frames of a screen: how far past its end a segment may be heard at normal speed.
FRAMES_MS = 34
# Writes down the positions while it plays: [ms, how much of that went by while the whole page
# stood still], as a crowded machine makes it; nobody could have stopped the sound then.
RECORDER = """
window.heard = [];
let before = performance.now();
setInterval(() => {
    const audio = document.querySelector(".vad-sound audio");
    const now = performance.now();
    const stall = Math.max(0, now - before - 8) * (audio?.playbackRate ?? 1);
    before = now;
    if (audio && !audio.paused && !audio.seeking) heard.push([audio.currentTime * 1000, stall]);
}, 4);
"""


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "audio" / "english-clean.flac"


@pytest.fixture
def page(open_page: Callable[..., Any], demo: Path) -> Any:
    """The page with the demo's result."""
    page = open_page(script=RECORDER)
    upload(page, demo)
    wait_for_result(page, demo.name)
    # The browser reads of it once the lanes are drawn.
    page.wait_for_function("document.querySelector('.vad-sound audio').readyState > 0")
    return page


def now_ms(page: Any) -> float:
    return float(page.evaluate("document.querySelector('.vad-sound audio').currentTime * 1000"))


def wait_playing(page: Any, plays: bool = True) -> None:
    page.wait_for_function(
        "plays => document.querySelector('.vad-sound audio').paused !== plays", arg=plays
    )


def wait_past(page: Any, ms: float) -> None:
    page.wait_for_function(
        "ms => document.querySelector('.vad-sound audio').currentTime * 1000 > ms", arg=ms
    )


def heard(page: Any) -> list[tuple[float, float]]:
    """What the recorder wrote down since the last call."""
    return [(ms, stall) for ms, stall in page.evaluate("heard.splice(0)")]


def control(page: Any, name: str) -> Any:
    return page.get_by_role("group", name="Playback").get_by_role("button", name=name, exact=True)


def mode(page: Any, name: str) -> None:
    page.get_by_role("radio", name=name).check()


def click_bar(page: Any, ms: float) -> None:
    page.mouse.click(*place(page, ms))


def assert_heard_alone(
    positions: list[tuple[float, float]], span: tuple[int, int], rate: float = 1
) -> None:
    start, end = span
    assert positions, "nothing was played"
    assert min(ms for ms, _ in positions) >= start - 1
    assert max(ms for ms, _ in positions) > start + 0.9 * (end - start)
    assert max(ms - stall for ms, stall in positions) <= end + FRAMES_MS * rate


def test_a_click_on_a_row_or_a_bar_plays_that_segment_and_ends_there(page: Any) -> None:
    page.get_by_label("Speed").select_option("2")
    page.evaluate("heard.splice(0)")
    page.get_by_role("button", name="Play segment 1", exact=True).click()
    wait_playing(page)
    wait_playing(page, False)
    assert_heard_alone(heard(page), DETECTED[0], rate=2)
    assert now_ms(page) == pytest.approx(DETECTED[0][1], abs=1)
    click_bar(page, 15000)
    wait_playing(page)
    expect(page.locator("tr.is-now")).to_contain_text("0:00:13.820")
    expect(page.locator("tr[aria-selected=true]")).to_contain_text("0:00:13.820")
    wait_playing(page, False)
    assert_heard_alone(heard(page), DETECTED[2], rate=2)
    # On from there, all is played again.
    page.keyboard.press("Space")
    wait_past(page, DETECTED[2][1] + 200)


def test_a_segment_in_a_loop(page: Any) -> None:
    page.get_by_label("Speed").select_option("2")
    page.get_by_role("button", name="Play segment 1", exact=True).click()
    control(page, "Loop").click()
    expect(control(page, "Loop")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("heard.filter(([ms], i) => i && ms < heard[i - 1][0] - 3000).length > 1")
    page.keyboard.press("l")
    expect(control(page, "Loop")).to_have_attribute("aria-pressed", "false")
    wait_playing(page, False)
    assert_heard_alone(heard(page), DETECTED[0], rate=2)


@pytest.mark.parametrize("name", ["Only speech", "Only pauses"])
def test_only_speech_and_only_pauses(page: Any, name: str) -> None:
    pauses = zip(
        [0, *(end for _, end in DETECTED)],
        [*(start for start, _ in DETECTED), DURATION_MS],
        strict=True,
    )
    spans = DETECTED if name == "Only speech" else list(pauses)
    mode(page, name)
    for number, (_, end) in enumerate(spans):
        page.evaluate("heard.splice(0)")
        playhead(page, end - 300)
        control(page, "Play").click()
        wait_playing(page)
        if number + 1 < len(spans):
            wait_past(page, spans[number + 1][0] + 60)
            page.keyboard.press("Space")
        wait_playing(page, False)
        beside = [
            ms
            for ms, stall in heard(page)
            if not any(start - 1 <= ms and ms - stall <= stop + FRAMES_MS for start, stop in spans)
        ]
        assert beside == []
    assert now_ms(page) == pytest.approx(spans[-1][1], abs=30)
    # From the end it begins again.
    control(page, "Play").click()
    page.wait_for_function(
        "first => { const at = document.querySelector('.vad-sound audio').currentTime * 1000;"
        " return at >= first && at < first + 3000; }",
        arg=spans[0][0],
    )


def test_keys_and_buttons(page: Any) -> None:
    selected = page.locator("tr[aria-selected=true]")
    page.keyboard.press("n")
    expect(selected).to_contain_text("0:00:00.700")
    assert now_ms(page) == pytest.approx(700, abs=1)
    page.keyboard.press("]")
    expect(selected).to_contain_text("0:00:05.860")
    control(page, "Next segment").click()
    expect(selected).to_contain_text("0:00:13.820")
    page.keyboard.press("p")
    page.keyboard.press("[")
    expect(selected).to_contain_text("0:00:00.700")
    control(page, "Previous segment").click()
    expect(selected).to_contain_text("0:00:00.700")
    # After a click the space bar does not press the button once more.
    page.keyboard.press("Space")
    wait_playing(page)
    page.keyboard.press("Space")
    wait_playing(page, False)
    page.get_by_role("button", name="Play segment 1", exact=True).click()
    wait_playing(page)
    page.keyboard.press("Space")
    wait_playing(page, False)
    assert now_ms(page) < 5000
    # While it plays, next plays the next one.
    page.keyboard.press("Enter")
    wait_playing(page)
    page.keyboard.press("n")
    wait_past(page, 5860)
    assert now_ms(page) < 12340
    page.keyboard.press("Space")
    wait_playing(page, False)
    expect(control(page, "Play")).to_be_visible()
    page.keyboard.press("Space")
    wait_playing(page)
    expect(control(page, "Pause")).to_be_visible()
    control(page, "Pause").click()
    wait_playing(page, False)
    page.get_by_label("Speed").select_option("0.75")
    assert page.evaluate("document.querySelector('.vad-sound audio').playbackRate") == 0.75
    # Where a person writes, the keys are letters.
    field = page.get_by_label("End silence (ms): number")
    field.focus()
    page.keyboard.press("Space")
    page.keyboard.press("n")
    assert page.evaluate("document.querySelector('.vad-sound audio').paused")
    expect(selected).to_contain_text("0:00:05.860")


def test_the_playhead_goes_along(page: Any) -> None:
    where = """() => {
        const head = document.querySelector(".vad-playhead");
        const bounds = document.querySelector(".vad-stage").getBoundingClientRect();
        const at = document.querySelector(".vad-sound audio").currentTime * 1000;
        return [head.hidden, head.getBoundingClientRect().left - bounds.left, at];
    }"""
    assert page.evaluate(where)[0]
    # Closer, so that it leaves the view while it plays.
    page.locator(".vad-stage").dblclick(position={"x": 60, "y": 60})
    shown = page.locator(".vad-span").inner_text()
    playhead(page, 4300)
    control(page, "Play").click()
    wait_past(page, 5700)
    page.keyboard.press("Space")
    wait_playing(page, False)
    assert page.locator(".vad-span").inner_text() != shown
    hidden, x, at = page.evaluate(where)
    assert not hidden
    wanted, _ = place(page, at)
    left = page.locator(".vad-stage").bounding_box()["x"]
    assert x == pytest.approx(wanted - left, abs=2)


def test_a_long_file_is_not_fetched_whole(
    open_page: Callable[..., Any], demo: Path, tmp_path: Path
) -> None:
    samples, rate_hz = soundfile.read(demo, dtype="int16")
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(samples, 60), rate_hz)  # 25 min, 48 MB
    page = open_page()
    statuses = []
    page.on("response", lambda r: statuses.append(r.status) if "/audio" in r.url else None)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: dict[str, int] = {}
    asked = set()

    def on_response(event: dict[str, Any]) -> None:
        if event["response"]["url"].endswith("/audio"):
            asked.add(event["requestId"])

    def on_data(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = sizes.get(event["requestId"], 0) + event["dataLength"]

    network.on("Network.responseReceived", on_response)
    network.on("Network.dataReceived", on_data)
    upload(page, path)
    page.locator("tr[data-index]").first.wait_for(timeout=120_000)
    page.locator(".vad-segments-box table").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    wait_playing(page)
    wait_past(page, 1_490_000)
    page.keyboard.press("Space")
    wait_playing(page, False)
    assert statuses and set(statuses) == {206}
    fetched = sum(sizes.get(each, 0) for each in asked)
    assert 0 < fetched < path.stat().st_size / 2


@pytest.fixture(scope="module")
def unplayable(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make the demo a file that Chromium does not play."""
    directory = tmp_path_factory.mktemp("unplayable")

    def make(name: str) -> Path:
        path = directory / name
        if path.exists():
            return path
        samples, rate_hz = soundfile.read(demo, dtype="float32")
        codec = {".mkv": "ac3", ".m4a": "alac", ".aiff": "pcm_s16be"}[path.suffix]
        if codec == "ac3":
            samples, rate_hz = np.repeat(samples, 3), 3 * rate_hz
        return encode(path, samples[np.newaxis], rate_hz, codec, with_video=codec == "ac3")

    return make


@pytest.mark.parametrize("name", ["film.mkv", "apple.m4a", "speech.aiff"])
def test_what_the_browser_cannot_play_is_converted_when_it_is_asked_for(
    open_page: Callable[..., Any], unplayable: Callable[[str], Path], name: str
) -> None:
    page = open_page(script=RECORDER)
    copies = []
    page.on("request", lambda r: copies.append(r.method) if "/copy" in r.url else None)
    upload(page, unplayable(name))
    wait_for_result(page, name)
    assert copies == []  # nobody asked to hear it
    row = page.locator(".vad-table tbody tr").nth(1)
    row.get_by_role("button").click()
    wait_playing(page)
    page.wait_for_function("document.querySelector('.vad-sound audio').currentTime > 6")
    assert copies[0] == "POST"
    start, end = page.evaluate("window.vadResult.tracks[0].rows[1]")[:2]
    page.get_by_label("Speed").select_option("2")
    wait_playing(page, False)
    assert_heard_alone(heard(page), (start, end), rate=2)
    expect(page.locator(".vad-sound-note")).to_be_hidden()
    expect(page.locator(".vad-sound audio")).to_be_visible()


def test_a_conversion_tells_how_far_it_is(
    open_page: Callable[..., Any], unplayable: Callable[[str], Path]
) -> None:
    page = open_page()
    told = iter([("waiting", 0), ("converting", 0.4)])

    def answer(route: Any) -> None:
        state, fraction = next(told, ("", 0))
        if state:
            route.fulfill(json={"state": state, "fraction": fraction, "message": ""})
        elif fraction == 0 and not hold:
            route.continue_()
        else:
            route.fulfill(json={"state": "converting", "fraction": 0.4, "message": ""})

    hold = [True]
    upload(page, unplayable("speech.aiff"))
    wait_for_result(page, "speech.aiff")
    note = page.locator(".vad-sound-note")
    expect(note).to_contain_text("cannot play this file as it is")
    page.route("**/copy/state*", answer)
    page.keyboard.press("Space")
    expect(note).to_contain_text("makes a copy")
    expect(note.get_by_role("progressbar")).to_have_js_property("value", 0.4)
    hold.clear()
    page.unroute("**/copy/state*")
    # Whoever asks for something else meanwhile gets that.
    page.get_by_role("button", name="Play segment 2", exact=True).click()


def test_without_a_copy_the_page_says_why(
    browser: Any,
    open_page: Callable[..., Any],
    unplayable: Callable[[str], Path],
    model_dir: Path,
    tmp_path: Path,
) -> None:
    path = unplayable("apple.m4a")
    room = str(2**20)  # for the upload alone
    bounds = {"FSMN_VAD_MAX_UPLOAD_BYTES": room, "FSMN_VAD_WORKSPACE_BYTES": room}
    with serving(tmp_path, model_dir, "onnx", **bounds) as small:
        page = open_page(at=small.url)
        open_page.watch.host = small.url.removeprefix("http://")  # type: ignore[attr-defined]
        open_page.watch.problems.clear()  # type: ignore[attr-defined]
        upload(page, path)
        wait_for_result(page, path.name)
        page.keyboard.press("Space")
        expect(page.locator(".vad-sound-note")).to_contain_text("no room for a copy")
        # The result itself is as usable as ever.
        page.get_by_label("End silence (ms): slider").fill("300")
        expect(page.locator(".vad-tiles dd").first).not_to_have_text("4")
        page.close()


def test_a_copy_that_the_browser_cannot_play_either_is_said(
    open_page: Callable[..., Any], unplayable: Callable[[str], Path]
) -> None:
    page = open_page()
    page.route(re.compile(r"/copy$"), lambda route: route.fulfill(body=b"no sound", status=200))
    upload(page, unplayable("speech.aiff"))
    wait_for_result(page, "speech.aiff")
    page.keyboard.press("Space")
    expect(page.locator(".vad-sound-note")).to_contain_text("No copy that this browser can play")
    expect(control(page, "Play")).to_be_visible()


def test_a_server_out_of_reach_is_said_and_tried_again(page: Any, open_page: Any) -> None:
    address = re.compile(r"/results/[^/]+/audio$")
    page.route(address, lambda route: route.abort())
    page.reload()
    wait_for_result(page, "english-clean.flac")
    note = page.locator(".vad-sound-note")
    expect(note).to_contain_text("The server cannot be reached")
    page.unroute(address)
    page.get_by_role("button", name="Play segment 2", exact=True).click()
    wait_playing(page)
    expect(note).to_be_hidden()
    assert 5860 <= now_ms(page) < 12340
    watch = open_page.watch
    watch.problems[:] = [each for each in watch.problems if "ERR_FAILED" not in each]


def test_another_recording_while_one_plays(page: Any, shared_data: Path) -> None:
    page.get_by_role("button", name="Play segment 2", exact=True).click()
    wait_playing(page)
    upload(page, shared_data / "vad_example.wav")
    wait_for_result(page, "vad_example.wav")
    wait_playing(page, False)
    assert now_ms(page) == 0
    expect(page.locator("tr[aria-selected=true]")).to_have_count(0)
    page.get_by_role("button", name="Play segment 2", exact=True).click()
    wait_playing(page)
    start, end = page.evaluate("window.vadResult.tracks[0].rows[1]")[:2]
    assert start <= now_ms(page) < end
    # Whoever clicks faster than anything can play hears the last one.
    for number in (1, 3, 2, 4, 1, 3):
        page.get_by_role("button", name=f"Play segment {number}", exact=True).click()
    wait_playing(page)
    start, end = page.evaluate("window.vadResult.tracks[0].rows[2]")[:2]
    wait_past(page, start + 100)
    assert now_ms(page) < end


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tab_reaches_everything_and_all_of_it_has_a_name(
    open_page: Callable[..., Any], demo: Path, language: str
) -> None:
    page = open_page(f"/?lang={language}")
    page.locator("input[type=file]").set_input_files([demo])
    page.locator(".vad-edit-toggle").click()
    page.locator(".vad-stage").focus()
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.outerHTML.split('>')[0]"))
        if 'class="vad-copy"' in seen[-1] or "vad-json" in seen[-1]:
            break
    wanted = (
        *("vad-threshold", 'data-action="previous"', 'data-action="toggle"'),
        *('data-action="next"', 'name="vad-mode"', 'data-action="loop"', "<select", "<audio"),
        *("vad-edit-toggle", 'data-do="add"', 'data-do="remove"', 'data-do="split"'),
        *('data-do="merge"', 'data-do="undo"', 'data-do="redo"', 'role="grid"', "download="),
    )
    assert [each for each in wanted if not any(each in html for html in seen)] == []
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    kinds = ("button", "slider", "radio", "combobox", "link", "spinbutton", "grid", "textbox")
    controls = [node for node in tree if node["role"]["value"] in kinds and not node["ignored"]]
    assert len(controls) > 30
    nameless = [node for node in controls if not node.get("name", {}).get("value", "").strip()]
    assert nameless == []
