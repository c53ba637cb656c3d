"""Tasks on processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace

import psutil
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from webui.batch.order import Order
from webui.batch.work import Done, Task, failed, process
from webui.control_groups import out_of_memory_kills
from webui.errors import EngineCrashedError
from webui.guard import process_bytes
from webui.memory_errors import MemoryExceededError, MemoryKilledError, MemoryShortError
from webui.memory_room import left_bytes_of_all
from webui.vad.detector import Pace

_POLL_S = 0.5
# Tasks that wait in a worker's queue, so that it does not wait for the next one.
_AHEAD = 1

Process = Callable[[Task, Order], Done]


class LocalProcesses:
    """Executes tasks; the model is loaded once in each process.

    A recording that takes its process with it is tried once more, alone, and then told as
    failed; the others go on in fresh processes. So is one for which memory is short, after the
    others: alone it may fit. One that ends in an error that nobody thought of is told as failed
    at once.

    Args:
        workers: how many processes.
        threads: that each scores with.
        work: what is done with a task.
        free_bytes: tells how much memory may be taken; given the share that may be in use.
    """

    def __init__(
        self,
        workers: int,
        threads: int,
        work: Process = process,
        free_bytes: Callable[[float], int] = left_bytes_of_all,
    ) -> None:
        self._workers = workers
        self._threads = threads
        self._work = work
        self._free_bytes = free_bytes

    def __call__(self, tasks: Sequence[Task], order: Order) -> Generator[Done, None, None]:
        """Work on tasks; closing the generator ends the processes at once."""
        order = replace(order, threads=self._threads)
        waiting = deque(tasks)
        suspects: deque[Task] = deque()
        while waiting or suspects:
            # Of several recordings that were in work, each is tried alone.
            alone = bool(suspects)
            # Anew each time: what was ended before, beside others, tells nothing of this one.
            kills = out_of_memory_kills()
            queue = suspects if alone else waiting
            lost = yield from self._round(queue, order, 1 if alone else self._workers, alone)
            if alone:
                for task in lost:
                    is_memory = out_of_memory_kills() > kills
                    error = MemoryKilledError() if is_memory else _crashed()
                    yield Done(task.number, {}, error=error)
            else:
                suspects.extend(lost)

    def _round(
        self, queue: deque[Task], order: Order, workers: int, alone: bool
    ) -> Generator[Done, None, list[Task]]:
        """Work until the queue is empty or the processes broke.

        Returns:
            What was in work then, and that for which memory was short beside others.
        """
        pool = ProcessPoolExecutor(
            max_workers=workers,
            timeout=None,
            initializer=_begin,
            initargs=(os.getpid(),),
            env=_environment(self._threads),
        )
        under_way: dict[Future[Done], Task] = {}
        short: list[Task] = []
        at_once = 1 if alone else workers + _AHEAD

        def settled(future: Future[Done]) -> Iterator[Done]:
            task = under_way.pop(future)
            if not alone and _is_short(future):
                short.append(task)
            else:
                error = future.exception()
                yield future.result() if error is None else failed(task, error)

        try:
            while queue or under_way:
                while queue and len(under_way) < at_once and self._has_room(under_way, order):
                    task = queue.popleft()
                    under_way[pool.submit(self._work, task, order)] = task
                finished, _ = wait(under_way, _POLL_S, FIRST_COMPLETED)
                for future in finished:
                    if isinstance(error := future.exception(), BrokenProcessPool):
                        raise error
                    yield from settled(future)
        except BrokenProcessPool:
            # What had come before the break is not lost.
            for future in [f for f in under_way if f.done() and f.exception() is None]:
                yield from settled(future)
            return [*short, *under_way.values()]
        finally:
            pool.shutdown(wait=True, kill_workers=True)
        return short

    def _has_room(self, under_way: dict[Future[Done], Task], order: Order) -> bool:
        """Whether one more at once fits; the first always does."""
        if len(under_way) < 1:
            return True
        # The others have loaded theirs already, or are about to.
        each_bytes = process_bytes(order.engine, Pace(order.block_s, self._threads))
        return self._free_bytes(order.memory_share) > each_bytes // 2


def _is_short(future: Future[Done]) -> bool:
    """Whether memory did not suffice for a recording, or for another model beside the others."""
    error = future.exception() or future.result().error
    return isinstance(error, (MemoryShortError, MemoryExceededError))


def _crashed() -> EngineCrashedError:
    return EngineCrashedError(
        reason="the recording took its process with it twice",
        reason_zh="该录音两次使处理进程崩溃",
    )


def _begin(parent: int) -> None:
    """Prepare a worker.

    Args:
        parent: process id of the batch.
    """
    # Ctrl-C in a terminal reaches the whole group; the batch decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when the batch is gone, as it is after kill -9; it would wait for ever."""
    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(_POLL_S)
    os._exit(1)


def _environment(threads: int) -> dict[str, str]:
    """Keeps the libraries' own threads from being more than the process was given."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(names, str(threads))
