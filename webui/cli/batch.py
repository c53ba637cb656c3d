"""``fsmn-vad batch``: many files in, one result of each out, resumable."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from webui.cli.batch_progress import Progress, duration_text
from webui.cli.batch_texts import TEXTS
from webui.cli.detect import add_scoring_arguments, chosen_options
from webui.cli.terminal import say, with_options
from webui.errors import SettingsError
from webui.formats import FORMATS
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.batch.order import Order
    from webui.batch.plan import Item
    from webui.batch.run import Execute, Tally

_BACKENDS = ("local", "dask")
_MOST_WORKERS = 1024


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``batch``; those of scoring and deciding are detect's."""
    texts = TEXTS[language]
    parser.description = texts["about"]
    parser.epilog = texts["codes"]
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=texts["inputs"])
    parser.set_defaults(files="inputs")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help=texts["output"])
    parser.add_argument(
        "--format", action="append", choices=FORMATS, dest="formats", help=texts["format"]
    )
    parser.add_argument("--pattern", action="append", default=[], help=texts["pattern"])
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="PATTERN", help=texts["exclude"]
    )
    parser.add_argument("--by-content", action="store_true", help=texts["by_content"])
    parser.add_argument("--again", action="store_true", help=texts["again"])
    parser.add_argument("--overwrite", action="store_true", help=texts["overwrite"])
    parser.add_argument(
        "--workers", type=int, metavar="N", help=texts["workers"].format(high=_MOST_WORKERS)
    )
    parser.add_argument("--backend", choices=_BACKENDS, default="local", help=texts["backend"])
    parser.add_argument("--scheduler", metavar="ADDRESS", help=texts["scheduler"])
    add_scoring_arguments(parser, language)


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Run a batch; returns the exit code."""
    # Here, since NumPy and what else they import is of no use for --help.
    from webui.batch.inputs import collect
    from webui.batch.order import Order
    from webui.batch.plan import make_plan
    from webui.batch.run import run_batch
    from webui.batch.store import Store

    settings = with_options(
        settings, engine=chosen.engine, threads=chosen.threads, device=chosen.device
    )
    _check(chosen)
    order = Order.of(settings, chosen_options(chosen), chosen.channel, chosen.formats or ["json"])
    sources = collect(
        chosen.inputs, output=chosen.output, patterns=chosen.pattern, excludes=chosen.exclude
    )
    texts = TEXTS[language]
    if not sources:
        raise SettingsError(
            name="INPUT", reason=TEXTS["en"]["no_inputs"], reason_zh=TEXTS["zh"]["no_inputs"]
        )
    with Store(chosen.output) as store:
        items = make_plan(
            sources,
            order,
            store,
            by_content=chosen.by_content,
            again=chosen.again,
            overwrite=chosen.overwrite,
            lists=[Path(given) for given in chosen.inputs],
        )
        progress = Progress(items, language)
        try:
            with _executor(chosen, settings, order, items, language) as execute:
                tally = run_batch(
                    items, order, store, execute, on_item=progress.on_item, language=language
                )
        finally:
            progress.close()
    if tally.done:
        _note(chosen, order, tally, progress, settings, language)
    if tally.skipped == tally.total:
        say(texts["nothing"].format(files=tally.total))
    else:
        say(
            texts["ended"].format(
                done=tally.done,
                skipped=tally.skipped,
                failed=tally.failed,
                audio=duration_text(progress.done_ms / 1000),
                spent=duration_text(progress.spent_s),
                rate=round(progress.rate),
            )
        )
    print(json.dumps({**tally.as_dict(), "output": str(chosen.output)}, ensure_ascii=False))
    return 1 if tally.failed else 0


def _note(
    chosen: argparse.Namespace,
    order: Order,
    tally: Tally,
    progress: Progress,
    settings: Settings,
    language: str,
) -> None:
    from webui.batch.noted import name_of, noted
    from webui.cli.notes import Notes

    name = name_of(chosen.inputs, chosen.output)
    run = noted(name, order, tally, worked_ms=progress.done_ms, spent_s=progress.spent_s)
    Notes(settings, language, "batch").note(run)


def _check(chosen: argparse.Namespace) -> None:
    if chosen.backend == "dask" and not chosen.scheduler:
        raise SettingsError(
            name="--scheduler",
            reason="--backend dask wants the address of a scheduler, such as tcp://host:8786",
            reason_zh="使用 --backend dask 时需指定调度器地址，如 tcp://host:8786",
        )
    if chosen.scheduler and chosen.backend != "dask":
        raise SettingsError(
            name="--scheduler",
            reason="it wants --backend dask",
            reason_zh="需与 --backend dask 合用",
        )
    if chosen.workers is not None and not 1 <= chosen.workers <= _MOST_WORKERS:
        raise SettingsError(
            name="--workers",
            reason=f"{chosen.workers} is outside 1 to {_MOST_WORKERS}",
            reason_zh=f"{chosen.workers} 超出范围 1 至 {_MOST_WORKERS}",
        )
    if chosen.output.exists() and not chosen.output.is_dir():
        raise SettingsError(
            name="--output",
            reason=f"{chosen.output} is not a directory",
            reason_zh=f"{chosen.output} 不是目录",
        )


@contextlib.contextmanager
def _executor(
    chosen: argparse.Namespace,
    settings: Settings,
    order: Order,
    items: Sequence[Item],
    language: str,
) -> Iterator[Execute]:
    left = sum(item.is_left for item in items)
    some = TEXTS[language]["some"].format(left=left, total=len(items))
    files = str(left) if left == len(items) else some
    if chosen.backend == "dask" and left:
        from webui.batch.cluster import DaskCluster

        with contextlib.closing(DaskCluster(chosen.scheduler)) as cluster:
            say(TEXTS[language]["cluster"].format(workers=cluster.workers, files=files))
            yield cluster
        return
    # joblib takes a moment to import, and there may be nothing to do.
    from webui.batch import resources
    from webui.batch.local import LocalProcesses
    from webui.guard import process_bytes
    from webui.memory_room import left_bytes_of_all
    from webui.vad.detector import Pace

    available = resources.processors()
    workers = chosen.workers or resources.fitting_workers(
        left,
        each_bytes=process_bytes(order.engine, Pace(settings.block_s, settings.threads or 1)),
        free_bytes=left_bytes_of_all(settings.memory_share),
        processors=max(1, available // (settings.threads or 1)),
    )
    threads = settings.threads or resources.threads_each(workers, available)
    if left:
        text = TEXTS[language]["local"]
        say(text.format(files=files, workers=workers, threads=threads))
    yield LocalProcesses(workers, threads)
