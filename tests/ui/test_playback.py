"""Copies for browsers that cannot play the original: made once, counted, and gone with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from webui.audio.reader import open_audio
from webui.audio.transcode import write_flac
from webui.errors import AudioError
from webui.ui import playback
from webui.ui.playback import Copies, CopyState, copy_path
from webui.ui.workspace import Recording, Workspace

RATE_HZ = 16_000


def write(path: Path, seconds: float, codec: str = "pcm_s16be", channels: int = 1) -> Path:
    """A tone that rises, in whatever the name and the codec ask for."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = (12_000 * np.sin(2 * np.pi * (200 * time_s + 75 * time_s**2))).astype(np.int16)
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    with av.open(str(path), "w") as media:
        stream = media.add_stream(codec, rate=RATE_HZ, layout=layout)
        frame = av.AudioFrame.from_ndarray(
            np.repeat(wave, channels)[np.newaxis], format="s16", layout=layout
        )
        frame.sample_rate = RATE_HZ
        fitter = av.AudioResampler(stream.format, layout, RATE_HZ, 1024)
        for fitted in [*fitter.resample(frame), *fitter.resample(None)]:
            media.mux(stream.encode(fitted))
        media.mux(stream.encode(None))
    return path


def decoded(path: Path) -> np.ndarray:
    with open_audio(path) as audio:
        return np.concatenate(list(audio))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path / "workspace", 4 * 1024**2)
    yield workspace
    workspace.close()


@pytest.fixture
def copies() -> Iterator[Copies]:
    copies = Copies(20)
    yield copies
    copies.close()


def place(workspace: Workspace, source: Path) -> Recording:
    upload_id, path = workspace.place(source.name)
    path.write_bytes(source.read_bytes())
    assert workspace.grow(upload_id, path.stat().st_size)
    workspace.finish(upload_id)
    recording = workspace.take(upload_id)
    assert recording is not None
    recording.keep()
    recording.done()
    return recording


def wait(copies: Copies, recording: Recording) -> CopyState:
    deadline = time.monotonic() + 30
    while (now := copies.state(recording)).state not in ("ready", "failed"):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


@pytest.mark.parametrize(
    ("name", "codec", "channels", "copied_channels"),
    [
        ("a.aiff", "pcm_s16be", 1, 1),
        ("a.w64", "pcm_s24le", 2, 2),
        ("a.caf", "pcm_s16be", 1, 1),
        ("a.mkv", "pcm_s16le", 6, 2),
        ("a.wav", "pcm_f32le", 1, 1),
    ],
)
def test_copy_holds_the_samples_that_are_scored(
    tmp_path: Path, name: str, codec: str, channels: int, copied_channels: int
) -> None:
    source = write(tmp_path / name, 3.7, codec, channels)
    told: list[float] = []
    write_flac(source, tmp_path / "copy", 60, told.append)
    with av.open(str(tmp_path / "copy")) as media:
        stream = media.streams.audio[0]
        assert (media.format.name, stream.rate) == ("flac", RATE_HZ)
        assert stream.channels == copied_channels
    wanted, found = decoded(source), decoded(tmp_path / "copy")
    assert len(found) == len(wanted)
    if channels <= 2:
        assert np.abs(found - wanted).max() < 1e-4
    assert told == sorted(told) and told[-1] == pytest.approx(3.7)


def test_copy_ends_where_it_must(tmp_path: Path) -> None:
    source = write(tmp_path / "a.aiff", 5)
    write_flac(source, tmp_path / "copy", 2)
    assert 2 * RATE_HZ <= len(decoded(tmp_path / "copy")) < 2.5 * RATE_HZ


def test_damaged_end_leaves_what_there_is(tmp_path: Path) -> None:
    source = write(tmp_path / "a.flac", 5, "flac")
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    wanted = decoded(source)
    write_flac(source, tmp_path / "copy", 60)
    assert np.abs(decoded(tmp_path / "copy") - wanted).max() < 1e-4


def test_copy_is_a_part_of_its_upload(tmp_path: Path, workspace: Workspace, copies: Copies) -> None:
    recording = place(workspace, write(tmp_path / "talk.aiff", 5))
    before = workspace.size_bytes
    assert copies.state(recording).state == "none"
    assert copies.start(recording, 5).state == "waiting"
    assert copies.start(recording, 5).state != "none"  # asked twice, made once
    assert wait(copies, recording) == CopyState("ready", 1.0)
    copy = copy_path(recording)
    assert workspace.size_bytes == before + copy.stat().st_size
    # What is heard is the upload's still, and goes with its last result.
    recording.discard()
    assert not copy.exists() and workspace.size_bytes == 0


def test_no_room_for_a_copy(tmp_path: Path, copies: Copies) -> None:
    source = write(tmp_path / "talk.aiff", 30)
    workspace = Workspace(tmp_path / "workspace", source.stat().st_size + 50_000)
    try:
        recording = place(workspace, source)
        before = workspace.size_bytes
        copies.start(recording, 30)
        failed = wait(copies, recording)
        assert failed.error is not None
        assert "no room" in failed.error.message() and "没有空间" in failed.error.message("zh")
        assert workspace.size_bytes == before
        assert sorted(p.name for p in recording.path.parent.iterdir()) == ["talk.aiff"]
    finally:
        workspace.close()


def test_what_cannot_be_decoded_is_told_and_can_be_tried_again(
    tmp_path: Path, workspace: Workspace, copies: Copies
) -> None:
    fake = tmp_path / "talk.aiff"
    fake.write_bytes(b"no sound at all " * 1000)
    recording = place(workspace, fake)
    copies.start(recording, 30)
    failed = wait(copies, recording)
    assert failed.error is not None and "talk.aiff" in failed.error.message()
    assert copies.start(recording, 30).state == "waiting"
    wait(copies, recording)


def test_no_process_for_a_copy_is_told_and_can_be_tried_again(
    tmp_path: Path, workspace: Workspace, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = place(workspace, write(tmp_path / "talk.aiff", 1))
    before = workspace.size_bytes

    def refused(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(playback, "Transcoder", refused)
        copies.start(recording, 1)
        failed = wait(copies, recording)
    assert failed.state == "failed" and failed.error is not None
    assert "talk.aiff" in failed.error.message() and "副本" in failed.error.message("zh")
    assert workspace.size_bytes == before
    copies.start(recording, 1)
    assert wait(copies, recording).state == "ready"


def test_what_is_known_of_files_that_are_gone_is_forgotten(
    tmp_path: Path, workspace: Workspace, copies: Copies
) -> None:
    recording = place(workspace, write(tmp_path / "talk.aiff", 1))
    other = place(workspace, write(tmp_path / "other.aiff", 1))
    for each in (recording, other):
        copies.start(each, 1)
        assert wait(copies, each).state == "ready"
    recording.discard()
    third = place(workspace, write(tmp_path / "third.aiff", 1))
    copies.start(third, 1)
    assert copies.state(recording).state == "none"
    assert copies.state(other).state == "ready"
    wait(copies, third)


def test_closing_ends_a_conversion(tmp_path: Path, workspace: Workspace) -> None:
    copies = Copies(20)
    recording = place(workspace, write(tmp_path / "talk.aiff", 30))
    copies.start(recording, 30)
    copies.close()
    assert copies.state(recording).state in ("failed", "ready", "waiting")
    other = place(workspace, write(tmp_path / "other.aiff", 1))
    assert copies.start(other, 1).state == "none"


def test_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(AudioError):
        write_flac(tmp_path / "gone.wav", tmp_path / "copy", 1)
