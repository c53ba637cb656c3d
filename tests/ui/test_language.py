"""Which language a visitor gets."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.testclient import TestClient

from webui.ui.language import LanguageGate, PageHead, preferred_language

PAGE = (
    '<!doctype html><html lang="en"><head><meta property="og:title" content="Gradio" />'
    "</head><body>{path}</body></html>"
)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-HK,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr-FR,zh-CN;q=0.5", "zh"),
        ("fr,de", "en"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=...,,;;", "en"),
        ("*", "en"),
    ],
)
def test_accept_language(header: str, language: str) -> None:
    assert preferred_language(header) == language


def client(language: str = "auto") -> TestClient:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        is_page = path in ("/", "/zh/")
        response = HTMLResponse(PAGE.format(path=path)) if is_page else PlainTextResponse(path)
        await response(scope, receive, send)

    heads = {
        "en": PageHead("Title", "About", "run('[[locale]]')", "icon"),
        "zh": PageHead("标题 <", "关于", "run('[[locale]]')", "icon"),
    }
    return TestClient(LanguageGate(app, heads, language), follow_redirects=False)


def test_browser_language_leads_to_its_page() -> None:
    answer = client().get("/?r=1", headers={"accept-language": "zh-CN"})
    assert answer.status_code == 307
    assert answer.headers["location"] == "./zh/?r=1"
    assert client().get("/", headers={"accept-language": "en"}).status_code == 200


def test_choice_is_remembered_and_wins() -> None:
    visitor = client()
    answer = visitor.get("/zh/?lang=en&r=1&max=2")
    assert (answer.status_code, answer.headers["location"]) == (307, "../?r=1&max=2")
    assert visitor.get("/", headers={"accept-language": "zh"}).status_code == 200


def test_address_that_names_its_language_is_taken_at_its_word() -> None:
    assert client().get("/zh/", headers={"accept-language": "en"}).status_code == 200


def test_setting_holds_where_nothing_was_chosen() -> None:
    answer = client("zh").get("/", headers={"accept-language": "en"})
    assert answer.headers["location"] == "./zh/"
    assert client("en").get("/", headers={"accept-language": "zh"}).status_code == 200


def test_page_has_its_language_title_and_script_from_the_first_byte() -> None:
    page = client().get("/zh/").text
    assert '<html lang="zh-CN">' in page
    assert "<head><title>标题 &lt;</title>" in page
    assert "run('zh-CN')" in page
    assert "Gradio" not in page


def test_other_paths_are_left_alone() -> None:
    assert client().get("/zh/other", headers={"accept-language": "zh"}).text == "/zh/other"
    assert client().post("/", headers={"accept-language": "zh"}).status_code == 200
    assert client().get("/zh").headers["location"] == "./zh/"
