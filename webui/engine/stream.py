"""One live stream, as its owner and as the lane (`webui.engine.streams`) see it."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from webui.audio.pcm import PcmFormat
from webui.engine.jobs import JobProgress
from webui.engine.messages import StreamStep, StreamStepped
from webui.errors import JobCancelledError, StudioError
from webui.vad.scores import EngineReceipt
from webui.vad.stream import Scored

# What may wait in one stream: of a usual format some minutes; of an odd one, what the engine
# makes of it (64 kB a second) would else fill its memory.
_WAITING_BYTES = 8 * 1024**2
_WAITING_S = 600
# Done at once: nobody waits long for another's heap.
_STEP_S = 2.0
_STEP_PIECES = 64


@dataclass(eq=False)
class _Piece:
    data: bytes
    is_last: bool = False
    scored: Future[Scored] = field(default_factory=Future)

    def __post_init__(self) -> None:
        # It is scored or fails; nobody who waits for it can take it back.
        self.scored.set_running_or_notify_cancel()


class Lane(Protocol):
    """What a stream asks of whoever serves it."""

    @property
    def loading(self) -> JobProgress | None:
        """How far loading the model is; None while nobody waits for that."""

    def wake(self, stream: EngineStream) -> None:
        """Note that a stream has something to do."""

    def remove(self, stream: EngineStream) -> None:
        """Forget a stream that is over."""


class EngineStream:
    """One live stream, as its owner sees it; made by `webui.engine.Engine.open_stream`.

    All methods may be called from any thread.

    Attributes:
        format: of what is fed.
        engine: name of the engine that scores it.
        ready: done when the model is loaded and the stream has its first state; fails
            with the error if that cannot be.
        attempts: for the lane: at its present step that ended with the process.
    """

    def __init__(self, pcm: PcmFormat, engine: str, lane: Lane) -> None:
        self.format = pcm
        self.engine = engine
        self.ready: Future[EngineReceipt] = Future()
        self.ready.set_running_or_notify_cancel()
        self._unready: Future[EngineReceipt] | None = self.ready
        self._lane = lane
        self._lock = threading.Lock()
        self._pieces: deque[_Piece] = deque()
        self._waiting_bytes = 0
        self._state: bytes | None = None
        self._receipt: EngineReceipt | None = None
        self._error: StudioError | None = None
        self._is_finishing = False
        self.attempts = 0

    def __enter__(self) -> EngineStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def state_bytes(self) -> int:
        """Size of all that is kept of the stream's past; 0 before it is ready."""
        return len(self._state or b"")

    @property
    def waiting_bytes(self) -> int:
        """Size of what was fed and is not scored yet."""
        return self._waiting_bytes

    @property
    def most_waiting_bytes(self) -> int:
        """Size of what may wait."""
        return min(_WAITING_BYTES, _WAITING_S * self.format.bytes_per_s)

    @property
    def receipt(self) -> EngineReceipt | None:
        """What scores the stream; None before it is ready."""
        return self._receipt

    @property
    def loading(self) -> JobProgress | None:
        """How far loading the model is; None while it is loaded."""
        return self._lane.loading

    @property
    def stage(self) -> str:
        """Stage of loading, a key of `webui.vad.scorers.STAGES`; "" otherwise."""
        loading = self.loading
        return loading.stage if loading else ""

    def feed(self, data: bytes) -> Future[Scored]:
        """Have the next piece scored, after those that wait already.

        Args:
            data: samples in the stream's format; it may begin and end within a sample.

        Returns:
            What this piece completes. It fails with a StudioError if the engine cannot go
            on or the stream is closed; then the stream is over.

        Raises:
            queue.Full: more than `most_waiting_bytes` would wait; nothing was taken.
            StudioError: why the stream is over.
            ValueError: `finish` was called before.
        """
        return self._put(_Piece(data))

    def finish(self) -> Future[Scored]:
        """End the stream, after what waits; it is closed when the answer is there.

        Raises:
            StudioError: why the stream is over already.
            ValueError: it was called before.
        """
        return self._put(_Piece(b"", is_last=True))

    def close(self) -> None:
        """End the stream now; what is not scored yet fails with JobCancelledError."""
        self.fail(JobCancelledError())

    def _put(self, piece: _Piece) -> Future[Scored]:
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._is_finishing:
                raise ValueError("the stream was finished")
            if self._waiting_bytes + len(piece.data) > self.most_waiting_bytes:
                raise queue.Full
            self._is_finishing = piece.is_last
            self._pieces.append(piece)
            self._waiting_bytes += len(piece.data)
        self._lane.wake(self)
        return piece.scored

    # From here on: for the lane.

    def step(self) -> StreamStep | None:
        """What is to be done next; None if there is nothing. It stays until `take` or `fail`."""
        taken: list[bytes] = []
        is_last = False
        left = self.format.bytes_per_s * _STEP_S
        with self._lock:
            if self._error is not None or not (self._pieces or self._state is None):
                return None
            for piece in itertools.islice(self._pieces, _STEP_PIECES):
                if taken and left < len(piece.data):
                    break
                if piece.is_last:
                    is_last = True
                else:
                    taken.append(piece.data)
                    left -= len(piece.data)
            return StreamStep(self.format, self._state, tuple(taken), is_last)

    def take(self, answer: StreamStepped, receipt: EngineReceipt) -> None:
        """Keep the new state and hand the scores out."""
        self.attempts = 0
        with self._lock:
            if self._error is not None:
                return
            self._state, self._receipt = answer.state, receipt
            unready, self._unready = self._unready, None
            done = [self._pieces.popleft() for _ in answer.scored]
            self._waiting_bytes -= sum(len(piece.data) for piece in done)
        if unready is not None:
            unready.set_result(receipt)
        for piece, scored in zip(done, answer.scored, strict=True):
            piece.scored.set_result(scored)
        if done and done[-1].is_last:
            self.close()

    def fail(self, error: StudioError) -> None:
        """End the stream: with an error, all that waits."""
        with self._lock:
            if self._error is not None:
                return
            self._error = error
            pieces, self._pieces, self._waiting_bytes = self._pieces, deque(), 0
            unready, self._unready = self._unready, None
        self._lane.remove(self)
        for piece in pieces:
            piece.scored.set_exception(error)
        if unready is not None:
            unready.set_exception(error)
