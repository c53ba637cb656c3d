"""The output directory of a batch: results appear whole, and a journal remembers them."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from webui.batch.naming import STATE, SUMMARY
from webui.batch_errors import BatchBusyError, BatchOutputError
from webui.files import appearing
from webui.system_errors import FULL_DISK, system_reason_zh

# After these no other file can be written either.
_HOPELESS = FULL_DISK | {errno.EROFS, errno.EIO, errno.EDQUOT}

# Under it stands the summary, which is of no recording; a stem is never empty.
_OF_ALL = ""
# No file has this size: it counts as not written.
_UNKNOWN_BYTES = -1


@dataclass(frozen=True)
class Record:
    """What the journal remembers of one recording.

    Attributes:
        order_key: of the order that made it.
        fingerprint: of the recording, as it was.
        files: size in bytes of each result, by its path from the output on.
        figures: for the summary.
    """

    order_key: str
    fingerprint: Mapping[str, Any]
    files: Mapping[str, int]
    figures: Mapping[str, Any]

    def of_the_same(self, other: Record) -> bool:
        """Whether both are of the same order and of the recording as it was."""
        return (self.order_key, self.fingerprint) == (other.order_key, other.fingerprint)


class Store:
    """Writes results; a context manager that holds the directory alone.

    Args:
        output: the directory; it is made.

    Raises:
        BatchOutputError: it cannot be written to.
        BatchBusyError: another batch writes to it.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self._state = output / STATE
        self._pending = self._state / "pending"
        self._journal_path = self._state / "journal.jsonl"
        self._lock: BinaryIO | None = None
        self._journal: BinaryIO | None = None
        self._records: dict[str, Record] = {}
        with self._refused():
            self._state.mkdir(parents=True, exist_ok=True)
            self._lock = (self._state / "lock").open("ab")
            try:
                _hold(self._lock)
                # What a batch that was killed had begun.
                shutil.rmtree(self._pending, ignore_errors=True)
                self._pending.mkdir(exist_ok=True)
                self._records = dict(_read(self._journal_path))
                self._journal = self._journal_path.open("ab")
                # A line that was cut off is ended, so that it spoils no other.
                self._journal.write(b"\n")
            except BlockingIOError:
                self._lock.close()
                raise BatchBusyError(directory=str(output)) from None
            except BaseException:
                self._lock.close()
                raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        # A full disk keeps the journal as it is, which is enough to go on from.
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            if self._lock is not None:
                closing.callback(self._lock.close)
            closing.callback(shutil.rmtree, self._pending, ignore_errors=True)
            if self._journal is not None:
                closing.callback(self._journal.close)
            self._compact()

    def find(self, stem: str) -> Record | None:
        """What is remembered of the results that are named so."""
        return self._records.get(stem)

    def first_foreign(self, files: Iterable[str]) -> Path | None:
        """The first file that these or the summary would replace, and that no batch made here.

        Args:
            files: paths from the output on.
        """
        known = {name for record in self._records.values() for name in record.files}
        for name in (*files, SUMMARY):
            place = self.output / name
            if name not in known and os.path.lexists(place) and not place.is_dir():
                return place
        return None

    def has(self, record: Record, files: Iterable[str]) -> bool:
        """Whether these results are remembered, and there as they were written."""
        for name in files:
            try:
                size = (self.output / name).stat().st_size
            except OSError:
                return False
            if record.files.get(name) != size:
                return False
        return True

    def write(self, stem: str, files: Mapping[str, bytes], record: Record) -> None:
        """Write the results of a recording and remember them.

        Results of before in other formats stay if they are of the same order and recording;
        others would contradict these, and go.

        Args:
            stem: that names them.
            files: content by path from the output on.
            record: what to remember of them.

        Raises:
            BatchOutputError: they cannot be written; see its ``is_hopeless``.
        """
        before = self._records.get(stem)
        if before is None or not before.of_the_same(record):
            # Whoever kills this between two files leaves results that nothing else tells apart.
            begun = {} if before is None else before.files
            self._remember(stem, Record("", {}, {**begun, **record.files}, {}))
        elif more := record.files.keys() - before.files.keys():
            # Whoever kills this after a file leaves one that is known, but none that is whole.
            unknown = dict.fromkeys(more, _UNKNOWN_BYTES)
            self._remember(stem, replace(before, files={**before.files, **unknown}))
        for name, content in files.items():
            place = self.output / name
            with self._refused(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                with appearing(place, self._pending) as stream:
                    stream.write(content)
        others = {} if before is None else {n: b for n, b in before.files.items() if n not in files}
        if before is not None and before.of_the_same(record):
            record = replace(record, files={**others, **record.files})
        else:
            self._delete(others)
        self._remember(stem, record)

    def forget(self, stem: str) -> None:
        """Delete the results that are named so: the recording can no longer be read.

        Raises:
            BatchOutputError: they cannot be deleted.
        """
        record = self._records.pop(stem, None)
        if record is None:
            return
        self._delete(record.files)
        self._append({"stem": stem})

    def write_summary(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
        """Write the table of all recordings and return where it is.

        Raises:
            BatchOutputError: it cannot be written.
        """
        text = io.StringIO(newline="")
        csv.writer(text).writerows([columns, *rows])
        place = self.output / SUMMARY
        content = text.getvalue().encode("utf-8", "replace")
        # Before it is there, so that whoever kills this leaves none that nobody knows.
        self._remember(_OF_ALL, Record("", {}, {SUMMARY: len(content)}, {}))
        with self._refused(place), appearing(place, self._pending) as stream:
            stream.write(content)
        return place

    def _delete(self, files: Iterable[str]) -> None:
        for name in files:
            with self._refused(self.output / name):
                (self.output / name).unlink(missing_ok=True)

    def _remember(self, stem: str, record: Record) -> None:
        self._records[stem] = record
        self._append(_line(stem, record))

    def _append(self, entry: Mapping[str, Any]) -> None:
        assert self._journal is not None
        with self._refused(self._journal_path):
            self._journal.write(_encoded(entry))
            self._journal.flush()

    def _compact(self) -> None:
        """Write what is remembered in order: the same however often it was interrupted."""
        with appearing(self._journal_path, self._pending) as stream:
            for stem in sorted(self._records):
                stream.write(_encoded(_line(stem, self._records[stem])))

    @contextlib.contextmanager
    def _refused(self, place: Path | None = None) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BatchOutputError(
                file=str(place or self.output),
                reason=error.strerror or str(error),
                reason_zh=system_reason_zh(error),
                is_hopeless=place is None or error.errno in _HOPELESS,
            ) from error


def _line(stem: str, record: Record) -> dict[str, Any]:
    return {
        "stem": stem,
        "order": record.order_key,
        "fingerprint": dict(record.fingerprint),
        "files": dict(record.files),
        "figures": dict(record.figures),
    }


def _encoded(entry: Mapping[str, Any]) -> bytes:
    # In ASCII: names may be bytes that are no text, which so survive.
    told = json.dumps(entry, sort_keys=True).encode()
    return b"%s %s\n" % (_checksum(told), told)


def _checksum(told: bytes) -> bytes:
    """What begins a line, so that one that was damaged is known."""
    return b"%08x" % zlib.crc32(told)


def _read(path: Path) -> Iterator[tuple[str, Record]]:
    """The records of a journal; later lines replace earlier ones, and what is damaged is none."""
    if not path.exists():
        return
    found: dict[str, Record] = {}
    for line in path.read_bytes().split(b"\n"):
        checksum, _, told = line.partition(b" ")
        if checksum != _checksum(told):
            continue
        entry = json.loads(told)
        stem = entry["stem"]
        if "order" in entry:
            found[stem] = Record(
                entry["order"], entry["fingerprint"], entry["files"], entry["figures"]
            )
        else:
            found.pop(stem, None)
    yield from found.items()


def _hold(lock: BinaryIO) -> None:
    """Lock a file as long as it is open; where the system has no such locks, hope.

    Raises:
        BlockingIOError: another process holds it.
    """
    if os.name == "nt":
        return
    import fcntl

    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
