"""The Live tab with Chromium's fake microphone, which plays a demo recording once."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

pytest.importorskip("playwright")
from playwright.sync_api import expect

from webui.vad import Detector, VadOptions
from webui.vad.options import PRESETS

from .conftest import MICROPHONE, SWITCHES, Server, free_port, serving

_LIVE = "(await import(new URL('/static/live/live.js', location))).live"
_HEAD = f"async () => {_LIVE}.track.head_ms"
_PIECE_MS = 20
# Of what comes in seconds of its own, on a machine that has other things to do.
_SOON_MS = 30_000
_PHONE = {
    "viewport": {"width": 390, "height": 844},
    "color_scheme": "dark",
    "has_touch": True,
    "is_mobile": True,
}


@pytest.fixture(scope="module")
def voice(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples, rate = soundfile.read(root / "assets/audio/english-clean.flac", dtype="int16")
    path = tmp_path_factory.mktemp("live") / "voice.wav"
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture(scope="module")
def talking(playwright: Any, browser_path: str, voice: Path) -> Iterator[Any]:
    switches = [*SWITCHES, *MICROPHONE, f"--use-file-for-fake-audio-capture={voice}%noloop"]
    browser = playwright.chromium.launch(executable_path=browser_path, args=switches)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def detector(model_dir: Path) -> Detector:
    return Detector(engine="onnx", model_directory=model_dir)


def begin(page: Any) -> None:
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible(timeout=_SOON_MS)


def wait_for(page: Any, what: str) -> None:
    """Wait for something that the page's session, `live`, has."""
    page.evaluate(f"async () => {{ window.live = {_LIVE} }}")
    page.wait_for_function(what, timeout=_SOON_MS)


def until(page: Any, seconds: int) -> None:
    """Wait until so much was heard, or more."""
    wait_for(page, f"live.track?.head_ms >= {seconds * 1000}")


def stop(page: Any) -> None:
    """End the session; its result opens under Detect."""
    page.get_by_role("button", name="Stop", exact=True).click()
    detect = page.get_by_role("tab", name="Detect")
    expect(detect).to_have_attribute("aria-selected", "true", timeout=_SOON_MS)
    expect(page.locator(".vad-file")).to_contain_text("Live 20", timeout=_SOON_MS)


def logged(page: Any) -> list[list[int]]:
    """Start and end of each segment that the page knows of."""
    spans: list[list[int]] = page.evaluate(
        f"async () => {_LIVE}.found.segments.map(({{start_ms, end_ms}}) => [start_ms, end_ms])"
    )
    return spans


def saved(page: Any, server: Server, directory: Path) -> Path:
    """The recording that Stop kept."""
    address = page.evaluate("window.vadResult.audio")
    path = directory / "saved.wav"
    path.write_bytes(page.request.get(f"{server.url}/{address.lstrip('./')}").body())
    return path


def spans_of(detector: Detector, path: Path, options: VadOptions | None = None) -> list[list[int]]:
    segments = detector.score(path).segments(options or VadOptions())
    return [[segment.start_ms, segment.end_ms] for segment in segments]


def test_speech_is_found_while_it_is_spoken_as_it_is_offline(
    open_page: Any, talking: Any, server: Server, detector: Detector, voice: Path, tmp_path: Path
) -> None:
    page = open_page("/?tab=live", in_browser=talking, permissions=["microphone"])
    begin(page)
    log = page.locator("#vad-livelog tbody tr")
    expect(log.filter(has_text="speaking")).to_have_count(1, timeout=_SOON_MS)
    expect(page.locator(".vad-live-state")).to_have_text("Speech")
    expect(page.get_by_role("timer", name="Elapsed")).to_have_text(re.compile("0:0[1-9]"))
    closed = log.filter(has=page.get_by_role("button", name="Play segment 1"))
    expect(closed).to_contain_text("silence followed", timeout=_SOON_MS)
    expect(closed).to_contain_text("later")
    # Its sound can be had at once.
    link = page.get_by_role("link", name="Download segment 1")
    samples, rate = soundfile.read(io.BytesIO(page.request.get(link.get_attribute("href")).body()))
    start_ms, end_ms = logged(page)[0]
    assert len(samples) / rate * 1000 == pytest.approx(end_ms - start_ms, abs=1)
    until(page, 7)
    stop(page)
    found = logged(page)
    assert len(found) >= 2
    path = saved(page, server, tmp_path)
    assert spans_of(detector, path) == found
    # What Detect shows was not scored again; and nothing was lost from the microphone's sound.
    shown = page.evaluate("window.vadResult.rows.map((row) => row.slice(0, 2))")
    assert shown == found
    assert soundfile.info(path).frames == page.evaluate(f"async () => {_LIVE}.track.samples")
    # As of the file that the microphone plays, which began a moment before it was heard.
    known = spans_of(detector, voice)
    for ours, theirs in (
        (found[0], known[0]),
        ([found[0][1], found[1][0]], [known[0][1], known[1][0]]),
    ):
        assert abs((ours[1] - ours[0]) - (theirs[1] - theirs[0])) <= _PIECE_MS
    # Once more with the same button.
    page.get_by_role("tab", name="Live").click()
    begin(page)
    until(page, 2)
    assert len(logged(page)) < 2
    stop(page)
    expect(page.locator(".vad-tiles")).to_contain_text(re.compile("of 0:0[2-6]"))


