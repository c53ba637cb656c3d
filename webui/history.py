"""What was run: a bounded list of detections in SQLite, shared by all programs of this user.

The history is a convenience, and never worth a detection: whoever notes a run catches
`HistoryError` and says it. Several processes may write at once; each call opens the
database for itself and holds it for one short transaction.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from webui.errors import HistoryDamagedError, HistoryError, OptionsError
from webui.formats import Outcome
from webui.settings import Settings
from webui.system_errors import system_reason_zh
from webui.vad.option_kinds import Value
from webui.vad.options import VadOptions
from webui.vad.summary import summarise_tracks

Source = Literal["page", "cli", "api", "live", "batch"]

_VERSION = 1
_PATIENCE_S = 2.0  # for another process's transaction, which takes milliseconds
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time_s REAL NOT NULL,
        source TEXT NOT NULL,
        file TEXT NOT NULL,
        path TEXT NOT NULL,
        result_id TEXT NOT NULL,
        duration_ms INTEGER NOT NULL,
        channel TEXT NOT NULL,
        engine TEXT NOT NULL,
        options TEXT NOT NULL,
        segments INTEGER NOT NULL,
        speech_share REAL NOT NULL,
        real_time_factor REAL
    )
"""
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Run:
    """One detection.

    Attributes:
        source: who asked for it.
        file: name of the recording.
        duration_ms: of the recording.
        channel: what was taken of its channels: "mix", "left", "right" or "each".
        engine: name of the scorer.
        options: all of `VadOptions`, by name.
        segments: how many were found.
        speech_share: of the duration, 0 to 1.
        real_time_factor: seconds of work for each second of audio; None for an empty recording.
        path: of a file on this machine that can be opened again; "" if there is none.
        result_id: under which a page that runs may still keep the result, or the batch; "" if
            none does.
        time_s: when it ended, in seconds since 1970 (UTC).
        id: in the history; 0 before it is in there.
    """

    source: Source
    file: str
    duration_ms: int
    channel: str
    engine: str
    options: Mapping[str, Value]
    segments: int
    speech_share: float
    real_time_factor: float | None
    path: str = ""
    result_id: str = ""
    time_s: float = field(default_factory=time.time)
    id: int = 0

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        options: VadOptions,
        source: Source,
        *,
        path: Path | None = None,
        result_id: str = "",
    ) -> Run:
        """Make the record of a result.

        Args:
            outcome: what was found.
            options: in force.
            source: who asked for it.
            path: of the recording, where that stays on this machine.
            result_id: of a page.
        """
        tracks = [result.segments for result in outcome.results]
        summary = summarise_tracks(tracks, outcome.audio.duration_ms)
        return cls(
            source=source,
            file=outcome.audio.file,
            duration_ms=outcome.audio.duration_ms,
            channel=outcome.channel,
            engine=outcome.receipt.engine,
            options=options.as_dict(),
            segments=summary.count,
            speech_share=min(summary.speech_share, 1.0),
            real_time_factor=outcome.real_time_factor,
            path=_storable(path),
            result_id=result_id,
        )

    def vad_options(self) -> VadOptions:
        """Return its options; what another version of this program had besides is left out."""
        known = VadOptions().as_dict()
        given = {name: value for name, value in self.options.items() if name in known}
        try:
            return VadOptions.from_mapping(given)
        except OptionsError:
            return VadOptions()

    def matches(self, search: str, *more: str) -> bool:
        """Tell whether every word of ``search`` stands in its file, path, engine or source.

        Args:
            search: words, in any order.
            more: what a person reads of it besides.
        """
        own = (self.file, self.path, self.engine, self.source, self.channel)
        text = "\n".join((*own, *more)).casefold()
        return all(word in text for word in search.casefold().split())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the time as ISO 8601 in UTC."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(values.pop("time_s")))
        return {"id": values.pop("id"), "time": moment, **values, "options": dict(self.options)}


_COLUMNS = tuple(each.name for each in fields(Run) if each.name != "id")
_INSERT = f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"
_SELECT = f"SELECT {', '.join(_COLUMNS)}, id FROM runs"
_TRIM = "DELETE FROM runs WHERE id NOT IN (SELECT id FROM runs ORDER BY id DESC LIMIT ?)"


