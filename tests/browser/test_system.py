"""Memory, model and server: what is loaded can be unloaded, and the server ends when told."""

from __future__ import annotations

import contextlib
import re
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from .conftest import Server, serving


def engine_processes(server: Server) -> list[psutil.Process]:
    # multiprocessing keeps a small helper beside them.
    found = []
    for child in psutil.Process(server.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def megabytes(page: Any, label: str) -> int:
    text = page.locator(".vad-memory div").filter(has_text=label).locator("dd").inner_text()
    return int(text.removesuffix(" MB"))


def test_unload_gives_the_memory_back_and_sliders_still_work(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    page.get_by_role("button", name="English, clean").click()
    # It is the first of all: the model is loaded for it.
    heading = page.get_by_role("heading", name="english-clean.flac")
    expect(heading).to_be_visible(timeout=60_000)
    expect(page.locator(".vad-system-state")).to_contain_text("Model ready")
    # Both thresholds are in sight beside it, on a screen of 1440 x 900.
    for name in ("End silence (ms): slider", "Speech-noise threshold: slider"):
        expect(page.get_by_label(name)).to_be_in_viewport(ratio=1)
    before = engine_processes(server)
    assert before
    page.get_by_role("button", name="Unload model").click()
    expect(page.locator(".vad-system-message")).to_contain_text(
        re.compile(
            r"Unloaded.* \d\d+ MB → 0 MB, \d\d+ MB given back\. "
            r"Left: \d\d+ MB \(Python and own code \d+ MB; Framework \d+ MB; "
        )
    )
    expect(page.locator(".vad-system-state")).to_contain_text("Model not loaded")
    assert megabytes(page, "Engine process") == 0
    # One that drew spectrograms for a test before this ends by itself when nobody asks.
    psutil.wait_procs(before, timeout=30)
    assert not any(is_alive(process) for process in before)
    assert engine_processes(server) == []

    page.get_by_label("End silence (ms): slider").fill("150")
    expect(page.locator(".vad-tiles dd").first).not_to_have_text("4")
    expect(page.locator(".vad-system-state")).to_contain_text("Model not loaded")

    page.get_by_role("button", name="Detect again").click()
    expect(page.locator(".vad-system-state")).to_contain_text("Model ready")
    assert megabytes(page, "Engine process") > 20


def test_load_says_what_it_took(open_page: Any) -> None:
    page = open_page()
    unload = page.get_by_role("button", name="Unload model")
    load = page.get_by_role("button", name="Load model", exact=True)
    expect(unload.or_(load).and_(page.locator("button:enabled")).first).to_be_visible()
    if unload.is_enabled():
        unload.click()
    load.click()
    expect(page.locator(".vad-system-message")).to_contain_text(
        re.compile(r"Loaded in .* Engine: 0 MB → \d\d+ MB")
    )
    expect(load).to_be_disabled()
    expect(unload).to_be_enabled()
    # What was said of it is not left beside a model that somebody else unloads.
    address = page.url.split("?")[0] + "gradio_api/run/unload"
    asked = urllib.request.Request(
        address, data=b'{"data": []}', headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(asked).close()
    expect(page.locator(".vad-system-state")).to_contain_text("Model not loaded")
    expect(page.locator(".vad-system-message")).to_be_hidden()


def test_where_the_memory_is_adds_up_and_caches_can_be_cleared(open_page: Any) -> None:
    page = open_page()
    page.get_by_role("button", name="English, clean").click()
    expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
    page.get_by_text("Where the memory is").click()
    engine = page.locator(".vad-process").filter(has_text="Engine process")
    expect(engine.locator("dl").first).to_contain_text("USS")
    # A reading of while it was loading has one part.
    expect(engine.locator(".is-parts dd")).to_have_count(5)
    # One moment's figures: the panel is drawn anew every two seconds.
    own, *parts = engine.evaluate(
        """node => [
            node.querySelector("dl dd"), ...node.querySelectorAll(".is-parts dd"),
        ].map(({ textContent: size }) => parseInt(size) / (size.endsWith("kB") ? 1000 : 1))"""
    )
    assert len(parts) == 5 and parts[0] > 5
    assert abs(own - sum(parts)) <= len(parts)  # each is rounded for itself
    shares = page.locator('[data-stack="own"] i').evaluate_all(
        "parts => parts.map((part) => parseFloat(part.style.getPropertyValue('--share')))"
    )
    assert sum(shares) == pytest.approx(1, abs=0.001)

    kept = page.locator('[data-list="caches"] div').filter(has_text="Results kept")
    clear = page.get_by_role("button", name="Clear caches")
    page.once("dialog", lambda dialog: dialog.dismiss())
    clear.click()
    expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    clear.click()
    told = page.locator(".vad-system-message")
    expect(told).to_contain_text(re.compile(r"Results forgotten: \d+"))
    expect(kept.locator("dd")).to_have_text("0 MB")
    page.get_by_label("End silence (ms): slider").fill("150")
    expect(page.locator("#vad-note")).to_contain_text("no longer")


def test_gpu_button_is_off_with_its_reason_where_there_is_no_cuda(open_page: Any) -> None:
    page = open_page()
    page.get_by_text("Where the memory is").click()
    row = page.locator('[data-list="facts"] div').filter(has_text="GPU")
    expect(row.locator("dd")).not_to_be_empty()
    if "no CUDA device" in row.inner_text():
        button = page.get_by_role("button", name="Clear GPU cache")
        expect(button).to_be_disabled()
        expect(button).to_have_attribute("title", "Not available: no CUDA device.")
        expect(button).to_have_accessible_description("Not available: no CUDA device.")


def test_interrupt_ends_server_engine_and_files(
    open_page: Any, model_dir: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, model_dir, "onnx") as server:
        open_page.watch.host = server.url.removeprefix("http://")
        page = open_page(at=server.url)
        page.get_by_role("button", name="English, clean").click()
        expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
        children = engine_processes(server)
        assert children
        page.goto("about:blank")
        assert server.stop()
        assert server.process.returncode in (0, 130)
        assert not any(is_alive(child) for child in children)
        assert list((server.workspace / "pages").iterdir()) == []
        assert "Traceback" not in server.log.read_text()


def test_what_an_idle_model_gave_back_is_told(
    open_page: Any, model_dir: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, model_dir, "onnx", FSMN_VAD_IDLE_UNLOAD_S="1") as server:
        open_page.watch.host = server.url.removeprefix("http://")
        page = open_page(at=server.url)
        page.get_by_role("button", name="Load model", exact=True).click()
        message = page.locator(".vad-system-message")
        told = re.compile(r"^Unloaded, since nobody needed the model\..* 0 MB, \d+ MB given back")
        expect(message).to_contain_text(told, timeout=60_000)
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Clear caches").click()
        expect(message).to_contain_text("Cleared.")
        page.wait_for_timeout(5000)  # two more readings, which do not tell it again
        expect(message).to_contain_text("Cleared.")
        page.goto("about:blank")


def test_password(open_page: Any, model_dir: Path, tmp_path: Path) -> None:
    with serving(tmp_path, model_dir, "onnx", FSMN_VAD_PASSWORD="anna:geheim") as server:
        open_page.watch.host = server.url.removeprefix("http://")
        credentials = {"username": "anna", "password": "geheim"}
        page = open_page(at=server.url, http_credentials=credentials)
        page.get_by_role("button", name="English, clean").click()
        expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
        page.get_by_role("link", name="中文").click()  # one sign-in for both languages
        expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
        page.goto("about:blank")


@pytest.mark.funasr
def test_funasr_engine(open_page: Any, model_dir: Path, tmp_path: Path) -> None:
    with serving(tmp_path, model_dir, "funasr") as server:
        open_page.watch.host = server.url.removeprefix("http://")
        page = open_page(at=server.url)
        page.get_by_role("button", name="English, clean").click()
        expect(page.locator(".vad-status-words")).to_contain_text("Loading the model")
        heading = page.get_by_role("heading", name="english-clean.flac")
        expect(heading).to_be_visible(timeout=120_000)
        expect(page.locator(".vad-tiles dd").first).to_have_text("4")
        expect(page.locator(".vad-tiles")).to_contain_text("FunASR")
        page.get_by_role("button", name="Unload model").click()
        expect(page.locator(".vad-system-message")).to_contain_text("→ 0 MB")
        page.goto("about:blank")