def test_sliders_act_on_what_follows_and_on_the_past(
    open_page: Any, talking: Any, server: Server, detector: Detector, tmp_path: Path
) -> None:
    page = open_page("/?tab=live", in_browser=talking, permissions=["microphone"])
    begin(page)
    log = page.locator("#vad-livelog tbody tr")
    expect(log.filter(has_text="silence followed")).to_have_count(1, timeout=_SOON_MS)
    before = logged(page)[0]
    page.get_by_role("radio", name="Quick turn-taking").check()
    wait_for(page, "live.options.max_end_silence_time < 800")
    expect(log.filter(has_text="speaking")).to_have_count(1, timeout=_SOON_MS)
    assert logged(page)[0] == before
    page.get_by_role("switch", name="Re-tune the past").check()
    expect(log.filter(has_text="silence followed")).not_to_have_count(1, timeout=_SOON_MS)
    stop(page)
    options = PRESETS["quick"].options
    assert spans_of(detector, saved(page, server, tmp_path), options) == logged(page)
    expect(page.get_by_role("radio", name="Quick turn-taking")).to_be_checked()


def test_lost_connection_loses_no_sound(
    open_page: Any, talking: Any, server: Server, detector: Detector, tmp_path: Path
) -> None:
    page = open_page(in_browser=talking, permissions=["microphone"], **_PHONE)
    links: list[Any] = []
    is_down = False

    def link(socket: Any) -> None:
        if is_down:
            socket.close()
            return
        links.append((socket, socket.connect_to_server()))

    page.route_web_socket("**/stream", link)
    page.get_by_role("tab", name="Live").click()
    begin(page)
    until(page, 2)
    # The cards stand in even distances, also where this tab leaves an area empty.
    tops = page.evaluate(
        """() => [...document.querySelectorAll(".vad-layout > *")]
            .map((card) => card.getBoundingClientRect())
            .filter(({ height }) => height)
            .sort((a, b) => a.top - b.top)
            .map(({ top, bottom }) => [top, bottom])"""
    )
    gaps = [below[0] - above[1] for above, below in itertools.pairwise(tops)]
    assert gaps == pytest.approx([14, 14], abs=0.5)
    is_down = True
    for socket, to_server in links:
        socket.close()
        to_server.close()
    note = page.get_by_role("status").filter(has_text="connection")
    expect(note).to_contain_text("The connection is lost; trying again.")
    expect(page.locator(".vad-live-state")).to_have_text("Connection lost")
    until(page, 5)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    is_down = False
    expect(note).to_contain_text("The connection is back; no sound was lost.", timeout=_SOON_MS)
    assert len(links) == 2
    until(page, 7)
    stop(page)
    found = logged(page)
    path = saved(page, server, tmp_path)
    assert spans_of(detector, path) == found != []
    assert soundfile.info(path).frames == page.evaluate(f"async () => {_LIVE}.track.samples")


def forgive_dead_line(watch: Any) -> None:
    """Browsers write each request that meets a dead line to the console themselves."""
    dead = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE")
    watch.problems[:] = [line for line in watch.problems if not any(name in line for name in dead)]


def test_network_that_is_cut_reloads_nothing(
    open_page: Any, talking: Any, server: Server, detector: Detector, tmp_path: Path
) -> None:
    page = open_page("/zh/?tab=live", in_browser=talking, permissions=["microphone"], **_PHONE)
    start = page.locator(".vad-live-start")
    start.click()
    until(page, 2)
    page.evaluate("window.isSamePage = true")
    page.context.set_offline(True)
    banner = page.locator(".vad-line")
    expect(banner).to_have_text("与服务器的连接已断开，正在重试。", timeout=_SOON_MS)
    expect(page.locator(".vad-system-bar b")).to_have_text("连接已断开")
    box, system = banner.bounding_box(), page.locator(".vad-system-bar").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= system["y"]
    # A slider that is moved meanwhile: it counts, and what it asks of the server waits.
    page.evaluate("live.setPast(true)")
    page.get_by_role("radio", name="快速对话").check(force=True)
    wait_for(page, f"live.track.head_ms >= {page.evaluate(_HEAD) + 1500}")
    page.context.set_offline(False)
    expect(banner).to_have_count(0, timeout=_SOON_MS)
    expect(page.locator(".vad-system-bar b")).to_have_text("模型就绪", timeout=_SOON_MS)
    wait_for(page, "live.options.max_end_silence_time < 800")
    until(page, 7)
    start.click()
    detect = page.get_by_role("tab", name="检测")
    expect(detect).to_have_attribute("aria-selected", "true", timeout=_SOON_MS)
    found = logged(page)
    page.wait_for_function("window.vadResult?.rows.length > 0", timeout=_SOON_MS)
    path = saved(page, server, tmp_path)
    assert soundfile.info(path).frames == page.evaluate(f"async () => {_LIVE}.track.samples")
    assert spans_of(detector, path, PRESETS["quick"].options) == found
    assert page.evaluate("window.vadResult.rows.length") == len(found) >= 2
    assert page.evaluate("window.isSamePage") and page.locator(".toast-body").count() == 0
    forgive_dead_line(open_page.watch)


