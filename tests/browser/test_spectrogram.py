"""The spectrogram on the real page: on and off, zoomed, with two tracks, and without an answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.audio.recordings import RATE_HZ, encode, read, sweep
from tests.browser.test_detect import upload, wait_for_result

# How many colours each half of a track's lane shows.
_COLOURS = """async (track) => {
	const { view } = await import(new URL("static/view/view.js", location.origin));
	const lane = view.layout.tracks[track].spectrogram;
	const top = Math.round(lane.top * view.scale);
	const height = Math.round(lane.bottom * view.scale) - top;
	const half = view.lanes.width >> 1;
	return [0, half].map((left) => {
		const { data } = view.context.getImageData(left, top, half, height);
		return new Set(new Uint32Array(data.buffer)).size;
	});
}"""
# Whether all that is visible has come.
_IS_COMPLETE = """async () => {
	const { view } = await import(new URL("static/view/view.js", location.origin));
	const { coming, wanted } = view.spectrogram;
	return !coming.size && [...wanted.values()].every((parts) => !parts.length);
}"""


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "audio" / "english-clean.flac"


@pytest.fixture(scope="module")
def long(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import numpy as np

    speech, _ = read(demo)
    whole = np.tile(speech, -(-90 * RATE_HZ // len(speech)))[: 90 * RATE_HZ]
    path = tmp_path_factory.mktemp("long") / "long.flac"
    return encode(path, whole[np.newaxis], RATE_HZ, "flac")


def spectrogram_button(page: Any) -> Any:
    return page.get_by_role("button", name="Spectrogram")


def notes(page: Any) -> Any:
    return page.locator(".vad-spectrum-notes p")


def wait_for_picture(page: Any, track: int = 0) -> None:
    # The first one waits for a process to start.
    expect(notes(page).nth(track)).to_have_text("", timeout=30_000)
    page.wait_for_timeout(100)  # a frame, in which it finds what it lacks
    page.wait_for_function(_IS_COMPLETE)
    assert page.evaluate(_COLOURS, track)[1] > 100


def test_toggle(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, demo.name)
    button = spectrogram_button(page)
    expect(button).to_have_attribute("aria-pressed", "false")
    stage = page.locator(".vad-stage")
    low = stage.bounding_box()["height"]
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    wait_for_picture(page)
    assert stage.bounding_box()["height"] > low + 80
    # The choice stays while recordings change.
    page.get_by_role("button", name="Chinese, clean").click()
    wait_for_result(page, "chinese-clean.flac")
    wait_for_picture(page)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert stage.bounding_box()["height"] == low


def test_zoom_in_for_it(open_page: Any, long: Path) -> None:
    page = open_page()
    upload(page, long)
    wait_for_result(page, long.name)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    spectrogram_button(page).click()
    expect(notes(page)).to_have_text("Zoom in to 60 s or less to see the spectrogram")
    assert not [url for url in asked if "/spectrogram/" in url]
    zoom = page.get_by_role("button", name="Zoom in")
    zoom.click()
    wait_for_picture(page)
    for _ in range(6):
        zoom.click()
    wait_for_picture(page)
    # Panning there and back asks for nothing anew.
    page.locator(".vad-stage").focus()
    page.keyboard.press("PageDown")
    wait_for_picture(page)
    before = len([url for url in asked if "/spectrogram/" in url])
    page.keyboard.press("PageUp")
    page.keyboard.press("PageDown")
    wait_for_picture(page)
    assert len([url for url in asked if "/spectrogram/" in url]) == before
    page.get_by_role("button", name="Show all").click()
    expect(notes(page)).to_have_text(re.compile("^Zoom in"))


def test_the_pointer_reads_a_frequency(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, demo.name)
    spectrogram_button(page).click()
    wait_for_picture(page)
    place = page.evaluate(
        """async () => {
			const { view } = await import(new URL("static/view/view.js", location.origin));
			const { top, bottom } = view.layout.tracks[0].spectrogram;
			return [top, bottom];
		}"""
    )
    stage = page.locator(".vad-stage")
    stage.hover(position={"x": 300, "y": place[0] + 2})
    expect(page.locator(".vad-readout")).to_contain_text(re.compile(r"7\.\d kHz"))
    stage.hover(position={"x": 300, "y": place[1] - 3})
    expect(page.locator(".vad-readout")).to_contain_text(re.compile(r"\d0 Hz"))
    # Beside it, there is none.
    stage.hover(position={"x": 300, "y": place[0] - 60})
    expect(page.locator(".vad-readout")).not_to_contain_text("Hz")


def test_two_tracks(open_page: Any, demo: Path, tmp_path: Path) -> None:
    import numpy as np

    speech, _ = read(demo)
    tone = sweep(len(speech) / RATE_HZ)[: len(speech)]
    tone[: len(tone) // 2 + RATE_HZ // 10] = 0
    path = encode(tmp_path / "call.flac", np.stack([speech, tone]), RATE_HZ, "flac")
    page = open_page()
    page.get_by_label("Channel", exact=True).click()
    page.get_by_role("option", name=re.compile("Each|each")).click()
    upload(page, path)
    wait_for_result(page, path.name)
    spectrogram_button(page).click()
    wait_for_picture(page, 0)
    wait_for_picture(page, 1)
    expect(notes(page)).to_have_count(2)
    # Each lane has its own channel: the tone begins in the middle.
    assert min(page.evaluate(_COLOURS, 0)) > 100
    assert page.evaluate(_COLOURS, 1)[0] < 100


def test_a_recording_that_is_gone_is_told(open_page: Any, server: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, demo.name)
    page.route(
        "**/spectrogram/**",
        lambda route: route.fulfill(status=404, body="This recording is no longer kept."),
    )
    spectrogram_button(page).click()
    expect(notes(page)).to_have_text("This recording is no longer kept.")
    open_page.watch.problems.clear()  # the browser notes what it could not load
    # It works again when the view is moved.
    page.unroute("**/spectrogram/**")
    page.get_by_role("button", name="Zoom in").click()
    wait_for_picture(page)


def test_a_phone_in_the_dark_in_chinese(open_page: Any, demo: Path) -> None:
    page = open_page(
        locale="zh-CN",
        color_scheme="dark",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    page.locator("input[type=file]").first.set_input_files(str(demo))
    wait_for_result(page, demo.name)
    button = page.get_by_role("button", name="频谱图")
    box = button.bounding_box()
    assert box["height"] >= 44 and box["width"] >= 44
    button.tap()
    wait_for_picture(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
