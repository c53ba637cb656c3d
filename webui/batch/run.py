"""A whole batch: a plan, something that executes tasks, and the store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from webui.batch.order import Order
from webui.batch.plan import Item
from webui.batch.store import Record, Store
from webui.batch.work import Done, Task
from webui.batch_errors import BatchOutputError
from webui.errors import StudioError

Execute = Callable[[Sequence[Task], Order], Generator[Done, None, None]]
"""Works on tasks and yields what came of each, in any order. Closing it early discards what is
under way."""

COLUMNS = (
    "file",
    "result",
    "status",
    "duration_ms",
    "speech_ms",
    "speech_share",
    "segments",
    "sample_rate_hz",
    "channels",
    "codec",
    "notices",
    "error",
)
_FIGURES = COLUMNS[3:10]


@dataclass
class Tally:
    """How a batch stands.

    Attributes:
        total: recordings.
        skipped: of which nothing was left to do.
        done: worked on by this run.
        failed: of which there are no results, or not in every format.
        duration_ms: of all recordings that have results.
        speech_ms: in their segments.
        segments: how many.
        errors: of those that failed, by number.
    """

    total: int
    skipped: int = 0
    done: int = 0
    failed: int = 0
    duration_ms: int = 0
    speech_ms: int = 0
    segments: int = 0
    errors: dict[int, StudioError] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every recording was told of."""
        return self.skipped + self.done + self.failed == self.total

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "files": self.total,
            "done": self.done,
            "skipped": self.skipped,
            "failed": self.failed,
            "segments": self.segments,
            "duration_ms": self.duration_ms,
            "speech_ms": self.speech_ms,
        }


OnItem = Callable[[Item, "StudioError | None", Tally], None]
"""Told of each recording that was worked on, with what went wrong, and how the batch stands."""


def run_batch(
    items: Sequence[Item],
    order: Order,
    store: Store,
    execute: Execute,
    *,
    on_item: OnItem = lambda item, error, tally: None,
    language: str = "en",
) -> Tally:
    """Do what is left to do, and write the summary, also when it is interrupted.

    Args:
        items: of `webui.batch.plan.make_plan`.
        order: what is done with each.
        store: the output.
        execute: works on the tasks.
        on_item: told of the progress.
        language: of the errors and notices in the summary.

    Raises:
        BatchOutputError: nothing can be written any more.
        EngineError, ModelError, ClusterError: nothing can be scored any more.
    """
    tally = Tally(len(items))
    figures: dict[int, Any] = {}
    for number, item in enumerate(items):
        if item.done is not None:
            tally.skipped += 1
            figures[number] = item.done.figures
            _count(tally, item.done.figures)
    try:
        with contextlib.closing(_results(items, order, execute)) as results:
            for done in results:
                item = items[done.number]
                error = _keep(item, done, order, store)
                if error is not None:
                    tally.failed += 1
                    tally.errors[done.number] = error
                else:
                    tally.done += 1
                is_written = done.files and not isinstance(error, BatchOutputError)
                if is_written and done.figures is not None:
                    figures[done.number] = done.figures.as_dict()
                    _count(tally, figures[done.number])
                on_item(item, error, tally)
    finally:
        store.write_summary(COLUMNS, _rows(items, figures, tally.errors, language))
    return tally


def _results(items: Sequence[Item], order: Order, execute: Execute) -> Generator[Done, None, None]:
    """What comes of the items that are not done: first of those that cannot be worked on."""
    for item in items:
        if item.error is not None:
            yield Done(item.task.number, {}, error=item.error)
    # The longest first: at the end, nobody then waits for one of them.
    left = sorted((i.task for i in items if i.is_left), key=lambda task: -task.size_bytes)
    if left:
        with contextlib.closing(execute(left, order)) as results:
            yield from results


def _keep(item: Item, done: Done, order: Order, store: Store) -> StudioError | None:
    """Write what came of a recording; what went wrong with it alone is returned."""
    if done.figures is None:
        store.forget(item.stem)
        return done.error
    files = {item.stem + suffix: content for suffix, content in done.files.items()}
    sizes = {name: len(content) for name, content in files.items()}
    record = Record(order.key, item.fingerprint, sizes, done.figures.as_dict())
    try:
        store.write(item.stem, files, record)
    except BatchOutputError as error:
        if error.details["is_hopeless"]:
            raise
        return error
    return done.error


def _count(tally: Tally, figures: Any) -> None:
    tally.duration_ms += figures["duration_ms"]
    tally.speech_ms += figures["speech_ms"]
    tally.segments += figures["segments"]


def _rows(
    items: Sequence[Item],
    figures: dict[int, Any],
    errors: dict[int, StudioError],
    language: str,
) -> Generator[tuple[object, ...], None, None]:
    """A row of each recording that was told of, in the order of the inputs."""
    for number, item in enumerate(items):
        name = str(item.source.name)
        error = errors[number].message(language) if number in errors else ""
        status = "failed" if error else "ok"
        if number in figures:  # with an error, some of the formats cannot hold it
            found = figures[number]
            # A journal of before has the English ones alone.
            told = found.get("notices_zh") if language == "zh" else None
            notices = "".join(told) if told else " ".join(found["notices"])
            yield (name, item.stem, status, *(found[key] for key in _FIGURES), notices, error)
        elif error:
            yield (name, "", status, *[""] * len(_FIGURES), "", error)
