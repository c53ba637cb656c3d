"""The thread that answers what takes longer than a slider may wait. Knows nothing of Gradio."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Answer = TypeVar("_Answer")


class Questions:
    """Answers one question after another. Its methods may be called from any thread."""

    def __init__(self) -> None:
        # One thread: a second one would only take the processor from the sliders.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="questions")
        self._is_closed = threading.Event()

    def put(
        self, question: Callable[[Callable[[], bool]], _Answer], is_dropped: threading.Event
    ) -> Future[_Answer]:
        """Have a question answered.

        Args:
            question: is given a function that says whether it is still to go on.
            is_dropped: to be set when nobody waits for the answer.

        Raises:
            RuntimeError: it is closed.
        """

        def go_on() -> bool:
            return not (is_dropped.is_set() or self._is_closed.is_set())

        return self._thread.submit(question, go_on)

    def close(self) -> None:
        """Drop all questions and end the thread; one that is being answered is waited for."""
        self._is_closed.set()
        self._thread.shutdown(cancel_futures=True)
