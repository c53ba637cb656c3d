"""The handle of one engine process: start it, talk to it, end it for certain."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator

from webui.engine import worker
from webui.engine.messages import Answer, Command, EngineConfig
from webui.errors import EngineCrashedError

_POLL_S = 0.05


class EngineProcess:
    """A child process with one loaded scorer. One thread at a time may talk to it.

    It is spawned, not forked: a fork would copy the page's locks and threads. It
    ends by itself when this process ends, however that ends, since its pipe closes.

    Args:
        config: which engine to load, and the settings.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.engine = config.engine
        context = multiprocessing.get_context("spawn")
        self._pipe, childs_end = context.Pipe()
        self._process = context.Process(
            target=worker.main, args=(childs_end, config), name="fsmn-vad-engine", daemon=True
        )
        self._process.start()
        # Only then does a dead child mean end-of-file here.
        childs_end.close()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def send(self, command: Command) -> None:
        """Give a command.

        Raises:
            EngineCrashedError: the process is gone.
        """
        try:
            self._pipe.send(command)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._crashed() from error

    def answers(self, silence_s: float) -> Iterator[Answer | None]:
        """Yield answers as they come, and None while there is none.

        The iteration ends when nothing came for ``silence_s``; whoever waits for a
        sign of life has to take that as "there is none".

        Raises:
            EngineCrashedError: the process is gone.
        """
        heard = time.monotonic()
        while time.monotonic() - heard < silence_s:
            try:
                answer = self._pipe.recv() if self._pipe.poll(_POLL_S) else None
            except (EOFError, ConnectionResetError, BrokenPipeError) as error:
                raise self._crashed() from error
            if answer is not None:
                heard = time.monotonic()
            yield answer

    def end(self) -> None:
        """End the process now and wait until the system has taken its memory back."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _crashed(self) -> EngineCrashedError:
        self._process.join(5)
        code = self._process.exitcode
        if code is not None and code < 0:
            reason = signal.Signals(-code).name
        else:
            reason = f"exit code {code}"
        return EngineCrashedError(reason=reason)
