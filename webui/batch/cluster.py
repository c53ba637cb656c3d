"""Tasks on a Dask cluster that is there already."""

from __future__ import annotations

import importlib
import queue
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from webui import __version__
from webui.batch.order import Order
from webui.batch.resources import processors, threads_each
from webui.batch.work import Done, Task, failed, process
from webui.batch_errors import ClusterError

# Tasks that wait for each thread of a worker, so that it does not wait for the next one.
_AHEAD = 2
_POLL_S = 2.0
_ROOM_ASKED_S = 10.0


class DaskCluster:
    """Executes tasks on the workers of a cluster.

    Each worker needs this program in the same version, the model, and the recordings under the
    same paths; results come back, so the output directory is needed here alone.

    Args:
        address: of the scheduler, such as "tcp://10.0.0.1:8786".
        timeout_s: to wait for it.

    Raises:
        ClusterError: Dask is not installed, the scheduler does not answer, it has no workers, or
            they do not have this program in this version.
    """

    def __init__(self, address: str, timeout_s: float = 15) -> None:
        self._address = address
        try:
            self._dask: Any = importlib.import_module("distributed")
        except ImportError:
            raise self._refused(
                "Dask is not installed here; in this program's environment run "
                "pip install -c constraints.txt -e '.[cluster]'",
                "本机未安装 Dask；请在本程序的环境中运行 "
                "pip install -c constraints.txt -e '.[cluster]'",
            ) from None
        try:
            self._client: Any = self._dask.Client(address, timeout=timeout_s)
        except (OSError, ValueError, TimeoutError) as error:
            raise self._refused(
                f"no scheduler answers there ({error})", "调度器没有响应"
            ) from error
        try:
            self._check()
        except BaseException:
            self._client.close()
            raise

    @property
    def workers(self) -> int:
        """How many worker processes there are."""
        return len(self._client.nthreads())

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        self._client.close()

    def __call__(self, tasks: Sequence[Task], order: Order) -> Generator[Done, None, None]:
        """Work on tasks; closing the generator cancels those that wait.

        Raises:
            ClusterError: the scheduler is gone.
        """
        waiting = deque(tasks)
        under_way: dict[str, tuple[Any, Task]] = {}
        # Dask's own waiting does not take an interruption well; a queue's does.
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        room, asked = self._room(), time.monotonic()
        try:
            while waiting or under_way:
                if time.monotonic() - asked > _ROOM_ASKED_S:
                    room, asked = self._room(), time.monotonic()
                while waiting and len(under_way) < room:
                    task = waiting.popleft()
                    future = self._client.submit(_work, task, order, pure=False)
                    under_way[future.key] = future, task
                    future.add_done_callback(finished.put)
                try:
                    future = finished.get(timeout=_POLL_S)
                except queue.Empty:
                    if self._client.status != "running":
                        raise self._gone() from None
                    continue
                yield self._result(future, under_way.pop(future.key)[1])
        finally:
            self._client.cancel([future for future, _ in under_way.values()])

    def _room(self) -> int:
        """How many tasks the cluster takes at once; workers come and go."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, _AHEAD * sum(threads.values()))

    def _result(self, future: Any, task: Task) -> Done:
        error = None if future.status == "finished" else future.exception()
        if future.status == "cancelled":
            raise self._gone()
        if error is not None:
            # A worker that died with the recording several times, too.
            return failed(task, error)
        done: Done = future.result()
        return done

    def _check(self) -> None:
        if not self._client.nthreads():
            raise self._refused("it has no workers", "没有 worker")
        for worker, found in self._client.run(_version, on_error="return").items():
            if found == __version__:
                continue
            what = f"has version {found}" if isinstance(found, str) else f"lacks it ({found})"
            raise self._refused(
                f"every worker needs fsmn-vad-studio {__version__}, and {worker} {what}",
                f"每个 worker 都需要 fsmn-vad-studio {__version__}，而 {worker} 没有（{found}）",
            )

    def _gone(self) -> ClusterError:
        return self._refused("the scheduler is gone", "与调度器的连接已断开")

    def _refused(self, reason: str, reason_zh: str) -> ClusterError:
        return ClusterError(address=self._address, reason=reason, reason_zh=reason_zh)


def _version() -> str:
    return __version__


def _work(task: Task, order: Order) -> Done:
    """Work on one recording in a worker, with its share of the machine's processors."""
    if order.threads:
        return process(task, order)
    worker: Any = importlib.import_module("distributed").get_worker()
    at_once = worker.state.nthreads
    return process(task, replace(order, threads=threads_each(at_once, processors())))
