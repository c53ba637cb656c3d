"""What the page keeps between events. Knows nothing of Gradio; all of it is bounded.

A browser's session holds ids only. Scores live in one cache for all sessions,
recordings in one workspace on disk; both forget the oldest first.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from webui.engine import Job
    from webui.vad.scores import SpeechScores

_ENTRY_OVERHEAD_BYTES = 4096
_NAME_BYTES = 180  # file systems allow 255 for a name
_PAGES = "pages"


def new_id() -> str:
    """Return an id that cannot be guessed; whoever knows it may see what it names."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True)
class Recording:
    """A file that was given to the page.

    Attributes:
        path: where it lies.
        is_owned: it lies in the workspace and goes when nobody needs it any more.
    """

    path: Path
    is_owned: bool

    def discard(self) -> None:
        """Delete the file if it is the workspace's."""
        if self.is_owned:
            shutil.rmtree(self.path.parent, ignore_errors=True)


@dataclass(frozen=True)
class Entry:
    """A scored recording.

    Attributes:
        recording: what was scored.
        scores: what came out.
        born: time.monotonic() when it came in.
    """

    recording: Recording
    scores: SpeechScores
    born: float = field(default_factory=time.monotonic)

    @property
    def size_bytes(self) -> int:
        """Memory that it takes."""
        return self.scores.size_bytes + _ENTRY_OVERHEAD_BYTES


class ScoreCache:
    """Scored recordings by id, the least recently used forgotten first.

    Its methods may be called from any thread.

    Args:
        max_bytes: of all entries together; the newest one stays in any case.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """Memory that all entries take."""
        with self._lock:
            return self._sum()

    def put(self, recording: Recording, scores: SpeechScores) -> str:
        """Keep a scored recording and return its id."""
        entry_id = new_id()
        with self._lock:
            self._entries[entry_id] = Entry(recording, scores)
            dropped = self._shrink()
        _discard(dropped)
        return entry_id

    def renew(self, entry_id: str, scores: SpeechScores) -> bool:
        """Put new scores of the same recording under its id; False if it is forgotten."""
        with self._lock:
            entry = self._entries.get(entry_id)
            if entry is None:
                return False
            self._entries[entry_id] = replace(entry, scores=scores, born=time.monotonic())
            self._entries.move_to_end(entry_id)
            dropped = self._shrink()
        _discard(dropped)
        return True

    def get(self, entry_id: str) -> Entry | None:
        """Return a scored recording, None if it is unknown or forgotten."""
        with self._lock:
            entry = self._entries.get(entry_id)
            if entry is not None:
                self._entries.move_to_end(entry_id)
            return entry

    def sweep(self, age_s: float) -> None:
        """Forget what came in more than ``age_s`` seconds ago."""
        oldest = time.monotonic() - age_s
        with self._lock:
            stale = [key for key, entry in self._entries.items() if entry.born < oldest]
            dropped = [self._entries.pop(key) for key in stale]
        _discard(dropped)

    def _sum(self) -> int:
        return sum(entry.size_bytes for entry in self._entries.values())

    def _shrink(self) -> list[Entry]:
        dropped = []
        size_bytes = self._sum()
        while size_bytes > self._max_bytes and len(self._entries) > 1:
            _, entry = self._entries.popitem(last=False)
            size_bytes -= entry.size_bytes
            dropped.append(entry)
        return dropped


def _discard(entries: list[Entry]) -> None:
    for entry in entries:
        entry.recording.discard()


class Workspace:
    """Uploads on disk, in a directory that goes when the page ends.

    Args:
        directory: of all pages of this user; leftovers of pages that no longer
            run are deleted from it.
    """

    def __init__(self, directory: Path) -> None:
        pages = directory / _PAGES
        pages.mkdir(parents=True, exist_ok=True)
        _delete_leftovers(pages)
        self.directory = pages / f"{os.getpid()}-{new_id()}"
        self.directory.mkdir(mode=0o700)
        self._waiting: dict[str, tuple[Path, float]] = {}
        self._lock = threading.Lock()

    def place(self, name: str) -> tuple[str, Path]:
        """Make room for an upload.

        Args:
            name: of the file, as the browser told it.

        Returns:
            Its id, and the path that is to be written.
        """
        upload_id = new_id()
        path = self.directory / upload_id / safe_name(name)
        path.parent.mkdir(mode=0o700)
        with self._lock:
            self._waiting[upload_id] = (path, time.monotonic())
        return upload_id, path

    def take(self, upload_id: str) -> Recording | None:
        """Hand an upload over to whoever works on it; None if there is no such upload."""
        with self._lock:
            found = self._waiting.pop(upload_id, None)
        return Recording(found[0], is_owned=True) if found else None

    def sweep(self, age_s: float) -> None:
        """Delete uploads that nobody took within ``age_s`` seconds."""
        oldest = time.monotonic() - age_s
        with self._lock:
            stale = [key for key, (_, born) in self._waiting.items() if born < oldest]
        for key in stale:
            recording = self.take(key)
            if recording:
                recording.discard()

    def close(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.directory, ignore_errors=True)


def safe_name(name: str) -> str:
    """Make a file name that every system accepts of what a browser tells."""
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(
        letter
        for letter in base
        if unicodedata.category(letter)[0] != "C" and letter not in '<>:"|?*'
    )
    stem, dot, suffix = kept.strip().rpartition(".")
    if not dot or len(suffix) > 10:
        stem, dot, suffix = kept.strip(), "", ""
    stem = stem.encode()[:_NAME_BYTES].decode(errors="ignore").strip(". ")
    return f"{stem or 'recording'}{dot}{suffix}"


def _delete_leftovers(pages: Path) -> None:
    for directory in pages.iterdir():
        pid = directory.name.partition("-")[0]
        if not pid.isdecimal() or not psutil.pid_exists(int(pid)):
            shutil.rmtree(directory, ignore_errors=True)


class RunningJobs:
    """The job of each browser session, so that its Stop button finds it."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def running(self, session: str, job: Job) -> Iterator[None]:
        """Note a job for as long as the block lasts; whatever ends the block ends the job."""
        with self._lock:
            earlier = self._jobs.get(session)
            self._jobs[session] = job
        if earlier is not None:
            earlier.cancel()
        try:
            yield
        finally:
            job.cancel()
            with self._lock:
                if self._jobs.get(session) is job:
                    del self._jobs[session]

    def is_current(self, session: str, job: Job) -> bool:
        """Whether ``job`` is the session's latest one."""
        with self._lock:
            return self._jobs.get(session) is job

    def stop(self, session: str) -> None:
        """Stop the session's job, if it has one."""
        with self._lock:
            job = self._jobs.get(session)
        if job is not None:
            job.cancel()
