"""Batch on the page: dropped, followed, stopped, found again, taken away, opened."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

# Files that a script of the page makes are dropped like those of a file manager.
_DROP = """async ({ files, selector }) => {
    const carried = new DataTransfer();
    for (const [name, data] of files) {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        carried.items.add(new File([bytes], name));
    }
    const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
    document.querySelector(selector).dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "talks"
    folder.mkdir()
    for name in ("english-clean", "chinese-noisy", "two-voices-telephone"):
        shutil.copy(root / "assets" / "audio" / f"{name}.flac", folder)
    (folder / "broken.wav").write_text("no sound")
    return folder


def drop(page: Any, folder: Path) -> None:
    paths = sorted(folder.iterdir())
    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    page.evaluate(_DROP, {"files": files, "selector": "body"})


def rows(page: Any) -> Any:
    return page.locator(".vad-batch-list li")


def start(page: Any) -> None:
    page.get_by_role("button", name=re.compile("Start: |开始：")).click()


def test_dropped_files_equal_the_command_and_open_without_scoring(
    open_page: Any, folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    page = open_page()
    page.get_by_role("radio", name="Quick turn-taking").check()
    drop(page, folder)  # several, anywhere: a batch
    expect(page.get_by_role("tab", name="Batch")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".vad-batch-chosen b")).to_contain_text("Files: 4")
    page.get_by_role("checkbox", name="RTTM").check()
    start(page)
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=60_000)
    expect(rows(page)).to_have_count(4)
    broken = rows(page).filter(has_text="broken.wav")
    expect(broken).to_contain_text("failed")
    expect(broken).to_contain_text("not an audio or video file")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download results").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    found = {name: archive.read(name) for name in archive.namelist()}
    command = [sys.executable, "-m", "webui", "batch", str(folder), "--output", str(tmp_path)]
    given = ["--format", "json", "--format", "rttm", "--preset", "quick", "--engine", "onnx"]
    here = Path(__file__).parents[2]
    subprocess.run([*command, *given, "--workers", "1"], env=environment, cwd=here)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert found == written and len(found) == 7

    # Its address finds it again, and a row opens with its options, as it was scored.
    page.reload()
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="failed 1").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="All 4").click()
    page.get_by_role("button", name="Open in Detect: english-clean.flac").click()
    expect(page.locator(".vad-file")).to_have_text("english-clean.flac")
    expect(page.locator("#vad-option-max_end_silence_time input[type=number]")).to_have_value("300")
    expect(page).to_have_url(re.compile("batch="))
    # Back leads to the batch, and forward to the result.
    expect(page).to_have_url(re.compile("r="))
    page.go_back()
    expect(page.get_by_role("tab", name="Batch")).to_have_attribute("aria-selected", "true")
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="Open in Detect: chinese-noisy.flac").click()
    expect(page.locator(".vad-file")).to_have_text("chinese-noisy.flac")
    expect(page).to_have_url(re.compile("r="))
    page.get_by_role("tab", name="Batch").click()
    page.get_by_role("button", name="Open in Detect: english-clean.flac").click()
    expect(page.locator(".vad-file")).to_have_text("english-clean.flac")
    page.go_back()
    expect(page.locator(".vad-file")).to_have_text("chinese-noisy.flac")
    expect(page.get_by_role("tab", name="Batch")).to_have_attribute("aria-selected", "true")
    page.go_forward()
    expect(page.get_by_role("tab", name="Detect")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".vad-file")).to_have_text("english-clean.flac")

    # So does the history, as long as it is there.
    batch_tab = page.get_by_role("tab", name="Batch")
    batch_tab.click()
    page.get_by_role("button", name="New batch").click()
    expect(page).not_to_have_url(re.compile("batch="))
    noted = page.locator(".vad-history-list li").filter(has_text="broken.wav (3/4)").first
    page.get_by_role("tab", name="History").click()
    noted.get_by_role("button", name="Open: broken.wav").click()
    expect(batch_tab).to_have_attribute("aria-selected", "true")
    expect(rows(page)).to_have_count(4)
    expect(page).to_have_url(re.compile("batch="))

    # All that there is of it goes.
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("group", name="Delete its files").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    expect(page).not_to_have_url(re.compile("batch="))
    silence = page.locator("#vad-option-max_end_silence_time input[type=number]")
    page.get_by_role("radio", name="FunASR default").check()
    expect(silence).to_have_value("800")
    page.get_by_role("tab", name="History").click()
    expect(noted).not_to_contain_text("gone")
    noted.get_by_role("button", name="Take its options").click()
    expect(batch_tab).to_have_attribute("aria-selected", "true")
    expect(silence).to_have_value("300")


