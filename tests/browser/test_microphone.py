"""Recording with Chromium's fake microphone, which plays a demo recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

pytest.importorskip("playwright")
from playwright.sync_api import expect

from .conftest import MICROPHONE, SWITCHES


@pytest.fixture(scope="module")
def with_microphone(
    playwright: Any, browser_path: str, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    samples, rate = soundfile.read(root / "assets/audio/english-clean.flac", dtype="int16")
    voice = tmp_path_factory.mktemp("microphone") / "voice.wav"
    soundfile.write(voice, samples, rate)
    switches = [*SWITCHES, *MICROPHONE, f"--use-file-for-fake-audio-capture={voice}"]
    browser = playwright.chromium.launch(executable_path=browser_path, args=switches)
    yield browser
    browser.close()


def test_recording_is_detected_when_it_stops(open_page: Any, with_microphone: Any) -> None:
    page = open_page(in_browser=with_microphone, permissions=["microphone"])
    page.get_by_role("button", name="Record", exact=True).click()
    stop = page.get_by_role("button", name="Stop and detect")
    expect(stop).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("timer")).to_have_text("0:06", timeout=15_000)
    stop.click()
    expect(page.locator(".vad-file")).to_contain_text("Recording 20")
    expect(page.locator(".vad-tiles dd").first).not_to_have_text("0")
    # Again, with the same button: browsers' own recorders tire of this.
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("timer")).to_have_text("0:02", timeout=15_000)
    page.get_by_role("button", name="Stop and detect").click()
    expect(page.locator(".vad-tiles")).to_contain_text("of 0:02")


def test_microphone_that_is_not_allowed(open_page: Any) -> None:
    page = open_page()
    page.evaluate(
        """() => {
            const refuse = () => Promise.reject(new DOMException("no", "NotAllowedError"));
            navigator.mediaDevices.getUserMedia = refuse;
        }"""
    )
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("not allowed to use the microphone")


_TRACKS = """
    const open = MediaDevices.prototype.getUserMedia;
    MediaDevices.prototype.getUserMedia = async function (wanted) {
        const stream = await open.call(this, wanted);
        window.tracks = stream.getTracks();
        return stream;
    };
"""


def test_microphone_is_given_free_when_recording_fails(
    open_page: Any, with_microphone: Any
) -> None:
    script = _TRACKS + "AudioWorklet.prototype.addModule = () => Promise.reject(new Error('no'));"
    page = open_page("/zh/", in_browser=with_microphone, permissions=["microphone"], script=script)
    page.get_by_role("button", name="录音", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("麦克风没有声音输入")
    assert page.evaluate("window.tracks.map((track) => track.readyState)") == ["ended"]
    expect(page.get_by_role("button", name="录音", exact=True)).to_be_enabled()


def test_unplugging_ends_the_recording(open_page: Any, with_microphone: Any) -> None:
    page = open_page(in_browser=with_microphone, permissions=["microphone"], script=_TRACKS)
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("timer")).to_have_text("0:02", timeout=15_000)
    page.evaluate("window.tracks[0].dispatchEvent(new Event('ended'))")
    expect(page.locator(".vad-file")).to_contain_text("Recording 20")
    assert page.evaluate("window.tracks[0].readyState") == "ended"
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_enabled()


def test_address_without_https_says_why_there_is_no_microphone(open_page: Any) -> None:
    page = open_page(script="Object.defineProperty(window, 'isSecureContext', {value: false})")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_disabled()
    expect(page.get_by_text("The microphone needs https")).to_be_visible()
