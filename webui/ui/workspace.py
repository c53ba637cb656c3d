"""Uploads on disk: bounded in number of bytes, and gone when nobody needs them.

A page process has a directory of its own and holds a lock in it. Whoever can take
the lock of another directory knows that its process has ended, and deletes it.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from webui.errors import SettingsError
from webui.ui.words import readable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

UNPICKED_AGE_S = 600.0

_NAME_BYTES = 180  # file systems allow 255 for a name
_PAGES = "pages"
_LOCK = "lock"
_TIDY_S = 10.0
# Names of devices on Windows, whatever stands behind a dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.I)


def new_id() -> str:
    """Return an id that cannot be guessed; whoever knows it may see what it names."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True)
class Recording:
    """A file that was given to the page.

    Attributes:
        path: where it lies.
        workspace: whose it is; None for one that is never deleted.
        given_name: what its owner calls it, "" for what its path does.
    """

    path: Path
    workspace: Workspace | None = None
    given_name: str = ""

    @property
    def name(self) -> str:
        """What people read; a path holds only what every system takes, or bytes of any kind."""
        return self.given_name or readable(self.path.name)

    @property
    def upload_id(self) -> str:
        """Id of the upload, "" if it is none."""
        return self.path.parent.name if self.workspace else ""

    def keep(self) -> None:
        """Note that a result belongs to it, until `discard`."""
        if self.workspace:
            self.workspace.keep(self.upload_id)

    def discard(self) -> None:
        """Note that a result less belongs to it; the file goes with the last one."""
        if self.workspace:
            self.workspace.discard(self.upload_id)

    def use(self) -> bool:
        """Keep the file from being deleted until `done`; False if it is gone already."""
        if self.workspace:
            return self.workspace.use(self.upload_id)
        return self.path.is_file()

    def grow(self, more_bytes: int) -> bool:
        """Take room for what is made beside it, or give it back; False if there is none."""
        return bool(self.workspace and self.workspace.grow(self.upload_id, more_bytes))

    def done(self) -> None:
        """End what `use` or `Workspace.take` began; the file goes if nobody keeps it."""
        if self.workspace:
            self.workspace.done(self.upload_id)


@dataclass
class _Upload:
    path: Path
    name: str
    born: float = field(default_factory=time.monotonic)
    size_bytes: int = 0
    # Being written, or being scored.
    users: int = 1
    # Somebody may still pick it: whoever sent it, or its owner once more.
    is_waiting: bool = False
    was_picked: bool = False
    owner: str = ""
    results: int = 0

    @property
    def is_needed(self) -> bool:
        return self.users > 0 or self.is_waiting or self.results > 0


