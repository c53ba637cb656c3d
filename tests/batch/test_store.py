"""The output directory of a batch, interrupted where it hurts most."""

from __future__ import annotations

import contextlib
import json

import pytest

import webui.batch.store
from webui.batch.naming import STATE
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


def test_killed_after_a_further_format_its_file_is_known_and_not_done(tmp_path, monkeypatch):
    with Store(tmp_path) as store:
        store.write("a", {"a.json": b"1"}, record("first", "a.json"))
    with pytest.raises(Killed), Store(tmp_path) as store:
        monkeypatch.setattr(store, "_compact", lambda: None)
        remember = store._remember

        def once(stem, noted):
            if (tmp_path / "a.csv").exists():
                raise Killed
            remember(stem, noted)

        monkeypatch.setattr(store, "_remember", once)
        store.write("a", {"a.csv": b"1"}, record("first", "a.csv"))
    with Store(tmp_path) as store:
        assert store.first_foreign(["a.json", "a.csv"]) is None
        found = store.find("a")
        assert found is not None
        assert store.has(found, ["a.json"]) and not store.has(found, ["a.csv"])


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"files": {"a.json": 1}', b'"files": [1]'),
        (b'"segments"', b'"segmemts"'),
        (b'"stem": "a"', b'"stem": null'),
        (b'"a.json": 1', b'"a.json": 2'),
        (b"{", b""),
        (b"1}, ", b"1\n}, "),
    ],
)
def test_damaged_lines_of_the_journal_are_none(tmp_path, was, becomes):
    """Whatever they still look like; the others stay."""
    with Store(tmp_path) as store:
        for stem in "ab":
            file = f"{stem}.json"
            store.write(stem, {file: b"1"}, record("first", file))
    journal = tmp_path / STATE / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2 and was in lines[0]
    assert json.loads(lines[0].partition(b" ")[2])["stem"] == "a"
    journal.write_bytes(lines[0].replace(was, becomes, 1) + lines[1])
    with Store(tmp_path) as store:
        assert store.find("a") is None
        assert store.find("b") == record("first", "b.json")
