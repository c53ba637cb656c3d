"""A batch as the page shows it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from webui.formats import FORMATS
from webui.ui import recipe, words
from webui.ui.batches.row import STATES
from webui.vad.scorers import SCORERS

if TYPE_CHECKING:
    from webui.engine import JobProgress
    from webui.ui.batches.batch import Batch
    from webui.ui.batches.row import Row
    from webui.ui.i18n import Texts

# From so much work on, what is left can be told.
_TELLING_S = 1.0


def batch_value(batch: Batch, texts: Texts, *, first: int, count: int, only: str) -> dict[str, Any]:
    """Return what the page shows of a batch.

    Args:
        batch: which.
        texts: the language.
        first: of the rows that are shown.
        count: how many are shown.
        only: the state of the rows that are shown, "" for all.
    """
    counts = batch.counts()
    rows = [row for row in batch.rows if not only or row.state == only]
    total = sum(max(row.size_bytes, 1) for row in batch.rows)
    done = sum(max(row.size_bytes, 1) * row.fraction for row in batch.rows)
    error = batch.error.message(texts.language) if batch.error else ""
    return {
        "id": batch.id,
        "state": batch.state,
        "title": texts(f"batch.state_{batch.state}"),
        "error": words.readable(error)
        or ("" if batch.is_kept or not batch.is_over else texts("batch.forgotten")),
        "fraction": round(done / total, 4) if batch.rows else 1.0,
        "pace": _pace(batch, done / total, counts["done"], texts),
        "files": _files(batch, texts),
        "made": _made(batch, texts),
        "results": sum(row.figures is not None for row in batch.rows),
        "count": len(batch.rows),
        "kinds": [
            {"state": "", "word": texts("batch.row_all"), "count": len(batch.rows)},
            *(
                {"state": state, "word": texts(f"batch.row_{state}"), "count": counts[state]}
                for state in STATES
            ),
        ],
        "matching": len(rows),
        "rows": [_row(row, batch, texts) for row in rows[first : first + count]],
        "is_kept": batch.is_kept,
        "can_go_on": batch.can_go_on,
        "lacks_files": batch.lacks_files,
    }


def _files(batch: Batch, texts: Texts) -> str:
    """How many files had their turn, and how many will have none."""
    counts = batch.counts()
    told, left = counts["done"] + counts["failed"], counts["skipped"]
    key = "batch.files_left" if left else "batch.files_of"
    return texts(key, done=f"{told:,}", count=f"{len(batch.rows):,}", left=f"{left:,}")


def _made(batch: Batch, texts: Texts) -> str:
    """With what, with which options and in which formats its results are made."""
    order = batch.order
    told = [SCORERS[order.engine].label[texts.language]]
    if order.channel != "mix":
        told.append(texts(f"detect.channel_{order.channel}"))
    told += recipe.in_words(order.options, texts.language) or [texts("batch.usual")]
    formats = ", ".join(FORMATS[name].title for name in order.formats)
    return " · ".join([*told, texts("batch.written", formats=formats)])


def _pace(batch: Batch, share: float, done: int, texts: Texts) -> str:
    """How fast it goes, and how much time is left by the bytes that are."""
    pace = batch.pace
    told = []
    if pace.audio_ms:
        told.append(texts("batch.audio", time=words.span(texts, pace.audio_ms / 1000, whole=True)))
    if pace.audio_ms and (batch.is_over or not batch.lacks_files):  # idle time is no pace
        told.append(texts("batch.rate", rate=f"{pace.rate:,.0f}" if pace.rate >= 1 else "<1"))
    if batch.is_over:
        told.append(texts("batch.spent", time=words.span(texts, pace.spent_s, whole=True)))
    elif not batch.lacks_files and share > 0 and done and pace.spent_s >= _TELLING_S:
        left_s = pace.spent_s * (1 - share) / share
        told.append(texts("status.left", time=words.span(texts, left_s, whole=True)))
    return " · ".join(told)


def _progress(now: JobProgress, texts: Texts) -> dict[str, Any]:
    if now.phase == "queued":  # lined up, so that the engine need not wait for it
        return {"state": "waiting", "word": texts("batch.row_waiting")}
    if now.phase == "loading":
        return {"word": texts("batch.loading"), "fraction": 0.0}
    fraction = now.fraction or 0.0
    return {"word": f"{fraction:.0%}", "fraction": fraction}


def _row(row: Row, batch: Batch, texts: Texts) -> dict[str, Any]:
    value: dict[str, Any] = {
        "n": row.number,
        "name": words.readable(row.name),
        "state": row.state,
        "word": texts(f"batch.row_{row.state}"),
        "note": "",
        "fraction": None,
    }
    if row.state == "scoring" and (job := row.job) is not None:
        value |= _progress(job.progress, texts)
    elif row.state == "failed" and row.error is not None:
        value["note"] = words.readable(row.error.message(texts.language))
    elif row.state == "skipped":
        key = "batch.skipped_stopped" if batch.is_stopped or batch.error else "batch.skipped_unsent"
        value["note"] = texts(key)
    figures = row.figures
    if row.state == "done" and figures is not None:
        value |= {
            "length": words.position(figures.duration_ms / 1000),
            "segments": str(figures.segments),
            "share": f"{figures.speech_share:.1%}",
        }
        stem = batch.stems[row.number]
        is_taken = stem != str(PurePosixPath(row.place).with_suffix(""))  # another has its name
        if is_taken or row.place != row.name:
            key = "batch.row_named" if is_taken else "batch.row_safe"
            value["note"] = words.readable(texts(key, name=PurePosixPath(stem).name))
    return value
