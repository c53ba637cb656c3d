"""The output directory of a batch, interrupted where it hurts most."""

from __future__ import annotations

import contextlib

import pytest

import webui.batch.store
from webui.batch.store import Record, Store


class Killed(BaseException):
    """As kill -9 does, it leaves no time for anything."""


def record(order, *names):
    return Record(order, {"path": "/a.wav"}, dict.fromkeys(names, 1), {"segments": 1})


def test_killed_between_two_files_they_are_taken_for_no_other_order(tmp_path, monkeypatch):
    """New results may be as long as those of before, which the journal still had."""
    names = ("a.json", "a.rttm", "a.csv")
    with Store(tmp_path) as store:
        store.write("a", dict.fromkeys(names, b"1"), record("first", *names))
    appearing = webui.batch.store.appearing

    @contextlib.contextmanager
    def once(place, pending):
        if place.name == "a.rttm":
            raise Killed
        with appearing(place, pending) as stream:
            yield stream

    with pytest.raises(Killed), Store(tmp_path) as store:
        monkeypatch.setattr(webui.batch.store, "appearing", once)
        monkeypatch.setattr(store, "_compact", lambda: None)
        store.write("a", dict.fromkeys(names[:2], b"2"), record("second", *names[:2]))
    monkeypatch.undo()
    assert (tmp_path / "a.json").read_bytes() == b"2"
    with Store(tmp_path) as store:
        found = store.find("a")
        assert found is not None and found.order_key not in ("first", "second")
        # And none is forgotten: of yet another order, all of these go.
        store.write("a", {"a.srt": b"3"}, record("third", "a.srt"))
    assert {path.name for path in tmp_path.glob("a.*")} == {"a.srt"}
