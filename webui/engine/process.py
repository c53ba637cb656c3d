"""The handle of one engine process: start it, talk to it, end it for certain."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
import time
from collections.abc import Iterator

from webui.control_groups import out_of_memory_kills
from webui.engine import worker
from webui.engine.messages import (
    Answer,
    Command,
    EngineConfig,
    Failed,
    StreamStep,
    StreamStepped,
)
from webui.errors import EngineCrashedError
from webui.memory_errors import MemoryKilledError
from webui.vad.scores import EngineReceipt

_POLL_S = 0.05


class EngineProcess:
    """A child process with one loaded scorer. One thread at a time may talk to it.

    Another one at a time may have it do steps of live streams meanwhile.

    It is spawned, not forked: a fork would copy the page's locks and threads. It
    ends by itself when this process ends, however that ends, since its pipe closes.

    Args:
        config: which engine to load, and the settings.

    Attributes:
        engine: which engine it loads.
        receipt: of what it has loaded, for whoever has heard of that to note; None before.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.engine = config.engine
        self.receipt: EngineReceipt | None = None
        self._kills = out_of_memory_kills()
        context = multiprocessing.get_context("spawn")
        self._pipe, childs_end = context.Pipe()
        # Never closed here but by the last who holds this object: somebody may wait in it.
        self._streams, childs_streams = context.Pipe()
        self._process = context.Process(
            target=worker.main,
            args=(childs_end, childs_streams, config),
            name="fsmn-vad-engine",
            daemon=True,
        )
        self._process.start()
        # Only then does a dead child mean end-of-file here.
        childs_end.close()
        childs_streams.close()
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="engine-answers", daemon=True)
        self._reader.start()

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
        except OSError as error:
            raise self.crashed() from error

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
                answer = self._answers.get(timeout=_POLL_S)
            except queue.Empty:
                yield None
                continue
            if answer is None:
                raise self.crashed()
            heard = time.monotonic()
            yield answer

    def step(self, steps: tuple[StreamStep, ...]) -> tuple[StreamStepped | Failed, ...]:
        """Have steps of live streams done, once the model is loaded; waits for the answers.

        Raises:
            EngineCrashedError: the process is gone; so it is for whoever asks afterwards.
        """
        try:
            self._streams.send(steps)
            answers: tuple[StreamStepped | Failed, ...] = self._streams.recv()
        except (EOFError, OSError) as error:
            # It may still be alive, or be about to end.
            self.kill()
            raise self.crashed() from error
        return answers

    def kill(self) -> None:
        """Have the process end at once; from any thread."""
        self._process.kill()

    def end(self) -> None:
        """End the process now and wait until the system has taken its memory back."""
        self._process.kill()
        self._process.join()
        self._reader.join()
        self._pipe.close()

    def _read(self) -> None:
        """Hand answers over until the pipe ends; None is the end.

        In a thread of its own: an answer that has begun and does not go on would
        hold whoever reads it, and nobody could stop that job any more.
        """
        try:
            while True:
                self._answers.put(self._pipe.recv())
        except (EOFError, OSError):
            pass  # the process is gone, perhaps in the middle of an answer
        finally:
            self._answers.put(None)

    def crashed(self) -> EngineCrashedError:
        """The error that tells how the process ended; it has, or is about to."""
        self._process.join(5)
        code = self._process.exitcode
        reason = f"exit {code}"
        if code is not None and code < 0:
            # Not by the constants: other systems lack some, and some signals have no name.
            names = {each.value: each.name for each in signal.Signals}
            reason = names.get(-code, f"signal {-code}")
        if reason == "SIGKILL" and out_of_memory_kills() > self._kills:
            return MemoryKilledError(reason=f"{reason}, out of memory")
        return EngineCrashedError(reason=reason)
