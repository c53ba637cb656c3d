"""What the page keeps between events. Knows nothing of Gradio; all of it is bounded.

A browser's session holds ids only. Scores live in one cache for all sessions,
recordings in one workspace on disk (`webui.ui.workspace`); both forget the oldest first.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from webui.ui.workspace import Recording, new_id

if TYPE_CHECKING:
    from webui.audio.report import ChannelChoice
    from webui.engine import Job
    from webui.vad.edited import Edits
    from webui.vad.options import VadOptions
    from webui.vad.scores import SpeechScores
    from webui.vad.segment import Segment

_ENTRY_OVERHEAD_BYTES = 4096


@dataclass(frozen=True)
class Entry:
    """A scored recording.

    Attributes:
        recording: what was scored.
        tracks: what came out: one, or one for each channel; all equally long.
        born: time.monotonic() when it came in.
        edits: regions made by hand, by the channel that they were made on.
    """

    recording: Recording
    tracks: tuple[SpeechScores, ...]
    born: float = field(default_factory=time.monotonic)
    edits: Mapping[str, Edits] = field(default_factory=dict)

    @property
    def scores(self) -> SpeechScores:
        """The first track: the only one, or the left channel."""
        return self.tracks[0]

    @property
    def channel(self) -> ChannelChoice:
        """What was taken of the recording's channels."""
        return "each" if self.is_apart else self.scores.audio.channel

    @property
    def is_apart(self) -> bool:
        """Whether its channels were scored each for itself."""
        return len(self.tracks) > 1

    @property
    def is_edited(self) -> bool:
        """Whether regions by hand are shown of any of its tracks."""
        return any(track.audio.channel in self.edits for track in self.tracks)

    def segments(self, track: SpeechScores, options: VadOptions) -> tuple[Segment, ...]:
        """Return what is shown of a track: the regions by hand, else what these options detect."""
        edits = self.edits.get(track.audio.channel)
        return track.segments(options) if edits is None else edits.segments(track)

    @property
    def size_bytes(self) -> int:
        """Memory that it takes."""
        scored = sum(scores.size_bytes for scores in self.tracks)
        edited = sum(edits.size_bytes for edits in self.edits.values())
        return scored + edited + _ENTRY_OVERHEAD_BYTES


class ScoreCache:
    """Scored recordings by id, the least recently used forgotten first.

    Its methods may be called from any thread.

    Args:
        max_bytes: of all entries together; the newest one stays in any case.

    Attributes:
        max_bytes: as given.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """Memory that all entries take."""
        with self._lock:
            return self._sum()

    def put(self, recording: Recording, tracks: tuple[SpeechScores, ...]) -> str:
        """Keep a scored recording and return its id."""
        entry_id = new_id()
        recording.keep()
        with self._lock:
            self._entries[entry_id] = Entry(recording, _named(tracks, recording))
            dropped = self._shrink()
        _discard(dropped)
        return entry_id

    def renew(self, entry_id: str, tracks: tuple[SpeechScores, ...]) -> bool:
        """Put new scores of the same recording under its id; False if it is forgotten."""
        with self._lock:
            entry = self._entries.get(entry_id)
            if entry is None:
                return False
            self._entries[entry_id] = replace(
                entry, tracks=_named(tracks, entry.recording), born=time.monotonic()
            )
            self._entries.move_to_end(entry_id)
            dropped = self._shrink()
        _discard(dropped)
        return True

    def edit(self, entry_id: str, channel: str, edits: Edits | None) -> bool:
        """Put regions by hand into the place of those detected; False if it is forgotten.

        Args:
            entry_id: of the scored recording.
            channel: on which they were made.
            edits: None goes back to what was detected.
        """
        with self._lock:
            entry = self._entries.get(entry_id)
            if entry is None:
                return False
            kept = {name: value for name, value in entry.edits.items() if name != channel}
            if edits is not None:
                kept[channel] = edits
            self._entries[entry_id] = replace(entry, edits=kept)
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

    def clear(self) -> int:
        """Forget everything; returns how many recordings that were."""
        with self._lock:
            dropped = list(self._entries.values())
            self._entries.clear()
        _discard(dropped)
        return len(dropped)

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
        while size_bytes > self.max_bytes and len(self._entries) > 1:
            _, entry = self._entries.popitem(last=False)
            size_bytes -= entry.size_bytes
            dropped.append(entry)
        return dropped


def renamed(tracks: tuple[SpeechScores, ...], file: str) -> tuple[SpeechScores, ...]:
    """Return scores under another name of their recording."""
    return tuple(replace(track, audio=replace(track.audio, file=file)) for track in tracks)


def _named(tracks: tuple[SpeechScores, ...], recording: Recording) -> tuple[SpeechScores, ...]:
    """Call scores as people call their recording; their engine knows its path alone."""
    is_same = recording.name == recording.path.name
    return tracks if is_same else renamed(tracks, recording.name)


def _discard(entries: list[Entry]) -> None:
    for entry in entries:
        entry.recording.discard()


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

    def leave(self, session: str) -> None:
        """Stop the job of a session that ended; it is not the session's any more."""
        with self._lock:
            job = self._jobs.pop(session, None)
        if job is not None:
            job.cancel()