def test_server_that_is_restarted_leaves_the_choice_to_who_speaks(
    open_page: Any, talking: Any, model_dir: Path, browser_path: str, tmp_path: Path
) -> None:
    port = free_port()
    with serving(tmp_path, model_dir, "onnx", port=port) as first:
        live = open_page("/?tab=live", at=first.url, in_browser=talking, permissions=["microphone"])
        begin(live)
        until(live, 2)
        live.evaluate("window.isSamePage = true")
        other = live.context.new_page()
        other.goto(first.url)
        expect(other.locator(".vad-system-bar b")).not_to_be_empty()
        other.evaluate("window.isSamePage = true")
    with serving(tmp_path, model_dir, "onnx", port=port):
        # Nothing is lost with a page that only looks on.
        other.wait_for_function("!window.isSamePage", timeout=_SOON_MS)
        expect(live.locator(".vad-line")).to_contain_text("restarted", timeout=_SOON_MS)
        assert live.evaluate("window.isSamePage")
        live.get_by_role("button", name="Reload").click()
        live.wait_for_function("!window.isSamePage", timeout=_SOON_MS)
        expect(live.locator(".vad-system-bar b")).not_to_be_empty()
        assert live.locator(".toast-body").count() == 0
    live.context.close()
    # The watch knows the shared server alone.
    open_page.watch.problems[:] = [
        problem for problem in open_page.watch.problems if str(port) not in problem
    ]


def test_only_one_tab_of_a_browser_is_live(open_page: Any, talking: Any) -> None:
    page = open_page("/?tab=live", in_browser=talking, permissions=["microphone"])
    begin(page)
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Start", exact=True).click()
    alert = other.get_by_role("alert")
    expect(alert).to_contain_text("Another tab of this browser is live already")
    # Unplugged: said, and what was heard is kept.
    page.evaluate(f"async () => {_LIVE}.stop({{code: 'unplugged'}})")
    expect(page.get_by_role("alert")).to_contain_text("The microphone is gone")
    expect(page.get_by_role("button", name="Open in Detect")).to_be_visible()
    other.get_by_role("button", name="Start", exact=True).click()
    expect(other.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    expect(alert).to_be_hidden()


def test_session_that_a_reload_ends_is_found_in_the_history(open_page: Any, talking: Any) -> None:
    page = open_page("/?tab=live", in_browser=talking, permissions=["microphone"])
    page.on("dialog", lambda dialog: dialog.accept())
    hint = page.get_by_text("Start, and speak")
    expect(hint).to_be_visible()
    begin(page)
    until(page, 2)
    expect(hint).to_be_hidden()  # also from who cannot see
    history = page.get_by_role("tab", name="History")
    history.click()
    shared = page.get_by_text("A live session is running. All tabs share the sliders")
    expect(shared).to_be_visible()
    page.get_by_role("tab", name="Live").click()
    page.reload()
    expect(page.get_by_text("in the middle of a session, which ended it")).to_be_visible()
    page.get_by_role("button", name="Open the History").click()
    expect(history).to_have_attribute("aria-selected", "true")
    expect(page.locator(".vad-history-list li").first).to_contain_text("Live 20", timeout=_SOON_MS)
    expect(shared).to_be_hidden()
    # It is told once.
    page.reload()
    page.get_by_role("tab", name="Live").click()
    expect(page.get_by_text("The sound goes from this browser")).to_be_visible()
    expect(page.get_by_role("button", name="Open the History")).to_be_hidden()


def test_permission_that_is_denied(
    open_page: Any, playwright: Any, browser_path: str, server: Server
) -> None:
    switches = [*SWITCHES, MICROPHONE[1], "--deny-permission-prompts"]
    browser = playwright.chromium.launch(executable_path=browser_path, args=switches)
    try:
        page = open_page("/?tab=live", in_browser=browser)
        page.get_by_role("button", name="Start", exact=True).click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("not allowed to use the microphone")
        for name, text in [
            ("NotFoundError", "no such microphone"),
            ("NotReadableError", "another"),
        ]:
            page.evaluate(
                """(name) => {
                    const refuse = () => Promise.reject(new DOMException("no", name));
                    navigator.mediaDevices.getUserMedia = refuse;
                }""",
                name,
            )
            page.get_by_role("button", name="Start", exact=True).click()
            expect(alert).to_contain_text(text)
    finally:
        browser.close()


def test_address_without_https_says_how_to_mend_it(open_page: Any) -> None:
    script = "Object.defineProperty(window, 'isSecureContext', {value: false})"
    page = open_page("/?tab=live&max_end_silence_time=450", script=script)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    expect(page.get_by_text("open http://localhost:")).to_be_visible()
    # The settings of the address are those with which a session would begin.
    wait_for(page, "live.options.max_end_silence_time === 450")
