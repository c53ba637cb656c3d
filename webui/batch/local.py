"""Tasks on processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace

import psutil
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from webui.batch.order import Order
from webui.batch.resources import free_memory_bytes, worker_bytes
from webui.batch.work import Done, Task, failed, process
from webui.errors import EngineCrashedError

_POLL_S = 0.5
# Tasks that wait in a worker's queue, so that it does not wait for the next one.
_AHEAD = 1

Process = Callable[[Task, Order], Done]


class LocalProcesses:
    """Executes tasks; the model is loaded once in each process.

    A recording that takes its process with it is tried once more, alone, and then told as
    failed; the others go on in fresh processes. One that ends in an error that nobody thought of,
    or for want of memory, is told as failed at once.

    Args:
        workers: how many processes.
        threads: that each scores with.
        work: what is done with a task.
        free_bytes: tells the free memory.
    """

    def __init__(
        self,
        workers: int,
        threads: int,
        work: Process = process,
        free_bytes: Callable[[], int] = free_memory_bytes,
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
            queue = suspects if alone else waiting
            lost = yield from self._round(queue, order, 1 if alone else self._workers, alone)
            if alone:
                for task in lost:
                    yield Done(task.number, {}, error=_crashed())
            else:
                suspects.extend(lost)

    def _round(
        self, queue: deque[Task], order: Order, workers: int, alone: bool
    ) -> Generator[Done, None, list[Task]]:
        """Work until the queue is empty or the processes broke; give what was in work then."""
        pool = ProcessPoolExecutor(
            max_workers=workers,
            timeout=None,
            initializer=_begin,
            initargs=(os.getpid(),),
            env=_environment(self._threads),
        )
        under_way: dict[Future[Done], Task] = {}
        at_once = 1 if alone else workers + _AHEAD
        try:
            while queue or under_way:
                while queue and len(under_way) < at_once and self._has_room(under_way, order):
                    task = queue.popleft()
                    under_way[pool.submit(self._work, task, order)] = task
                finished, _ = wait(under_way, _POLL_S, FIRST_COMPLETED)
                for future in finished:
                    error = future.exception()
                    if isinstance(error, BrokenProcessPool):
                        raise error
                    task = under_way.pop(future)
                    yield future.result() if error is None else failed(task, error)
        except BrokenProcessPool:
            # What had come before the break is not lost.
            for future in [f for f in under_way if f.done() and f.exception() is None]:
                del under_way[future]
                yield future.result()
            return list(under_way.values())
        finally:
            pool.shutdown(wait=True, kill_workers=True)
        return []

    def _has_room(self, under_way: dict[Future[Done], Task], order: Order) -> bool:
        """Whether one more at once fits; the first always does."""
        if len(under_way) < 1:
            return True
        return self._free_bytes() > worker_bytes(order.engine, self._threads) // 2


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
