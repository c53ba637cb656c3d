"""The main job on the real page: give a recording, see and tune its speech, take it away."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("playwright")
from playwright.sync_api import expect

_AUDIO = "document.querySelector('.vad-sound audio')"
# Pixels of the colour of speech in the lane of the sound.
_IS_DRAWN = """() => {
    const canvas = document.querySelector(".vad-lanes");
    const style = getComputedStyle(document.documentElement);
    const edge = style.getPropertyValue("--vad-edge").trim().match(/[0-9a-f]{2}/g);
    const [r, g, b] = edge.map((part) => parseInt(part, 16));
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height / 2);
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
        count += data[i] === r && data[i + 1] === g && data[i + 2] === b;
    return count > 1000;
}"""


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "audio" / "english-clean.flac"


def upload(page: Any, *files: Path) -> None:
    page.get_by_label("Audio or video file").set_input_files(list(files))


def segment_count(page: Any) -> int:
    return int(tile(page, "Segments"))


def tile(page: Any, label: str) -> str:
    return str(
        page.locator(".vad-tiles div").filter(has_text=label).locator("dd").first.text_content()
    )


def wait_for_result(page: Any, name: str) -> None:
    # The first one of a server waits until the model is loaded, on a busy machine for long.
    expect(page.get_by_role("heading", name=name)).to_be_visible(timeout=30_000)
    expect(page.locator(".vad-status-box")).to_be_hidden()


def shown_options(page: Any) -> dict[str, Any]:
    """Options of the JSON that the page offers for download."""
    address = page.get_by_role("link", name="Download as JSON").get_attribute("href")
    return json.loads(page.request.get(address).text())


def test_upload_shows_figure_table_and_sound(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    # assets/audio/README.md says what FunASR finds.
    assert segment_count(page) == 4
    rows = page.get_by_role("region", name="Segments", exact=True).locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("0:00:00.700")
    expect(rows.first).to_contain_text("0:00:05.090")
    expect(rows.first).to_contain_text("silence followed")
    expect(page.get_by_text("16 kHz mono, FLAC")).to_be_visible()
    # The canvas is not empty: what speech is coloured with is on it.
    expect(page.get_by_role("figure").locator(".vad-lanes")).to_be_visible()
    page.wait_for_function(_IS_DRAWN)
    # The recording can be played, and from where the figure is clicked.
    page.locator(".vad-stage").click()
    page.wait_for_function(f"{_AUDIO}.currentTime > 5")


def test_a_click_on_a_row_plays_that_segment_alone(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    page.get_by_role("button", name="Play segment 2").click()
    page.wait_for_function(f"!{_AUDIO}.paused")
    at = page.evaluate(f"{_AUDIO}.currentTime")
    assert 5.8 <= at < 12.3
    expect(page.locator("tr.is-now")).to_contain_text("0:00:05.860")


def test_slider_changes_the_result_at_once(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    before = segment_count(page)
    silence = page.get_by_label("End silence (ms): slider")
    silence.fill("150")
    expect(page.locator(".vad-tiles dd").first).not_to_have_text(str(before))
    assert segment_count(page) > before
    assert shown_options(page)["options"]["max_end_silence_time"] == 150
    # No preset has these values any more; the default preset brings everything back.
    expect(page.locator(".vad-presets").get_by_role("radio", checked=True)).to_have_count(0)
    page.get_by_role("radio", name="FunASR default").check()
    expect(page.locator(".vad-tiles dd").first).to_have_text(str(before))
    expect(silence).to_have_value("800")


def test_what_a_slider_shows_is_what_decides(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    number = page.get_by_label("End silence (ms): number")
    # Typed: out of the range, or nothing at all.
    for typed, taken in (("99999", 6000), ("-5", 150), ("400", 400), ("", 150)):
        number.fill(typed)
        number.press("Enter")
        page.wait_for_function(
            "taken => window.vadResult.options.max_end_silence_time === taken", arg=taken
        )
        number.blur()
        expect(number).to_have_value(str(taken))
    # The button that resets it.
    page.get_by_label("End silence (ms): back to the default").click()
    page.wait_for_function("window.vadResult.options.max_end_silence_time === 800")
    expect(number).to_have_value("800")
    assert segment_count(page) == 4


def test_controls_stay_in_sight_and_in_place(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    slider = page.get_by_label("Speech-noise threshold: slider")
    top = slider.bounding_box()["y"]
    for preset in ("Meeting", "Telephone", "Noisy room", "Quick turn-taking", "Low memory"):
        page.get_by_role("radio", name=preset).check()
        expect(page.get_by_role("radio", name=preset)).to_be_checked()
        page.wait_for_timeout(300)
        assert slider.bounding_box()["y"] == top
    page.locator(".vad-segments-box").scroll_into_view_if_needed()
    page.mouse.wheel(0, 3000)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > 300
    assert 0 <= slider.bounding_box()["y"] < 900


def test_another_channel_asks_to_detect_again(open_page: Any) -> None:
    page = open_page()
    page.get_by_role("button", name="Telephone, stereo").click()
    wait_for_result(page, "two-voices-telephone.flac")
    button = page.get_by_role("button", name="Detect again")
    expect(button).not_to_have_class(re.compile("primary"))
    page.get_by_label("Channel", exact=True).click()
    page.get_by_role("option", name="Left").click()
    expect(button).to_have_class(re.compile("primary"))
    button.click()
    expect(page.locator(".vad-about")).to_contain_text("left")
    expect(button).not_to_have_class(re.compile("primary"))


def test_threshold_that_nothing_reaches_is_explained(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    page.get_by_label("Speech-noise threshold: slider").fill("1")
    expect(page.locator(".vad-empty")).to_contain_text("the highest speech probability is")
    expect(page.locator(".vad-empty")).to_contain_text("there would be")
    assert segment_count(page) == 0


def test_options_that_contradict_each_other_say_so(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    page.get_by_role("button", name="Advanced").click()
    page.wait_for_timeout(500)  # no hand is at a slider while the fold still opens
    page.get_by_label("Decision window (ms): slider").fill("100")
    expect(page.locator("#vad-note")).to_contain_text(
        "Speech needed to start = 150: must not be longer than Decision window"
    )
    assert segment_count(page) == 4
    page.get_by_label("Decision window (ms): slider").fill("200")
    expect(page.locator("#vad-note")).not_to_contain_text("must not")


def test_text_file_named_wav_is_explained_and_the_page_goes_on(
    open_page: Any, demo: Path, tmp_path: Path
) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    fake = tmp_path / "notes.wav"
    fake.write_text("This is not sound.\n" * 50)
    upload(page, fake)
    expect(page.get_by_role("alert").filter(has_text="notes.wav")).to_contain_text(
        "is not an audio or video file"
    )
    assert segment_count(page) == 4  # the earlier result is still there
    page.get_by_role("button", name="Chinese, clean").click()
    wait_for_result(page, "chinese-clean.flac")
    assert segment_count(page) == 5


def test_file_names_are_text_never_markup_or_code(
    open_page: Any, demo: Path, tmp_path: Path
) -> None:
    page = open_page()
    name = "${document.title='x'}{{value}}<img src=x onerror=alert(1)> 录音 😀.flac"
    hostile = tmp_path / name
    hostile.write_bytes(demo.read_bytes())
    upload(page, hostile)
    heading = page.locator(".vad-file")
    expect(heading).to_contain_text("${document.title='x'}{{value}}")
    expect(heading).to_contain_text("录音 😀.flac")
    assert page.title() == "FSMN-VAD Studio"
    assert page.locator("img[src=x]").count() == 0


def test_reload_and_the_language_switch_keep_the_result(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    page.get_by_role("radio", name="Quick turn-taking").check()
    expect(page.locator(".vad-tiles dd").first).not_to_have_text("4")
    count = segment_count(page)
    # A browser takes only so many addresses in a minute, so the page waits for the hand.
    page.wait_for_url(re.compile("max_end_silence_time="))
    page.reload()
    wait_for_result(page, "english-clean.flac")
    assert segment_count(page) == count
    expect(page.get_by_role("radio", name="Quick turn-taking")).to_be_checked()
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
    expect(page.locator(".vad-tiles dd").first).to_have_text(str(count))
    expect(page.get_by_role("radio", name="快速对话")).to_be_checked()
    assert "/zh/" in page.url
    # The choice is remembered, whatever the browser prefers.
    page.goto(page.url.split("/zh/")[0] + "/")
    expect(page.get_by_role("button", name="选择文件")).to_be_visible()


def test_downloads(open_page: Any, demo: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    starts = {"JSON": b"{", "CSV": b"\xef\xbb\xbffile,start_ms", "SVG": b"<?xml", "PNG": b"\x89PNG"}
    for kind, start in starts.items():
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download as {kind}").click()
        assert download.value.suggested_filename == f"english-clean.{kind.lower()}"
        assert Path(download.value.path()).read_bytes().startswith(start)
    more = page.locator(".vad-more summary >> nth=0")
    for kind, ending in {"RTTM": "rttm", "TextGrid": "TextGrid", "Audacity": "labels.txt"}.items():
        more.click()
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download as {kind}").click()
        assert download.value.suggested_filename == f"english-clean.{ending}"
        # What was chosen closes the list, and so does Escape.
        expect(page.get_by_role("link", name="Download as RTTM")).to_be_hidden()
    more.press("Enter")
    expect(page.get_by_role("link", name="Download as EAF")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Download as EAF")).to_be_hidden()
    expect(more).to_be_focused()
    receipt = shown_options(page)
    assert receipt["engine"] == "onnx"
    assert len(receipt["model_sha256"]) == 64
    assert receipt["options"]["max_end_silence_time"] == 800
    assert len(receipt["segments"]) == 4
    page.get_by_text("JSON with receipt").click()
    expect(page.locator(".vad-json pre")).to_contain_text(receipt["model_sha256"])


def test_channel_is_taken_from_the_choice(open_page: Any) -> None:
    page = open_page()
    page.get_by_role("button", name="Telephone, stereo").click()
    wait_for_result(page, "two-voices-telephone.flac")
    expect(page.get_by_text("mean of both channels")).to_be_visible()
    page.get_by_label("Channel", exact=True).click()
    page.get_by_role("option", name="Left").click()
    page.get_by_role("button", name="Detect again").click()
    expect(page.get_by_text("left channel")).to_be_visible()


def test_video_without_a_format_that_plays(open_page: Any, demo: Path, tmp_path: Path) -> None:
    """Sound in a container that no browser plays: detected, said so, and heard as a copy."""
    import av

    samples, rate = soundfile.read(demo, dtype="int16")
    film = tmp_path / "film.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("ac3", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler("fltp", "mono", 48_000)
        stream.codec_context.sample_rate = 48_000
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    page = open_page()
    upload(page, film)
    wait_for_result(page, "film.mkv")
    assert segment_count(page) >= 4
    expect(page.get_by_text("This browser cannot play this file as it is")).to_be_visible()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{_AUDIO}.currentTime > 0.2")


@pytest.fixture(scope="module")
def long_recording(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples, rate = soundfile.read(demo, dtype="int16")
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, np.tile(samples, 3600 * rate // len(samples)), rate)
    return path


def test_stop(open_page: Any, demo: Path, long_recording: Path) -> None:
    page = open_page()
    upload(page, demo)
    wait_for_result(page, "english-clean.flac")
    upload(page, long_recording)
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    expect(page.get_by_text(re.compile(r"\d+:\d\d of (59|1:00):\d\d"))).to_be_visible()
    # A slider answers while the engine works.
    page.get_by_label("End silence (ms): slider").fill("200")
    expect(page.locator(".vad-tiles dd").first).not_to_have_text("4")
    page.get_by_role("button", name="Stop", exact=True).click()
    # It takes a second at most; the rest is for a busy machine's browser.
    expect(page.get_by_text("Stopped.")).to_be_visible(timeout=5000)
    expect(bar).to_be_hidden()
    expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
    # The file need not be sent again.
    page.get_by_role("button", name="Try again").click()
    expect(bar).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped.")).to_be_visible(timeout=5000)
    page.get_by_role("button", name="English, clean").click()
    expect(page.get_by_role("button", name="Detect again")).to_be_enabled()


def test_two_visitors_do_not_hold_each_other_up(
    open_page: Any, demo: Path, long_recording: Path
) -> None:
    first, second = open_page(), open_page()
    upload(first, long_recording)
    expect(first.get_by_role("progressbar", name="Progress")).to_have_attribute(
        "aria-valuenow", re.compile("[0-9]")
    )
    upload(second, demo)
    expect(second.get_by_text("Waiting for the engine")).to_be_visible()
    # Whoever leaves gives the engine free.
    first.close()
    wait_for_result(second, "english-clean.flac")


def test_many_segments(open_page: Any, long_recording: Path) -> None:
    page = open_page()
    page.set_default_timeout(90_000)
    page.get_by_label("End silence (ms): slider").fill("150")
    upload(page, long_recording)
    expect(page.get_by_role("heading", name="long.wav")).to_be_visible(timeout=90_000)
    assert segment_count(page) > 1000
    rows = page.locator(".vad-table tbody tr")
    assert rows.count() < 300  # the rest comes when it is scrolled to
    expect(rows.first).to_contain_text("0:00:00.700")
    page.locator(".vad-table").evaluate("table => table.scrollTo(0, table.scrollHeight)")
    expect(rows.last.get_by_role("button")).to_have_text(str(segment_count(page)))
    expect(rows.last).to_contain_text("0:59:")
    assert rows.count() < 300
