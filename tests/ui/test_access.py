"""Sign-in, and the address that is listened on."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from webui.errors import PortTakenError, SettingsError
from webui.settings import Settings
from webui.ui.access import PasswordGate, check_exposure
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
