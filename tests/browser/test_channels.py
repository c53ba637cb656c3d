"""Two channels, each for itself, on the real page: lanes, table, overlap, exports, A beside B."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.browser.test_detect import wait_for_result
from webui.vad.overlap import overlap
from webui.vad.segment import EndReason, Segment

FILE = "two-voices-telephone.flac"


def choose_channel(page: Any, name: str, label: str = "Channel") -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=name, exact=True).click()


def telephone(open_page: Any, path: str = "/", **context: Any) -> Any:
    page = open_page(path, **context)
    choose_channel(page, "Each for itself")
    page.get_by_role("button", name="Telephone, stereo").click()
    # The first of all has to wait for the model.
    expect(page.get_by_role("heading", name=FILE)).to_be_visible(timeout=60_000)
    wait_for_result(page, FILE)
    return page


def shown(page: Any) -> dict[str, Any]:
    result: dict[str, Any] = page.evaluate("window.vadResult")
    return result


def tile(page: Any, label: str) -> Any:
    return page.locator(".vad-tiles > div", has=page.get_by_text(label, exact=True))


def table_rows(page: Any) -> int:
    return int(page.get_by_role("grid").get_attribute("aria-rowcount")) - 1


def segments(rows: list[list[Any]]) -> list[Segment]:
    return [Segment(start, end, 1.0, EndReason.SILENCE) for start, end, *_ in rows]


def spans(track: dict[str, Any]) -> list[list[int]]:
    return [row[:2] for row in track["rows"]]


def test_each_channel_has_a_lane_and_a_table(open_page: Any) -> None:
    page = telephone(open_page)
    result = shown(page)
    left, right = result["tracks"]
    assert (left["channel"], right["channel"]) == ("left", "right")
    assert spans(left) != spans(right) and spans(left) and spans(right)
    captions = page.locator(".vad-captions")
    expect(captions).to_contain_text("Left · Waveform")
    expect(captions).to_contain_text("Right · Waveform")
    expect(page.get_by_text("left and right, each for itself")).to_be_visible()
    counts = [len(track["rows"]) for track in (left, right)]
    expect(tile(page, "Segments")).to_contain_text(f"{sum(counts)}")
    expect(tile(page, "Segments")).to_contain_text(f"Left {counts[0]} · Right {counts[1]}")
    # The table shows one of them, and says which.
    choice = page.get_by_role("group", name="Channel in the table")
    for name, track in (("Left", left), ("Right", right)):
        button = choice.get_by_role("button", name=name)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        assert table_rows(page) == len(track["rows"])
        start = track["rows"][0][0]
        first = page.get_by_role("grid").locator("tbody tr").first
        expect(first).to_contain_text(f"{start // 1000:02d}.{start % 1000:03d}")


def test_overlap_is_marked_and_counted(open_page: Any) -> None:
    page = telephone(open_page)
    result = shown(page)
    found = [tuple(span) for span in result["overlap"]]
    left, right = (segments(track["rows"]) for track in result["tracks"])
    assert found == list(overlap(left, right)) and found
    both_s = sum(end - start for start, end in found) / 1000
    expect(tile(page, "Both speak")).to_contain_text(f"{both_s:.2f} s")
    # The lane of the waveform has another colour there than where one speaks alone.
    start, end = found[0]
    alone = next(row[0] for row in result["tracks"][0]["rows"][1:])
    colour = """([ms, duration]) => {
        const canvas = document.querySelector("canvas.vad-lanes");
        const x = Math.round((ms / duration) * canvas.width);
        const y = Math.round(46 * (canvas.height / canvas.clientHeight)); // high in the first lane
        return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].join();
    }"""
    at = [(start + end) / 2, alone + 300]
    inside, outside = (page.evaluate(colour, [ms, result["duration_ms"]]) for ms in at)
    assert inside != outside


def test_tuning_moves_both_channels(open_page: Any) -> None:
    page = telephone(open_page)
    before = shown(page)
    page.get_by_label("End silence (ms): slider").fill("150")
    page.wait_for_function("window.vadResult.options.max_end_silence_time === 150")
    after = shown(page)
    for track in (0, 1):
        assert spans(after["tracks"][track]) != spans(before["tracks"][track])
    # The strips count both together, as the result does.
    total = sum(len(track["rows"]) for track in after["tracks"])
    expect(page.locator(".vad-strip.is-waiting")).to_have_count(0)
    strip = page.get_by_role("slider", name=re.compile("^Segments and speech share by End"))
    expect(strip).to_have_attribute("aria-valuetext", re.compile(f"^150 ms: {total} segments"))


def test_a_has_a_lane_on_each_channel(open_page: Any) -> None:
    page = telephone(open_page)
    before = [len(track["rows"]) for track in shown(page)["tracks"]]
    page.get_by_role("button", name="Keep as A").click()
    page.get_by_label("End silence (ms): slider").fill("200")
    page.wait_for_function("window.vadResult.options.max_end_silence_time === 200")
    panel = page.get_by_role("region", name="Compare two settings")
    found = panel.get_by_role("list", name="Differences between A and B").get_by_role("button")
    expect(found.first).to_be_visible()
    result = shown(page)
    kept = result["kept"]
    assert [len(rows) for rows in kept["tracks"]] == before
    after = [len(track["rows"]) for track in result["tracks"]]
    assert kept["counts"] == [sum(before), sum(after)]
    expect(panel.get_by_role("row", name=f"Segments {sum(before)} {sum(after)}")).to_be_visible()
    assert {track for *_, track in kept["differences"]} == {0, 1}
    assert kept["differences"] == sorted(kept["differences"])
    for place, (*_, track) in enumerate(kept["differences"][:4]):
        expect(found.nth(place)).to_contain_text(("Left", "Right")[track])
    expect(page.locator(".vad-captions span", has_text=re.compile("^A$"))).to_have_count(2)
    # The figure has the lanes of A, too.
    address = page.get_by_role("link", name="Download as SVG").get_attribute("href")
    assert "segments of A" in page.request.get(address).text()


def test_exports_name_the_channel_and_the_overlap(open_page: Any) -> None:
    page = telephone(open_page)
    result = shown(page)
    texts = {}
    for kind in ("JSON", "CSV", "SVG", "PNG", "PDF"):
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download as {kind}").click()
        assert download.value.suggested_filename == f"{Path(FILE).stem}.{kind.lower()}"
        texts[kind] = Path(download.value.path()).read_bytes()
    read = json.loads(texts["JSON"])
    assert read["audio"]["channel"] == "each"
    assert [[o["start_ms"], o["end_ms"]] for o in read["overlap"]] == result["overlap"]
    rows = list(csv.DictReader(io.StringIO(texts["CSV"].decode("utf-8-sig"), newline="")))
    for track in result["tracks"]:
        name = track["channel"]
        of_json = [s for s in read["segments"] if s["channel"] == name]
        assert [[s["start_ms"], s["end_ms"]] for s in of_json] == spans(track)
        of_csv = [row for row in rows if row["channel"] == name]
        assert [[int(r["start_ms"]), int(r["end_ms"])] for r in of_csv] == spans(track)
    both_ms = sum(end - start for start, end in result["overlap"])
    for name in ("left", "right"):
        assert sum(int(r["overlap_ms"]) for r in rows if r["channel"] == name) == both_ms
    assert b"both speak" in texts["SVG"]
    assert texts["PNG"].startswith(b"\x89PNG") and texts["PDF"].startswith(b"%PDF")


@pytest.mark.parametrize(("name", "channel"), [("Left", "left"), ("Right", "right")])
def test_one_channel_alone_gives_what_it_gives_beside_the_other(
    open_page: Any, name: str, channel: str
) -> None:
    page = telephone(open_page)
    beside = {track["channel"]: spans(track) for track in shown(page)["tracks"]}
    choose_channel(page, name)
    page.get_by_role("button", name="Detect again").click()
    page.wait_for_function("window.vadResult.tracks.length === 1")
    (track,) = shown(page)["tracks"]
    assert (track["channel"], spans(track)) == (channel, beside[channel])
    expect(page.get_by_role("group", name="Channel in the table")).to_be_hidden()
    expect(tile(page, "Both speak")).to_have_count(0)
    assert f"channel={channel}" in page.evaluate("window.vadResult.query")


def test_a_link_carries_the_channel_and_a(open_page: Any) -> None:
    page = telephone(open_page)
    page.get_by_role("button", name="Keep as A").click()
    page.get_by_label("End silence (ms): slider").fill("300")
    page.wait_for_function("window.vadResult.options.max_end_silence_time === 300")
    page.wait_for_function("location.search.includes('max_end_silence_time=300')")
    before = shown(page)
    assert before["kept"]["count"]
    again = open_page("/" + page.url.split("/", 3)[3])
    wait_for_result(again, FILE)
    after = shown(again)
    assert (after["tracks"], after["kept"]) == (before["tracks"], before["kept"])
    expect(again.get_by_label("Channel", exact=True)).to_have_value("Each for itself")
    # And what is copied for a terminal names the channel.
    again.get_by_text("Copy these settings").click()
    boxes = again.locator(".vad-share-list")
    expect(boxes).to_contain_text("--channel each")
    expect(boxes).to_contain_text("score_tracks('two-voices")


def test_settings_in_an_address_need_no_result(open_page: Any) -> None:
    page = open_page("/?channel=each&max_end_silence_time=350&dynamic_silence=true")
    expect(page.get_by_label("End silence (ms): slider")).to_have_value("350")
    expect(page.get_by_label("Channel", exact=True)).to_have_value("Each for itself")
    page.get_by_role("button", name="Telephone, stereo").click()
    wait_for_result(page, FILE)
    options = shown(page)["options"]
    assert options["max_end_silence_time"] == 350 and options["dynamic_silence"] is True
    told = open_page("/?max_end_silence_time=7")
    expect(
        told.get_by_text(re.compile("max_end_silence_time.*between 150 and 6000"))
    ).to_be_visible()


def test_in_chinese_on_a_phone(open_page: Any) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page("/zh/", **phone)
    choose_channel(page, "各声道分别检测", "声道")
    page.get_by_role("button", name="电话 · 双声道").click()
    wait_for_result(page, FILE)
    expect(page.get_by_role("group", name="表格中的声道").get_by_role("button")).to_have_count(2)
    expect(tile(page, "同时说话")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
