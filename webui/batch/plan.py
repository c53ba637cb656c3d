"""What a batch has to do, and what it has done before."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.batch.inputs import Source
from webui.batch.naming import result_stems, result_suffixes
from webui.batch.order import Order
from webui.batch.store import Record, Store
from webui.batch.work import Task
from webui.errors import SettingsError, StudioError
from webui.files import identity, plain_path

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Item:
    """One recording of a batch.

    Attributes:
        source: which.
        stem: what its results are called, from the output on.
        files: where its results go, from the output on.
        fingerprint: what it was like when the batch began; empty if it is not there.
        task: how it is worked on.
        done: what is remembered of it, where nothing is left to do; else None.
        error: why it cannot be worked on at all, None if it can.
    """

    source: Source
    stem: str
    files: Sequence[str]
    fingerprint: Mapping[str, Any]
    task: Task
    done: Record | None
    error: StudioError | None = None

    @property
    def is_left(self) -> bool:
        """Whether it is to be worked on."""
        return self.done is None and self.error is None


def make_plan(
    sources: Sequence[Source],
    order: Order,
    store: Store,
    *,
    by_content: bool = False,
    again: bool = False,
    overwrite: bool = False,
    lists: Sequence[Path] = (),
) -> list[Item]:
    """Say what is to be done with each source, in their order.

    A recording is done if its results are there as they were written, from the same order and
    the same recording. Those that failed are tried again.

    Args:
        sources: of `webui.batch.inputs.collect`.
        order: what is done with each.
        store: the output.
        by_content: recordings are compared by what is in them, wherever they lie; otherwise by
            path, size and time of change, which is faster.
        again: nothing counts as done.
        overwrite: files that no batch made here may be replaced.
        lists: files that name sources.

    Raises:
        SettingsError: a result would take the place of a recording or a list or, without
            ``overwrite``, of any other file that no batch made here.
    """
    items = []
    inputs = {identity(path) for path in (*(source.path for source in sources), *lists)}
    inputs.discard(None)
    stems = result_stems(sources, order.formats)
    suffixes = result_suffixes(order.formats)
    for number, (source, stem) in enumerate(zip(sources, stems, strict=True)):
        files = [stem + suffix for suffix in suffixes]
        for file in files:
            _check_no_input(store.output / file, inputs)
        fingerprint = _fingerprint(source.path, by_content=by_content)
        record = store.find(stem)
        error = source.problem(order.channel)
        is_done = (
            not again
            and error is None
            and record is not None
            and bool(fingerprint)
            and record.order_key == order.key
            and record.fingerprint == fingerprint
            and store.has(record, files)
        )
        path = str(plain_path(source.path))
        size = 0 if error else int(fingerprint.get("size_bytes", 0))
        directory = str((store.output / stem).absolute().parent)
        task = Task(number, path, source.shown_name, size, directory, source.word)
        done = record if is_done else None
        items.append(Item(source, stem, files, fingerprint, task, done, error))
    if not overwrite:
        _check_nothing_replaced(items, store)
    return items


def _check_no_input(file: Path, inputs: Container[tuple[int, int] | None]) -> None:
    place = file.absolute()
    if identity(place) in inputs:
        raise SettingsError(
            name="--output",
            reason=f"{place} is an input and would be overwritten; choose another directory",
            reason_zh=f"{place} 是输入文件，会被覆盖，请选择其他目录",
        )


def _check_nothing_replaced(items: Sequence[Item], store: Store) -> None:
    left = (file for item in items if item.is_left for file in item.files)
    foreign = store.first_foreign(left)
    if foreign is not None:
        raise SettingsError(
            name="--output",
            reason=f"{foreign} was not made by a batch there and would be overwritten; "
            "choose another directory, or say --overwrite",
            reason_zh=f"{foreign} 不是该目录中的批处理生成的，会被覆盖；"
            "请选择其他目录，或使用 --overwrite",
        )


def _fingerprint(path: Path, *, by_content: bool) -> dict[str, Any]:
    """What tells a recording from another one and from itself as it was; empty if unreadable."""
    try:
        found = path.stat()
        if not by_content:
            return {
                "path": str(path.absolute()),
                "size_bytes": found.st_size,
                "changed_ns": found.st_mtime_ns,
            }
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while part := stream.read(_READ_BYTES):
                digest.update(part)
        return {"size_bytes": found.st_size, "sha256": digest.hexdigest()}
    except OSError:
        return {}