class Workspace:
    """Uploads on disk, in a directory that goes when the page ends.

    Its methods may be called from any thread.

    Args:
        directory: of all pages of this user; leftovers of pages that no longer
            run are deleted from it.
        max_bytes: of all uploads together.

    Raises:
        SettingsError: the directory cannot be made or written.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._uploads: dict[str, _Upload] = {}
        self._lock = threading.Lock()
        pages = directory / _PAGES
        try:
            pages.mkdir(parents=True, exist_ok=True)
            with _tidying(directory):
                _delete_leftovers(pages)
                self.directory = pages / new_id()
                self.directory.mkdir(mode=0o700)
                self._mark = _take_lock(self.directory / _LOCK)
        except OSError as error:
            raise SettingsError(
                name="FSMN_VAD_WORKSPACE_DIRECTORY",
                reason=f"{directory} cannot be written ({error.strerror}); name another directory",
                reason_zh=f"无法写入 {directory}，请指定其他目录",
            ) from error

    @property
    def size_bytes(self) -> int:
        """Room that all uploads take."""
        with self._lock:
            return self._sum()

    def place(self, name: str) -> tuple[str, Path]:
        """Make room for an upload; it has to be `grow`n as it is written.

        Args:
            name: of the file, as the browser told it.

        Returns:
            Its id, and the path that is to be written.

        Raises:
            OSError: no directory can be made for it.
        """
        upload_id = new_id()
        path = self.directory / upload_id / safe_name(name)
        path.parent.mkdir(mode=0o700)
        with self._lock:
            self._uploads[upload_id] = _Upload(path, base_name(name))
        return upload_id, path

    def grow(self, upload_id: str, more_bytes: int) -> bool:
        """Take room for so many bytes more (or fewer, below 0); False if there is none.

        What nobody works on goes for it, the oldest first.
        """
        with self._lock:
            while self._sum() + more_bytes > self._max_bytes:
                idle = [key for key, upload in self._uploads.items() if not upload.users]
                if not idle:
                    return False
                self._delete(min(idle, key=lambda key: self._uploads[key].born))
            self._uploads[upload_id].size_bytes += more_bytes
            return True

    def finish(self, upload_id: str) -> None:
        """Note that an upload is written, so that it can be taken."""
        with self._lock:
            upload = self._uploads[upload_id]
            upload.users -= 1
            upload.is_waiting = True
            upload.born = time.monotonic()

    def take(self, upload_id: str) -> Recording | None:
        """Hand an upload over to whoever works on it; None if there is no such upload."""
        with self._lock:
            upload = self._uploads.get(upload_id)
            if upload is None or not upload.is_waiting:
                return None
            upload.users += 1
            upload.is_waiting = False
            upload.was_picked = True
            return Recording(upload.path, self, upload.name)

    def put_back(self, recording: Recording, owner: str) -> None:
        """Let an upload be taken once more; an owner has one such upload at most."""
        with self._lock:
            upload = self._uploads.get(recording.upload_id)
            if upload is not None:
                self._forget(owner)
                upload.is_waiting = True
                upload.owner = owner
                upload.born = time.monotonic()

    def forget(self, owner: str) -> None:
        """Delete what was put back for this owner."""
        with self._lock:
            self._forget(owner)

    def keep(self, upload_id: str) -> None:
        """Note that a result belongs to an upload."""
        with self._lock:
            if upload_id in self._uploads:
                self._uploads[upload_id].results += 1
                self._uploads[upload_id].born = time.monotonic()

    def discard(self, upload_id: str) -> None:
        """Note that a result less belongs to an upload; it goes if nobody needs it."""
        with self._lock:
            if upload_id in self._uploads:
                self._uploads[upload_id].results -= 1
                self._settle(upload_id)

    def use(self, upload_id: str) -> bool:
        """Keep an upload from being deleted until `done`; False if there is none."""
        with self._lock:
            if upload_id not in self._uploads:
                return False
            self._uploads[upload_id].users += 1
            return True

    def done(self, upload_id: str) -> None:
        """End what `place`, `take` or `use` began; the upload goes if nobody needs it."""
        with self._lock:
            if upload_id in self._uploads:
                self._uploads[upload_id].users -= 1
                self._settle(upload_id)

    def sweep(self, age_s: float) -> None:
        """Delete uploads that nobody has a result of.

        Args:
            age_s: of those that were picked and put back; others go after
                `UNPICKED_AGE_S` at the latest.
        """
        now = time.monotonic()
        with self._lock:
            for key, upload in list(self._uploads.items()):
                most_s = age_s if upload.was_picked else min(age_s, UNPICKED_AGE_S)
                if upload.is_waiting and not upload.users and now - upload.born > most_s:
                    self._delete(key)

    def close(self) -> None:
        """Delete everything."""
        if self._mark:
            self._mark.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _sum(self) -> int:
        return sum(upload.size_bytes for upload in self._uploads.values())

    def _forget(self, owner: str) -> None:
        for key, upload in list(self._uploads.items()):
            if upload.is_waiting and owner and upload.owner == owner:
                upload.is_waiting = False
                self._settle(key)

    def _settle(self, upload_id: str) -> None:
        if not self._uploads[upload_id].is_needed:
            self._delete(upload_id)

    def _delete(self, upload_id: str) -> None:
        upload = self._uploads.pop(upload_id)
        shutil.rmtree(upload.path.parent, ignore_errors=True)


def base_name(name: str) -> str:
    """Return a file's own name, as its owner calls it: it is text, and no path is made of it."""
    return readable(name.rpartition("/")[2]).replace("\0", "")


def safe_name(name: str) -> str:
    """Make a file name that every system accepts of what a browser tells."""
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(
        letter
        for letter in base
        if unicodedata.category(letter)[0] != "C" and letter not in '<>:"|?*'
    )
    # Windows drops dots and spaces at the end.
    plain = kept.strip().rstrip(". ")
    stem, dot, suffix = plain.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, dot, suffix = plain, "", ""
    stem = stem.encode()[:_NAME_BYTES].decode(errors="ignore").strip(". ")
    safe = f"{stem or 'recording'}{dot}{suffix}"
    return f"_{safe}" if _DEVICES.fullmatch(safe) else safe


def _take_lock(path: Path) -> IO[bytes] | None:
    """Open and lock a file; None if another process has it locked.

    Raises:
        OSError: it cannot be opened.
    """
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Locked, or on a file system without locks: there, nothing is deleted.
        file.close()
        return None
    return file


@contextlib.contextmanager
def _tidying(directory: Path) -> Iterator[None]:
    """Keep others from tidying up: a new directory is not locked from the first moment on."""
    give_up = time.monotonic() + _TIDY_S
    while (file := _take_lock(directory / _LOCK)) is None and time.monotonic() < give_up:
        time.sleep(0.05)
    try:
        yield
    finally:
        if file:
            file.close()


def _delete_leftovers(pages: Path) -> None:
    for directory in pages.iterdir():
        if not directory.is_dir():
            continue
        with contextlib.suppress(OSError):  # another user's, or gone by now
            lock = _take_lock(directory / _LOCK)
            if lock:
                # Windows deletes no open file.
                lock.close()
                shutil.rmtree(directory, ignore_errors=True)