def test_stop_ends_it_and_what_is_done_stays(open_page: Any, folder: Path) -> None:
    page = open_page("/?tab=batch")
    # The second one is on its way for ever.
    page.route("**/uploads?*name=english-clean*", lambda route: None)
    drop(page, folder)
    start(page)
    expect(rows(page).filter(has_text="chinese-noisy")).to_contain_text("done", timeout=60_000)
    expect(rows(page).filter(has_text="english-clean")).to_contain_text("sending")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=60_000)
    expect(rows(page).filter(has_text="english-clean")).to_contain_text("not reached")
    about = page.locator(".vad-batch-about")
    expect(about).to_contain_text(re.compile("[23] of 4 files, [12] not reached"))
    expect(page.locator(".vad-batch-made")).to_have_text("ONNX Runtime · default options · as JSON")
    expect(page.get_by_role("link", name="Download results")).to_be_visible()
    # On the same line as the card beside.
    tops = [page.locator(name).bounding_box()["y"] for name in (".vad-batch-run", ".vad-tuning")]
    assert tops[0] == tops[1]

    # Another page goes on with it: this one says so by itself.
    batch_id = page.url.partition("batch=")[2].partition("&")[0]
    go_on = f"{page.url.partition('?')[0]}batches/{batch_id}/go_on"
    assert page.request.post(go_on).ok
    expect(page.get_by_role("heading", name="Running")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=60_000)

    # It goes on with what this page still has.
    page.unroute("**/uploads?*name=english-clean*")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=60_000)
    expect(about).to_contain_text("4 of 4 files")
    expect(rows(page).filter(has_text="english-clean")).to_contain_text("done")
    page.get_by_role("button", name="New batch").click()
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()


def test_why_it_cannot_begin_is_said_and_no_file_is_taken_twice(
    open_page: Any, folder: Path
) -> None:
    page = open_page("/?tab=batch")
    begin = page.locator(".vad-batch-start")
    expect(begin).to_be_disabled()
    expect(begin).to_have_accessible_description("Choose files or a folder first.")

    def choose(*names: str) -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose files").click()
        chooser.value.set_files([folder / name for name in names])

    choose("broken.wav", "english-clean.flac")
    expect(begin).to_be_enabled()
    page.get_by_role("checkbox", name="JSON").uncheck()
    expect(begin).to_be_disabled()
    expect(begin).to_have_accessible_description(re.compile("at least one format"))
    page.get_by_role("checkbox", name="RTTM").check()
    expect(begin).to_be_enabled()
    choose("english-clean.flac", "chinese-noisy.flac")
    expect(page.locator(".vad-batch-chosen b")).to_contain_text("Files: 3")
    expect(page.get_by_text("taken once: english-clean.flac")).to_be_visible()
    choose("two-voices-telephone.flac")
    expect(page.get_by_text("taken once")).to_be_hidden()


def test_what_was_left_by_a_page_that_is_gone_is_said(open_page: Any, folder: Path) -> None:
    page = open_page("/?tab=batch")
    page.route("**/uploads?*name=english-clean*", lambda route: None)
    drop(page, folder)
    start(page)
    expect(rows(page).filter(has_text="chinese-noisy")).to_contain_text("done", timeout=60_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=60_000)
    page.reload()
    expect(page.get_by_text("chosen on a page that is gone")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()


def test_a_page_loaded_anew_while_it_sends_says_so(open_page: Any, folder: Path) -> None:
    page = open_page("/?tab=batch")
    page.on("dialog", lambda dialog: dialog.accept())
    page.route("**/uploads?*name=english-clean*", lambda route: None)
    drop(page, folder)
    start(page)
    expect(rows(page).filter(has_text="chinese-noisy")).to_contain_text("done", timeout=60_000)
    page.reload()
    expect(page.get_by_text("chosen on a page that is gone")).to_be_visible()
    expect(page.locator(".vad-batch-about")).not_to_contain_text("left")
    # Nobody waits for them: it ends by itself.
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=60_000)
    expect(rows(page).filter(has_text="english-clean")).to_contain_text("It was not sent")
    expect(page.get_by_text("chosen on a page that is gone")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()


def test_folders_of_the_server_are_closed_unless_named(open_page: Any, folder: Path) -> None:
    page = open_page("/?tab=batch")
    expect(page.get_by_label("Or a folder of the server")).to_be_hidden()
    answer = page.request.post(
        page.url.split("?")[0] + "batches", data={"folder": str(folder), "formats": ["json"]}
    )
    assert answer.status == 400 and "no such folder" in answer.text()


@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits(open_page: Any, folder: Path, width: int) -> None:
    page = open_page("/zh/?tab=batch", viewport={"width": width, "height": 844}, locale="zh-CN")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="选择文件", exact=True).click()
    chooser.value.set_files(sorted(folder.iterdir()))
    expect(page.locator(".vad-batch-chosen")).to_contain_text("4 个文件")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    start(page)
    expect(page.get_by_role("heading", name="已完成")).to_be_visible(timeout=60_000)
    page.get_by_text("含音频").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        """() => [...document.querySelectorAll('.vad-batch-run *')].every((node) => {
            const inner = node.getBoundingClientRect();
            const outer = node.closest('.vad-batch-run').getBoundingClientRect();
            return !inner.width || (inner.right <= outer.right + 1 && inner.left >= outer.left - 1);
        })"""
    )
