"""What the page keeps is bounded, and files go with what they belong to."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.ui.session import Recording, RunningJobs, ScoreCache, Workspace, safe_name


@dataclass
class Scores:
    size_bytes: int


ANYWHERE = Recording(Path("nowhere"), is_owned=False)


@given(st.lists(st.integers(0, 60_000), max_size=40), st.integers(5_000, 100_000))
def test_cache_never_holds_more_than_it_may_but_always_the_newest(
    sizes: list[int], bound: int
) -> None:
    cache = ScoreCache(bound)
    for size in sizes:
        newest = cache.put(ANYWHERE, Scores(size))  # type: ignore[arg-type]
        assert cache.get(newest) is not None
        assert cache.size_bytes <= bound or len(cache) == 1


def test_least_recently_used_goes_first() -> None:
    cache = ScoreCache(3 * (4096 + 1000))
    first, second, third = (cache.put(ANYWHERE, Scores(1000)) for _ in range(3))  # type: ignore[arg-type]
    cache.get(first)
    cache.put(ANYWHERE, Scores(1000))  # type: ignore[arg-type]
    assert cache.get(second) is None
    assert cache.get(first) and cache.get(third)


def test_forgetting_a_result_deletes_its_upload(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    cache = ScoreCache(6000)
    upload_id, path = workspace.place("a.wav")
    path.write_bytes(b"1")
    recording = workspace.take(upload_id)
    assert recording is not None
    cache.put(recording, Scores(1))  # type: ignore[arg-type]
    assert path.exists()
    cache.put(ANYWHERE, Scores(5000))  # type: ignore[arg-type]
    assert not path.parent.exists()


def test_new_scores_of_a_recording_keep_its_id_and_file(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    cache = ScoreCache(10_000)
    upload_id, path = workspace.place("a.wav")
    path.write_bytes(b"1")
    recording = workspace.take(upload_id)
    assert recording is not None
    entry_id = cache.put(recording, Scores(1))  # type: ignore[arg-type]
    assert cache.renew(entry_id, Scores(2))  # type: ignore[arg-type]
    entry = cache.get(entry_id)
    assert entry is not None and entry.scores.size_bytes == 2
    assert path.exists()
    assert not cache.renew("unknown", Scores(2))  # type: ignore[arg-type]


def test_sweep_forgets_what_is_old(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    cache = ScoreCache(10_000)
    upload_id, path = workspace.place("a.wav")
    entry_id = cache.put(ANYWHERE, Scores(1))  # type: ignore[arg-type]
    workspace.sweep(60)
    cache.sweep(60)
    assert path.parent.exists() and cache.get(entry_id)
    workspace.sweep(-1)
    cache.sweep(-1)
    assert not path.parent.exists()
    assert cache.get(entry_id) is None
    assert workspace.take(upload_id) is None


def test_recordings_that_are_not_the_workspace_s_are_never_deleted(tmp_path: Path) -> None:
    path = tmp_path / "demo.flac"
    path.write_bytes(b"1")
    Recording(path, is_owned=False).discard()
    assert path.exists()


def test_workspace_deletes_itself_and_leftovers_of_the_dead(tmp_path: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    leftover = tmp_path / "pages" / f"{dead.stdout.strip()}-abc" / "x"
    alive = tmp_path / "pages" / f"{os.getpid()}-abc" / "x"
    for directory in (leftover, alive):
        directory.mkdir(parents=True)
    workspace = Workspace(tmp_path)
    assert not leftover.exists()
    assert alive.exists()
    workspace.close()
    assert not workspace.directory.exists()


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_can_be_written(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe.encode()) <= 255
    assert not set(safe) & set('/\\<>:"|?*\0')
    assert safe not in (".", "..")
    assert Path("/base", safe).parent == Path("/base")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\music\a.wav", "a.wav"),
        ("录音 1.m4a", "录音 1.m4a"),
        ("", "recording"),
        (".wav", "recording.wav"),
        ("a" * 300 + ".flac", "a" * 180 + ".flac"),
    ],
)
def test_names_keep_what_they_can(told: str, kept: str) -> None:
    assert safe_name(told) == kept


class Job:
    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


def test_a_session_s_new_job_stops_its_earlier_one() -> None:
    jobs = RunningJobs()
    first: Any = Job()
    second: Any = Job()
    other: Any = Job()
    with jobs.running("a", first), jobs.running("b", other):
        with jobs.running("a", second):
            assert first.is_cancelled and not second.is_cancelled
            assert jobs.is_current("a", second) and not jobs.is_current("a", first)
            jobs.stop("a")
            assert second.is_cancelled and not other.is_cancelled
        jobs.stop("unknown")
    assert other.is_cancelled  # whoever leaves gives the engine free
