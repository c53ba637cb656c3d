"""Where files appear: links, permissions, and what is no regular file."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from webui.files import PendingFile, appearing, descriptor_of, plain_path


def write(output: Path, content: bytes, directory: Path | None = None) -> None:
    with appearing(output, directory) as stream:
        stream.write(content)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "x.json", tmp_path / "link"
    link.symlink_to("far/x.json")
    for content in (b"new", b"again"):  # the target is not there, and is
        write(link, content)
        assert link.is_symlink() and target.read_bytes() == content
    assert list((tmp_path / "far").iterdir()) == [target]


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        write(tmp_path / "a", b"")
    assert (tmp_path / "a").is_symlink()


def test_the_permissions_of_what_is_replaced_are_kept(tmp_path):
    output = tmp_path / "x.json"
    output.touch()
    output.chmod(0o640)
    write(output, b"new")
    assert stat.S_IMODE(output.stat().st_mode) == 0o640 and output.read_bytes() == b"new"


@pytest.mark.parametrize("is_link", [False, True])
def test_a_fifo_stays_one_and_gets_the_content(is_link, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    output = tmp_path / "link" if is_link else fifo
    if is_link:
        output.symlink_to(fifo)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()), daemon=True)
    reader.start()
    with appearing(output) as stream:
        stream.write(b"RIFFnull")
        stream.seek(4)  # as headers are, whose sizes are known last
        stream.write(b"size")
        stream.close()  # as a text around it does
    reader.join(10)
    assert read == [b"RIFFsize"]
    assert stat.S_ISFIFO(output.stat().st_mode) and output.is_symlink() == is_link
    assert len(list(tmp_path.iterdir())) == 1 + is_link


def test_nothing_goes_into_a_fifo_before_it_is_complete(tmp_path):
    reading, writing = os.pipe()
    pending = PendingFile(Path(f"/dev/fd/{writing}"))
    pending.stream.write(b"half")
    pending.discard()
    os.close(writing)
    with os.fdopen(reading, "rb") as reader:
        assert reader.read() == b""


def test_a_descriptor_keeps_its_place_in_a_file(tmp_path):
    with (tmp_path / "x").open("w+b", buffering=0) as file:
        file.write(b"before ")
        write(Path(f"/dev/fd/{file.fileno()}"), b"after")
        file.write(b" end")
        assert (tmp_path / "x").read_bytes() == b"before after end"


def test_names_of_descriptors():
    # Only asked: whoever runs this as root would lose the device if it were written wrongly.
    assert descriptor_of(Path("/dev/stdout")) == descriptor_of(Path("/proc/self/fd/1")) == 1
    assert descriptor_of(Path("/dev/fd/63")) == 63
    assert descriptor_of(Path("/dev/null")) is descriptor_of(Path("stdout")) is None


def test_with_a_directory_of_its_own_a_plain_file_takes_the_place(tmp_path):
    """The results of a batch."""
    (tmp_path / "pending").mkdir()
    (tmp_path / "other").write_bytes(b"kept")
    link = tmp_path / "x.json"
    link.symlink_to("other")
    write(link, b"new", tmp_path / "pending")
    assert not link.is_symlink() and link.read_bytes() == b"new"
    assert (tmp_path / "other").read_bytes() == b"kept"


def test_a_path_loses_its_detours_and_keeps_its_links(tmp_path, monkeypatch):
    (tmp_path / "far" / "in").mkdir(parents=True)
    (tmp_path / "far" / "a.wav").touch()
    (tmp_path / "link").symlink_to("far/in")
    monkeypatch.chdir(tmp_path)
    assert plain_path(Path("link/../far/a.wav")) == tmp_path / "link/../far/a.wav"  # not there
    assert plain_path(Path("far/in/../a.wav")) == tmp_path / "far/a.wav"
    assert plain_path(Path("far/../link")) == tmp_path / "link"
    # The text alone would say a file that is not meant.
    (tmp_path / "a.wav").touch()
    assert plain_path(Path("link/../a.wav")) == tmp_path / "link/../a.wav"
