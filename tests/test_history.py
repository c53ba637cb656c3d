"""The history: bounded, searchable, shared by processes, and never in the way of a detection."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from webui.errors import HistoryDamagedError, HistoryError
from webui.history import History, Run
from webui.settings import Settings
from webui.vad.options import VadOptions


def run_of(file: str = "talk.wav", **changes: object) -> Run:
    given: dict[str, object] = {
        "source": "cli",
        "file": file,
        "duration_ms": 60_000,
        "channel": "mix",
        "engine": "onnx",
        "options": VadOptions(max_end_silence_time=500).as_dict(),
        "segments": 7,
        "speech_share": 0.5,
        "real_time_factor": 0.01,
    }
    return Run(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "new" / "history.sqlite3", 500)


def test_what_is_noted_comes_back_newest_first(history: History) -> None:
    assert history.runs() == [] and history.get(1) is None and history.clear() == 0
    assert not history.file.exists()
    history.add(run_of('会议 1, "a".wav', path="/a/会议.wav", real_time_factor=None))
    history.add(run_of("b.wav", source="page", result_id="xyz"))
    second, first = history.runs()
    assert (second.file, second.source, second.result_id) == ("b.wav", "page", "xyz")
    assert first.file == '会议 1, "a".wav' and first.real_time_factor is None
    assert first.vad_options() == VadOptions(max_end_silence_time=500)
    assert history.get(first.id) == first
    assert first.as_dict()["time"].endswith("Z") and first.as_dict()["id"] == first.id
    if os.name != "nt":
        assert stat.S_IMODE(history.file.stat().st_mode) == 0o600


def test_it_is_bounded_and_can_be_off(tmp_path: Path) -> None:
    history = History(tmp_path / "h", 3)
    for number in range(10):
        history.add(run_of(f"{number}.wav"))
    assert [run.file for run in history.runs()] == ["9.wav", "8.wav", "7.wav"]
    assert [run.file for run in history.runs(limit=1)] == ["9.wav"]
    off = History(tmp_path / "none", 0)
    assert off.add(run_of()) is None and not off.file.exists()


@pytest.mark.parametrize(
    ("search", "found"),
    [("", 3), ("MEET", 1), ("meeting onnx", 1), ("会", 1), ("%", 1), ("funasr", 1), ("nothing", 0)],
)
def test_search(history: History, search: str, found: int) -> None:
    history.add(run_of("Meeting.wav"))
    history.add(run_of("会议.wav", engine="funasr"))
    history.add(run_of("100%.wav"))
    assert len(history.runs(search=search)) == found


@pytest.mark.parametrize("readme", ["README.md", "README_zh.md"])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_readmes_say_where_it_lies(
    root: Path, readme: str, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("LOCALAPPDATA", "%LOCALAPPDATA%")
    for name in ("XDG_CACHE_HOME", "FSMN_VAD_WORKSPACE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    place = str(Settings.from_environment().history_file).replace(str(Path.home()), "~")
    told = place.replace("/", "\\") if platform == "win32" else place
    text = (root / readme).read_text(encoding="utf-8")
    assert f"`{told}`" in text and "`FSMN_VAD_WORKSPACE_DIRECTORY`" in text
    monkeypatch.setenv("FSMN_VAD_WORKSPACE_DIRECTORY", "/elsewhere")
    assert Settings.from_environment().history_file.parent == Path("/elsewhere")


def test_clearing_leaves_nothing_to_read(history: History) -> None:
    history.add(run_of("secret-name.wav"))
    assert history.clear() == 1 and history.runs() == []
    assert b"secret-name" not in history.file.read_bytes()


def test_options_of_another_version(history: History) -> None:
    history.add(run_of(options={"max_end_silence_time": 300, "of_tomorrow": 1}))
    history.add(run_of(options={"max_end_silence_time": 1}))
    later, earlier = history.runs()
    assert earlier.vad_options() == VadOptions(max_end_silence_time=300)
    assert later.vad_options() == VadOptions()


def test_names_that_are_no_text(history: History) -> None:
    name = os.fsdecode(b"a\xff.wav")
    history.add(run_of(name))
    assert history.runs()[0].file == "a\N{REPLACEMENT CHARACTER}.wav"


@pytest.mark.parametrize("content", [b"no database at all" * 100, "cut"])
def test_a_damaged_database_is_set_aside(history: History, content: bytes | str) -> None:
    for number in range(50):
        history.add(run_of(f"{number}" * 300))
    if content == "cut":
        content = history.file.read_bytes()[:5000]
    assert isinstance(content, bytes)
    history.file.write_bytes(content)
    with pytest.raises(HistoryDamagedError):
        history.runs()
    aside = history.add(run_of("after.wav"))
    assert aside is not None and aside.read_bytes() == content
    assert [run.file for run in history.runs()] == ["after.wav"]
    history.file.write_bytes(content)
    assert history.clear() == 0 and history.runs() == []
    assert [path.name for path in history.file.parent.iterdir()] == []


def test_a_row_that_is_damaged(history: History) -> None:
    history.add(run_of())
    with sqlite3.connect(history.file) as database:
        database.execute("UPDATE runs SET options = '['")
    database.close()
    with pytest.raises(HistoryDamagedError, match="--clear"):
        history.runs()
    assert history.clear() == 1 and history.runs() == []


def test_a_locked_database_is_told(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webui.history._PATIENCE_S", 0.05)
    history.add(run_of())
    other = sqlite3.connect(history.file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        for act in (lambda: history.add(run_of()), history.runs, history.clear):
            with pytest.raises(HistoryError, match="locked") as caught:
                act()
            assert "被其他程序锁定" in caught.value.message("zh")
    finally:
        other.close()
    assert len(history.runs()) == 1


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="FSMN_VAD_HISTORY_RUNS=0"):
        History(tmp_path / "file" / "history.sqlite3", 500).add(run_of())
    (tmp_path / "folder").mkdir()
    with pytest.raises(HistoryError):
        History(tmp_path / "folder", 500).add(run_of())


def test_a_newer_version_s_history_is_left_alone(history: History) -> None:
    history.add(run_of())
    database = sqlite3.connect(history.file)
    database.execute("PRAGMA user_version = 9")
    database.close()
    before = history.file.read_bytes()
    for act in (lambda: history.add(run_of()), history.runs, history.clear):
        with pytest.raises(HistoryError, match="newer version"):
            act()
    assert history.file.read_bytes() == before


_WRITER = """
import sys
from pathlib import Path
from tests.test_history import run_of
from webui.history import History
history = History(Path(sys.argv[1]), 60)
for number in range(20):
    history.add(run_of(f"{sys.argv[2]}-{number}"))
"""


def test_several_processes_lose_nothing(tmp_path: Path, root: Path) -> None:
    file = tmp_path / "history.sqlite3"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(file), str(name)], cwd=root)
        for name in range(3)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    names = {run.file for run in History(file, 60).runs()}
    assert names == {f"{writer}-{number}" for writer in range(3) for number in range(20)}
