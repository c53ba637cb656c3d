"""What the page keeps is bounded, and files go with what they belong to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.errors import SettingsError
from webui.ui.session import RunningJobs, ScoreCache
from webui.ui.workspace import UNPICKED_AGE_S, Recording, Workspace, safe_name


@dataclass
class Scores:
    size_bytes: int


@dataclass
class Audio:
    file: str


@dataclass
class NamedScores:
    audio: Audio
    size_bytes: int = 1


ANYWHERE = Recording(Path("nowhere"))


@given(st.lists(st.integers(0, 60_000), max_size=40), st.integers(5_000, 100_000))
def test_cache_never_holds_more_than_it_may_but_always_the_newest(
    sizes: list[int], bound: int
) -> None:
    cache = ScoreCache(bound)
    for size in sizes:
        newest = cache.put(ANYWHERE, (Scores(size),))  # type: ignore[arg-type]
        assert cache.get(newest) is not None
        assert cache.size_bytes <= bound or len(cache) == 1


def test_least_recently_used_goes_first() -> None:
    cache = ScoreCache(3 * (4096 + 1000))
    first, second, third = (cache.put(ANYWHERE, (Scores(1000),)) for _ in range(3))  # type: ignore[arg-type]
    cache.get(first)
    cache.put(ANYWHERE, (Scores(1000),))  # type: ignore[arg-type]
    assert cache.get(second) is None
    assert cache.get(first) and cache.get(third)


def upload(workspace: Workspace, name: str = "a.wav", size_bytes: int = 1) -> tuple[str, Path]:
    upload_id, path = workspace.place(name)
    assert workspace.grow(upload_id, size_bytes)
    path.write_bytes(b"1" * size_bytes)
    workspace.finish(upload_id)
    return upload_id, path


def scored(workspace: Workspace, cache: ScoreCache, size_bytes: int = 1) -> tuple[str, Path]:
    upload_id, path = upload(workspace, size_bytes=size_bytes)
    recording = workspace.take(upload_id)
    assert recording is not None
    entry_id = cache.put(recording, (Scores(1),))  # type: ignore[arg-type]
    recording.done()
    return entry_id, path


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path, 1000)
    yield workspace
    workspace.close()


def test_forgetting_a_result_deletes_its_upload(workspace: Workspace) -> None:
    cache = ScoreCache(6000)
    _, path = scored(workspace, cache)
    assert path.exists()
    cache.put(ANYWHERE, (Scores(5000),))  # type: ignore[arg-type]
    assert not path.parent.exists()
    assert workspace.size_bytes == 0


def test_new_scores_of_a_recording_keep_its_id_and_file(workspace: Workspace) -> None:
    cache = ScoreCache(10_000)
    entry_id, path = scored(workspace, cache)
    assert cache.renew(entry_id, (Scores(2),))  # type: ignore[arg-type]
    entry = cache.get(entry_id)
    assert entry is not None and entry.scores.size_bytes == 2
    assert path.exists()
    assert not cache.renew("unknown", (Scores(2),))  # type: ignore[arg-type]


def test_result_that_is_forgotten_while_it_is_detected_again_keeps_its_file(
    workspace: Workspace,
) -> None:
    cache = ScoreCache(6000)
    entry_id, path = scored(workspace, cache)
    entry = cache.get(entry_id)
    assert entry is not None and entry.recording.use()
    cache.put(ANYWHERE, (Scores(5000),))  # type: ignore[arg-type]
    assert not cache.renew(entry_id, (Scores(1),))  # type: ignore[arg-type]
    cache.put(entry.recording, (Scores(1),))  # type: ignore[arg-type]
    entry.recording.done()
    assert path.exists()
    cache.put(ANYWHERE, (Scores(5000),))  # type: ignore[arg-type]
    assert not path.exists()
    assert not entry.recording.use()


def test_room_is_made_of_what_nobody_works_on_the_oldest_first(workspace: Workspace) -> None:
    cache = ScoreCache(10**6)
    result_id, result = scored(workspace, cache, 300)
    _, unpicked = upload(workspace, size_bytes=300)
    busy_id, busy = upload(workspace, size_bytes=300)
    assert workspace.take(busy_id)
    new_id, _ = workspace.place("new.wav")
    assert workspace.grow(new_id, 100)
    assert result.exists()
    assert workspace.grow(new_id, 100)
    assert not result.exists() and unpicked.exists()
    assert cache.get(result_id) is not None  # its scores stay
    assert workspace.grow(new_id, 500)
    assert not unpicked.exists() and busy.exists()
    assert not workspace.grow(new_id, 1)
    assert workspace.size_bytes == 1000


def test_upload_that_was_put_back_can_be_taken_again_one_for_each_owner(
    workspace: Workspace,
) -> None:
    paths = {}
    for name in ("first", "second"):
        upload_id, paths[name] = upload(workspace)
        for _ in range(2):
            recording = workspace.take(upload_id)
            assert recording is not None
            assert workspace.take(upload_id) is None
            workspace.put_back(recording, "me")
            recording.done()
    assert not paths["first"].exists() and paths["second"].exists()
    workspace.forget("somebody else")
    assert paths["second"].exists()
    workspace.forget("me")
    assert not paths["second"].exists()


def test_sweep_forgets_what_is_old(workspace: Workspace, monkeypatch: Any) -> None:
    cache = ScoreCache(10_000)
    upload_id, path = upload(workspace)
    tried_id, tried = upload(workspace)
    recording = workspace.take(tried_id)
    assert recording is not None
    workspace.put_back(recording, "me")
    recording.done()
    entry_id = cache.put(ANYWHERE, (Scores(1),))  # type: ignore[arg-type]
    workspace.sweep(3600)
    cache.sweep(60)
    assert path.exists() and cache.get(entry_id)
    later = time.monotonic() + UNPICKED_AGE_S + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    workspace.sweep(3600)
    assert not path.parent.exists() and tried.exists()
    assert workspace.take(upload_id) is None
    workspace.sweep(-1)
    cache.sweep(-1)
    assert not tried.exists()
    assert cache.get(entry_id) is None


def test_recordings_that_are_not_the_workspace_s_are_never_deleted(tmp_path: Path) -> None:
    path = tmp_path / "demo.flac"
    path.write_bytes(b"1")
    recording = Recording(path)
    assert recording.use()
    recording.done()
    recording.discard()
    assert path.exists()


_OTHER_PAGE = """
import pathlib, sys
from webui.ui.workspace import Workspace
workspace = Workspace(pathlib.Path(sys.argv[1]), 1000)
print(workspace.directory, flush=True)
sys.stdin.read()
"""


def test_workspace_deletes_itself_and_leftovers_of_the_dead(tmp_path: Path) -> None:
    # A process id may be another program's by now: it says nothing.
    leftover = tmp_path / "pages" / f"{os.getpid()}-abc" / "x"
    leftover.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", _OTHER_PAGE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        alive = Path(other.stdout.readline().strip())
        assert alive.is_dir() and not leftover.exists()
        first = Workspace(tmp_path, 1000)
        assert alive.exists()
        other.kill()
        other.wait()
    second = Workspace(tmp_path, 1000)
    assert not alive.exists()
    assert first.directory.exists()
    for workspace in (first, second):
        workspace.close()
        assert not workspace.directory.exists()


def test_workspace_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="FSMN_VAD_WORKSPACE_DIRECTORY"):
        Workspace(tmp_path / "file", 1000)


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
        ("CON.wav", "_CON.wav"),
        ("nul", "_nul"),
        ("com1.a.wav", "_com1.a.wav"),
        ("console.wav", "console.wav"),
        ("talk.wav. .", "talk.wav"),
        ("a" * 300 + ".flac", "a" * 180 + ".flac"),
    ],
)
def test_names_keep_what_they_can(told: str, kept: str) -> None:
    assert safe_name(told) == kept


@pytest.mark.parametrize(
    ("told", "name"),
    [("a/b/<x>&y.wav", "<x>&y.wav"), (" a.wav", " a.wav"), ("\udcff.wav", "\ufffd.wav")],
)
def test_an_upload_s_result_is_called_as_its_owner_calls_it(
    tmp_path: Path, told: str, name: str
) -> None:
    workspace = Workspace(tmp_path, 1000)
    upload_id, path = workspace.place(told)
    workspace.finish(upload_id)
    recording = workspace.take(upload_id)
    assert recording is not None and recording.path == path and path.name == safe_name(told)
    cache = ScoreCache(1_000_000)
    scores: Any = NamedScores(Audio(path.name))
    result_id = cache.put(recording, (scores,))
    for _ in range(2):
        entry = cache.get(result_id)
        assert entry is not None and entry.scores.audio.file == name
        assert cache.renew(result_id, (scores,))
    workspace.close()


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
