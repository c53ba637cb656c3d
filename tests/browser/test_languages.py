"""A page in one language from the first paint on, at every width, light and dark."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("locale", ["zh-CN", "zh-HK", "zh"])
def test_chinese_browser_gets_chinese(open_page: Any, locale: str) -> None:
    page = open_page(locale=locale)
    assert page.url.endswith("/zh/")
    assert HAN.search(page.title())
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    expect(page.get_by_role("button", name="选择文件")).to_be_visible()
    page.get_by_role("button", name="中文 · 清晰").click()
    expect(page.locator(".vad-tiles dd").first).to_have_text("5")
    # Names of things stay as they are; nothing else is in Latin letters.
    text = page.locator("body").inner_text()
    words = set(re.findall(r"[A-Za-z]{4,}", text))
    assert words <= {
        *("FSMN", "Studio", "FunASR", "ONNX", "Runtime", "FLAC", "Opus", "WebM", "CUDA"),
        *("JSON", "Python", "Ctrl", "Enter", "chinese", "clean", "flac"),
    }


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR", "ja-JP"])
def test_other_browsers_get_english(open_page: Any, locale: str) -> None:
    page = open_page(locale=locale)
    assert page.title() == "FSMN-VAD Studio"
    assert page.locator("html").get_attribute("lang") == "en"
    assert HAN.sub("", page.locator("body").inner_text().replace("中文", "")) == page.locator(
        "body"
    ).inner_text().replace("中文", "")


def test_error_is_in_the_page_s_language(open_page: Any, tmp_path: Any) -> None:
    page = open_page(locale="zh-CN")
    empty = tmp_path / "空.wav"
    empty.write_bytes(b"")
    page.locator("input[type=file]").first.set_input_files(empty)
    expect(page.get_by_role("alert").filter(has_text="空.wav")).to_contain_text("空文件")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(open_page: Any, scheme: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.get_by_role("button", name="English, clean").click()
    expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    # The system panel is a bar that opens.
    bar = page.get_by_role("button", name="Show or hide the system panel")
    expect(bar).to_be_in_viewport()
    expect(bar).to_contain_text("Model ready")
    expect(page.get_by_role("button", name="Unload model")).to_be_hidden()
    bar.click()
    expect(page.get_by_role("button", name="Unload model")).to_be_visible()
    bar.click()
    expect(page.get_by_role("button", name="Unload model")).to_be_hidden()


def test_everything_can_be_named_and_reached_by_keyboard(open_page: Any) -> None:
    page = open_page()
    page.get_by_role("button", name="English, clean").click()
    expect(page.get_by_role("heading", name="english-clean.flac")).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, a[href], audio")]
            .filter((node) => node.checkVisibility())
            .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() ||
                (node.labels && node.labels.length) || node.title))
            .map((node) => node.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
    seen = set()
    page.locator("body").press("Tab")
    for _ in range(110):  # once around the page
        seen.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 40)"))
        page.keyboard.press("Tab")
    assert {"Choose a file", "Record", "English, clean", "Unload model", "中文", "JSON"} <= seen