class History:
    """The runs of this user, the oldest forgotten first.

    Its methods may be called from any thread and process.

    Args:
        file: of the database; it is made when there is something to note.
        most_runs: that are kept; 0 notes nothing.
    """

    def __init__(self, file: Path, most_runs: int) -> None:
        self.file = file
        self.most_runs = most_runs
        self._aside = file.with_name(f"{file.name}.damaged")

    @classmethod
    def of(cls, settings: Settings) -> History:
        """Return the history that the settings name."""
        return cls(settings.history_file, settings.history_runs)

    def add(self, run: Run) -> Path | None:
        """Note a run.

        Returns:
            Where a damaged database was put, so that a new one could take its place; usually None.

        Raises:
            HistoryError: it cannot be written; nothing else is lost by that.
        """
        if not self.most_runs:
            return None
        values = [getattr(run, name) for name in _COLUMNS]
        values[_COLUMNS.index("file")] = _readable(run.file)
        values[_COLUMNS.index("options")] = json.dumps(dict(run.options), ensure_ascii=True)

        def write(database: sqlite3.Connection) -> None:
            database.execute(_INSERT, values)
            database.execute(_TRIM, (self.most_runs,))

        try:
            self._write(write)
        except HistoryDamagedError:
            aside = self._set_aside()
            self._write(write)
            return aside
        return None

    def runs(self, *, search: str = "", limit: int | None = None) -> list[Run]:
        """Return the latest runs, newest first.

        Args:
            search: words that must stand in a run's file, path, engine or source.
            limit: how many at most; None = all that are kept.

        Raises:
            HistoryError: it cannot be read.
        """

        def read(database: sqlite3.Connection) -> list[Run]:
            rows = database.execute(f"{_SELECT} ORDER BY id DESC LIMIT ?", (self.most_runs,))
            return [_run(row) for row in rows]

        kept: list[Run] = self._read(read, [])
        found = [run for run in kept if run.matches(search)]
        return found[:limit]

    def get(self, run_id: int) -> Run | None:
        """Return one run, None if it is forgotten.

        Raises:
            HistoryError: it cannot be read.
        """

        def read(database: sqlite3.Connection) -> Run | None:
            row = database.execute(f"{_SELECT} WHERE id = ?", (run_id,)).fetchone()
            return row and _run(row)

        return self._read(read, None)

    def clear(self) -> int:
        """Forget all runs and return how many there were.

        Raises:
            HistoryError: it cannot be written.
        """
        if not self.file.exists():
            return 0

        def write(database: sqlite3.Connection) -> int:
            return database.execute("DELETE FROM runs").rowcount

        try:
            count = self._write(write)
            with self._opened() as database:
                # What was deleted must not be readable in the file any more.
                database.execute("VACUUM")
        except HistoryDamagedError:
            self._set_aside()
            count = 0
        try:
            self._aside.unlink(missing_ok=True)
        except OSError as error:
            raise _explained(self.file, error) from error
        return count

    def _read(self, act: Callable[[sqlite3.Connection], _Answer], empty: _Answer) -> _Answer:
        if not self.file.exists():
            return empty
        with self._opened() as database:
            # A file that was made and not filled yet has no table.
            return act(database) if _version(database) else empty

    def _write(self, act: Callable[[sqlite3.Connection], _Answer]) -> _Answer:
        with self._opened(to_write=True) as database, _transaction(database):
            if not _version(database):
                database.execute(_SCHEMA)
                database.execute(f"PRAGMA user_version = {_VERSION}")
            return act(database)

    @contextlib.contextmanager
    def _opened(self, *, to_write: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(self._connect(to_write=to_write)) as database:
                if _version(database) > _VERSION:
                    reason = "it was made by a newer version of this program"
                    raise _error(self.file, reason, "由更新版本的程序创建")
                yield database
        except (sqlite3.Error, OSError, ValueError) as error:
            raise _explained(self.file, error) from error

    def _connect(self, *, to_write: bool) -> sqlite3.Connection:
        if to_write and not self.file.exists():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            # Names of recordings are nobody else's concern.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.file, os.O_CREAT | os.O_EXCL, 0o600))
        return sqlite3.connect(self.file, timeout=_PATIENCE_S, isolation_level=None)

    def _set_aside(self) -> Path:
        """Make room for a new database; the damaged one stays beside it."""
        try:
            # Another process may have done so in the meantime: then the new one is sound.
            self._write(lambda database: database.execute(_TRIM, (self.most_runs,)))
        except HistoryDamagedError:
            try:
                self.file.replace(self._aside)
                self.file.with_name(f"{self.file.name}-journal").unlink(missing_ok=True)
            except OSError as error:
                raise _explained(self.file, error) from error
        return self._aside


def _version(database: sqlite3.Connection) -> int:
    """Version of the tables; 0 where there are none yet."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _run(row: tuple[Any, ...]) -> Run:
    """Make a run of a row.

    Raises:
        ValueError: the row is damaged.
    """
    values = dict(zip((*_COLUMNS, "id"), row, strict=True))
    options = json.loads(values.pop("options"))
    if not isinstance(options, dict):
        raise ValueError("options")
    return Run(**values, options=options)


def _storable(path: Path | None) -> str:
    """Return a path as text; "" for one whose bytes are none: it could not be opened by it."""
    text = "" if path is None else str(path.absolute())
    return text if _readable(text) == text else ""


def _readable(text: str) -> str:
    """Return text that SQLite takes: names of files may hold bytes that are none."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _error(file: Path, reason: str, reason_zh: str) -> HistoryError:
    return HistoryError(file=str(file), reason=reason, reason_zh=reason_zh)


def _explained(file: Path, error: Exception) -> HistoryError:
    """Say why the database cannot be used."""
    if isinstance(error, OSError):
        return _error(file, error.strerror or str(error), system_reason_zh(error))
    said = str(error)
    # Anything but these two classes is of the state of the system, not of the file's content.
    if type(error) is sqlite3.DatabaseError or isinstance(error, ValueError):
        return HistoryDamagedError(file=str(file))
    known = {
        "locked": ("another program keeps it locked", "被其他程序锁定"),
        "readonly": ("it is read-only", "文件只读"),
        "full": ("the disk is full", "磁盘空间不足"),
        "unable to open": ("it cannot be opened or written", "无法打开或写入"),
    }
    for part, (reason, reason_zh) in known.items():
        if part in said:
            return _error(file, reason, reason_zh)
    return _error(file, said, f"数据库错误（{said}）")
