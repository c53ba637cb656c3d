"""The server's log: one line an event, bounded; the health check answers whatever happens."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from webui.ui import health
from webui.ui.server_log import Bounded


def record(text: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("webui.a", logging.WARNING, "a.py", 1, text, values, None)


def test_of_one_kind_ten_a_minute_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    bounded = Bounded()
    passed = [bounded.filter(record("refused: %s", n)) for n in range(25)]
    assert passed == [True] * 10 + [False] * 15
    assert bounded.filter(record("ended: %s", 1))  # another kind
    now += 61
    late = record("refused: %s", "x")
    assert bounded.filter(late)
    assert late.getMessage() == "refused: x (15 more of this kind were left out)"
    again = record("refused: %s", "y")
    assert bounded.filter(again) and again.getMessage() == "refused: y"


@pytest.mark.parametrize(
    ("error", "has_traceback"),
    [(RuntimeError("can't start new thread"), False), (MemoryError(), False), (KeyError(1), True)],
)
def test_the_health_check_refuses_whatever_goes_wrong(
    error: Exception, has_traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise error

    studio = SimpleNamespace(engine=SimpleNamespace(health=fail))
    with TestClient(Starlette(routes=health.routes(studio))) as client:  # type: ignore[arg-type]
        answer = client.get("/healthz")
    assert (answer.status_code, json.loads(answer.content)) == (503, {"state": "refusing"})
    (line,) = [each for each in caplog.records if each.name == "webui.ui.health"]
    assert bool(line.exc_info) is has_traceback
