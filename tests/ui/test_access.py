"""Sign-in, and the address that is listened on."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from gradio.route_utils import CustomCORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from webui.errors import PortTakenError, SettingsError
from webui.settings import Settings
from webui.ui.access import PasswordGate, RequestGate, check_exposure
from webui.ui.app import check_port


def guarded() -> TestClient:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("inside")(scope, receive, send)

    return TestClient(PasswordGate(app, "anna:geheim 密码"))


def test_sign_in() -> None:
    client = guarded()
    refused = client.get("/results/x/audio")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert client.get("/", auth=("anna", "wrong")).status_code == 401
    assert client.get("/", auth=("anna", "geheim 密码".encode())).text == "inside"  # type: ignore[arg-type]
    for header in ("Basic", "Basic ???", "Basic YQ==", "Bearer x"):
        assert client.get("/", headers={"authorization": header}).status_code == 401


def test_other_machines_need_a_password() -> None:
    with pytest.raises(SettingsError, match="user:password"):
        check_exposure(Settings(host="0.0.0.0"))
    check_exposure(Settings(host="0.0.0.0", password="a:b"))
    for host in ("127.0.0.1", "localhost", "::1"):
        check_exposure(Settings(host=host))


def answering(**settings: Any) -> TestClient:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("inside")(scope, receive, send)

    return TestClient(RequestGate(app, Settings(**settings)))


@pytest.mark.parametrize(
    ("host", "is_let_in"),
    [
        ("127.0.0.1:7860", True),
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("[::1]:7860", True),
        ("[::1]", True),
        ("evil.example", False),
        ("evil.example:7860", False),
        ("127.0.0.1.evil.example", False),
        ("localhost:evil.example", False),
        ("", False),
    ],
)
def test_page_of_this_machine_goes_by_no_other_name(host: str, is_let_in: bool) -> None:
    answer = answering().get("/results/x/audio", headers={"host": host, "accept-language": "zh"})
    assert answer.status_code == (200 if is_let_in else 421)
    assert is_let_in or "仅供本机访问" in answer.text
    for settings in ({"host": "0.0.0.0"}, {"password": "a:b"}):
        assert answering(**settings).get("/", headers={"host": host}).text == "inside"


def test_gradio_s_own_routes_for_files_are_closed() -> None:
    client = answering(host="0.0.0.0")
    for path in ("/zh/gradio_api/upload", "/gradio_api/upload/?x=1", "/gradio_api/upload_progress"):
        assert client.post(path, content=b"1").status_code == 404
    for path in ("file=/etc/hostname", "file=http://127.0.0.1/x", "file/x", "proxy=http://a/b"):
        assert client.get(f"/gradio_api/{path}").status_code == 404
    assert client.post("/gradio_api/process_recording", content=b"1").status_code == 404
    assert client.put("/uploads", content=b"1").status_code == 200
    # This one is the server's own, which counts.
    assert client.post("/gradio_api/upload", content=b"1").status_code == 200


@pytest.mark.parametrize("settings", [{}, {"host": "0.0.0.0", "password": "a:b"}])
def test_no_answer_may_be_read_by_a_page_of_another_site(settings: dict[str, Any]) -> None:
    # As Gradio does it, which lets all of them, with the visitor's sign-in.
    app = CustomCORSMiddleware(PlainTextResponse("inside"))
    client = TestClient(RequestGate(app, Settings(**settings)))
    host = "vad.example" if settings else "localhost:7860"
    for origin in ("https://evil.example", "http://localhost:3000", f"https://{host}"):
        headers = {"host": host, "origin": origin}
        answer = client.get("/gradio_api/info", headers=headers)
        asked = client.options("/", headers={**headers, "access-control-request-method": "POST"})
        assert (answer.text, asked.status_code) == ("inside", 200)
        for told in (answer.headers, asked.headers):
            assert not [name for name in told if name.startswith("access-control-")]


def opened(headers: dict[str, str], **settings: Any) -> int:
    """Status of a WebSocket's handshake with these headers, 101 where it is let in."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.close()

    behind = RequestGate(app, Settings(**settings))
    password = settings.get("password")
    client = TestClient(PasswordGate(behind, password) if password else behind)
    try:
        with client.websocket_connect("/stream", headers=headers):
            return 101
    except WebSocketDenialResponse as refused:
        return refused.status_code


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (None, "127.0.0.1:7860", 101),  # a program
        ("http://127.0.0.1:7860", "127.0.0.1:7860", 101),
        ("http://LOCALHOST", "localhost", 101),
        ("http://localhost", "localhost:80", 101),
        ("http://[::1]:7860", "[::1]:7860", 101),
        (None, "evil.example", 421),
        ("http://evil.example", "evil.example", 421),
        ("http://evil.example", "127.0.0.1:7860", 403),
        ("http://localhost:7860", "127.0.0.1:7860", 403),
        ("http://127.0.0.1:7861", "127.0.0.1:7860", 403),
        ("null", "127.0.0.1:7860", 403),
        ("", "127.0.0.1:7860", 403),
        ("file://", "127.0.0.1:7860", 403),
        ("http://[::1", "[::1", 421),
        ("http://[bad", "127.0.0.1", 403),
    ],
)
def test_streams_are_for_this_page_and_for_programs(
    origin: str | None, host: str, status: int
) -> None:
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    assert opened(headers) == status


def test_streams_behind_a_proxy_and_a_password() -> None:
    behind = {"host": "10.0.0.1:7860", "origin": "https://vad.example"}
    for headers, status in (
        ({"host": "vad.example", "origin": "https://vad.example"}, 101),
        ({"host": "vad.example:443", "origin": "https://vad.example"}, 101),
        (behind, 403),
        (behind | {"x-forwarded-host": "vad.example"}, 101),
        (behind | {"x-forwarded-host": "other.example"}, 403),
    ):
        assert opened(headers, host="0.0.0.0", password="a:b") == 401
        signed_in = headers | {"authorization": "Basic YTpi"}
        assert opened(signed_in, host="0.0.0.0", password="a:b") == status


@pytest.mark.parametrize(
    ("host", "says", "says_zh"),
    [
        ("no.such.host.invalid", "no host named", "找不到主机"),
        ("a..b", "no host named", "找不到主机"),
        ("192.0.2.1", "no address of this machine", "不是本机的地址"),
    ],
)
def test_address_that_cannot_be_listened_on(host: str, says: str, says_zh: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        check_port(host, 7860)
    assert not isinstance(caught.value, PortTakenError)
    assert says_zh in caught.value.message("zh")


def test_port_that_needs_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(SettingsError, match="1024") as caught:
        check_port("127.0.0.1", 80)
    assert "没有权限" in caught.value.message("zh")


def test_taken_port_is_told_with_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            check_port("127.0.0.1", port)
    other = caught.value.details["other"]
    assert isinstance(other, int) and other != port
    check_port("127.0.0.1", other)
