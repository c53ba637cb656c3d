"""What runs a live stream: sound in, in order and no faster than allowed; messages out.

A stream outlives its connection. Whoever is connected has an `Outlet`; what it cannot take
in holds up the stream, and that holds up whoever sends: nothing piles up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from webui.errors import EngineError, StudioError
from webui.live.protocol import CLOSE_NORMAL, Resume, Tune, close_code, error_message
from webui.live.session import LiveSession, Step, Told
from webui.stream_errors import StreamElsewhereError, StreamGoneError
from webui.vad.stream import Scored

_log = logging.getLogger(__name__)

_WAITING_STEPS = 8
_STEP_BYTES = 256 * 1024
_STEP_S = 60
_OUTLET_MESSAGES = 64
# Sound that may come at once before the limit holds it up.
_BURST_S = 1.0


class Outlet:
    """Messages on their way to one connection; whoever puts one waits while it is full."""

    def __init__(self) -> None:
        self._first_words: Iterator[Told] = iter(())
        self._messages: deque[Told] = deque()
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self.code = CLOSE_NORMAL

    @property
    def is_stuck(self) -> bool:
        """Whether nothing more fits in."""
        return len(self._messages) >= _OUTLET_MESSAGES

    def begin(self, messages: Iterable[Told]) -> None:
        """Have messages told before all others; each is made when the one before is gone."""
        self._first_words = iter(messages)
        self._changed.set()

    def preload(self, messages: list[Told]) -> None:
        """Put messages in without waiting."""
        self._messages.extend(messages)
        self._changed.set()

    async def put(self, message: Told) -> None:
        """Put a message in as soon as there is room; one for a closed outlet is dropped."""
        while self.is_stuck and not self._closed.is_set():
            await self._wait()
        if not self._closed.is_set():
            self.preload([message])

    def close(self, message: Told | None = None, code: int = CLOSE_NORMAL) -> None:
        """Take no more; what is in it goes out, then this message, then the connection ends."""
        if self._closed.is_set():
            return
        self.code = code
        self._closed.set()
        self.preload([] if message is None else [message])

    async def wait_closed(self) -> None:
        """Return when nothing more is taken."""
        await self._closed.wait()

    async def get(self) -> Told | None:
        """Return the next message; None at the end."""
        if (first := next(self._first_words, None)) is not None:
            return first
        while not self._messages:
            if self._closed.is_set():
                return None
            await self._wait()
        message = self._messages.popleft()
        self._changed.set()
        return message

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()


@dataclass(frozen=True)
class _End:
    reason: str


_Item: TypeAlias = "Step | Tune | _End | StudioError"


@dataclass(frozen=True)
class Ended:
    """How a stream ended.

    Attributes:
        message: that its client is told, then or when it comes back.
        code: with which the connection ends.
    """

    message: Told
    code: int


class Runner:
    """Runs one session until it ends.

    Args:
        session: of the stream; nobody else calls it.
        bytes_per_s: faster input is held up.
        language: of errors.
        save: makes a result of the session; is told whether it is whole. Returns what the
            client is to be told of it.
        over: told how the stream ended.

    Attributes:
        session: as given.
        language: as given.
        touched_s: time.monotonic() when something last came from the client, or from the
            engine for it.
        ended: how it ended; None while it runs.
    """

    def __init__(
        self,
        session: LiveSession,
        bytes_per_s: int,
        language: str,
        save: Callable[[LiveSession, bool], Awaitable[Told]],
        over: Callable[[Runner], None],
    ) -> None:
        self.session, self.language = session, language
        self._save, self._over = save, over
        self._bytes_per_s = bytes_per_s
        self._allowed_bytes = bytes_per_s * _BURST_S
        self._allowed_at_s = self.touched_s = time.monotonic()
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue()
        self._room = asyncio.Semaphore(_WAITING_STEPS)
        self._feeding = asyncio.Lock()
        self._outlet: Outlet | None = None
        self._is_scoring = self._is_ending = False
        self.ended: Ended | None = None
        self._task = asyncio.create_task(self._serve())

    @property
    def idle_s(self) -> float:
        """Seconds for which nothing came; what the engine still works on is not waited for."""
        return 0.0 if self._is_scoring else time.monotonic() - self.touched_s

    async def attach(
        self, outlet: Outlet, ready: Callable[[], Told], resume: Resume | None
    ) -> None:
        """Have a connection served, in place of the one before.

        Args:
            outlet: of the connection.
            ready: makes the message that tells it where the stream is.
            resume: what it said; None for the first one.
        """
        async with self._feeding:  # a piece of the one before may be on its way in
            if self._outlet is not None:
                told = error_message(StreamElsewhereError(), self.language)
                self._outlet.close(told, close_code(StreamElsewhereError()))
            if self.ended is not None:
                outlet.close(self.ended.message, self.ended.code)
                return
            self.touched_s = time.monotonic()
            self._outlet = outlet
            outlet.begin(chain([ready()], self.session.missed(resume) if resume else ()))

    def detach(self, outlet: Outlet) -> None:
        """Note that a connection is gone; the stream waits for another one."""
        outlet.close()
        if self._outlet is outlet:
            self._outlet = None

    async def leave(self, outlet: Outlet, reason: str) -> None:
        """Note that a connection is gone for good, and end the stream if it was its last one."""
        is_last = self._outlet is outlet
        self.detach(outlet)
        if is_last:
            await self.end(reason)

    async def feed(self, outlet: Outlet, data: bytes) -> None:
        """Take sound from a connection, as soon as there is room for it.

        Raises:
            StreamElsewhereError: the connection is not the stream's any more; what is not
                counted in its received bytes is not taken.
        """
        arrived_s = self.touched_s = time.monotonic()
        # Small enough that holding one up is not taken for silence, and that what waits for the
        # engine is never too much for it.
        size = min(_STEP_BYTES, self._bytes_per_s // 8, self.session.pcm.bytes_per_s * _STEP_S)
        for at in range(0, len(data), size):
            part = data[at : at + size]
            self.touched_s = time.monotonic()
            await self._slow_down(len(part))
            await self._room.acquire()
            # Whoever is cut off meanwhile must not tear the piece from its answer.
            taking = asyncio.create_task(self._take(outlet, part, arrived_s))
            error = await asyncio.shield(taking)
            if error is not None:
                raise error

    async def tune(self, outlet: Outlet, wanted: Tune) -> None:
        """Have the options changed after all that was received before.

        Raises:
            StreamElsewhereError: the connection is not the stream's any more.
        """
        await self._room.acquire()
        error = self._refusal(outlet)
        if error is not None or self._is_ending:
            self._room.release()
            if error is not None:
                raise error
            return
        self.touched_s = time.monotonic()
        self._inbox.put_nowait(wanted)

    async def end(self, reason: str, outlet: Outlet | None = None) -> None:
        """End the stream after all that was received; a client that takes nothing is cut off.

        Args:
            reason: that the client is told.
            outlet: of the connection that asks for it; None if none does.

        Raises:
            StreamElsewhereError: the connection is not the stream's any more.
        """
        async with self._feeding:
            if outlet is not None and (error := self._refusal(outlet)) is not None:
                raise error
            if self._outlet is not None and self._outlet.is_stuck:
                self._outlet.close()
            if not self._is_ending:
                self._is_ending = True
                self._inbox.put_nowait(_End(reason))

    async def close(self) -> None:
        """End the stream now, without a result."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self.session.close()

    async def _take(self, outlet: Outlet, part: bytes, arrived_s: float) -> StudioError | None:
        async with self._feeding:
            error = self._refusal(outlet)
            if error is not None or self._is_ending:
                self._room.release()
                return error
            feed = self.session.feed
            try:
                # The disk may be slow; nobody else is to wait for it.
                keeps = self.session.kept is not None
                step = (
                    await asyncio.to_thread(feed, part, arrived_s)
                    if keeps
                    else feed(part, arrived_s)
                )
            except StudioError as refused:
                self._inbox.put_nowait(refused)
            else:
                self._inbox.put_nowait(step)
                self.touched_s = time.monotonic()
            return None

    def _refusal(self, outlet: Outlet) -> StudioError | None:
        """Say why a connection may say nothing.

        None also while the stream ends: how it does, with its result, is about to be told, and
        what comes meanwhile is dropped.
        """
        if self.ended is not None:
            return StreamGoneError()
        return None if self._outlet is outlet else StreamElsewhereError()

    async def _slow_down(self, size: int) -> None:
        now = time.monotonic()
        most = self._bytes_per_s * _BURST_S
        earned = (now - self._allowed_at_s) * self._bytes_per_s
        self._allowed_bytes = min(most, self._allowed_bytes + earned) - size
        self._allowed_at_s = now
        if self._allowed_bytes < 0:
            await asyncio.sleep(-self._allowed_bytes / self._bytes_per_s)

    async def _serve(self) -> None:
        try:
            while True:
                item = await self._inbox.get()
                if isinstance(item, StudioError):
                    raise item
                if isinstance(item, _End):
                    await self._finish(item.reason)
                    return
                if isinstance(item, Step):
                    scored = await self._scored(item)
                    # Whoever is attached from here on is told by `missed`.
                    outlet, told = self._outlet, self.session.absorb(item, scored)
                else:
                    outlet, told = await self._tuned(item)
                await self._tell(outlet, told)
                self._room.release()
        except StudioError as error:
            await self._fail(error)
        except Exception as error:
            _log.exception("a live stream failed")
            await self._fail(EngineError(reason=f"{type(error).__name__}: {error}"))

    async def _tuned(self, wanted: Tune) -> tuple[Outlet | None, list[Told]]:
        # Hours may be decided anew: meanwhile others are served, but nobody is attached.
        async with self._feeding:
            outlet = self._outlet
            return outlet, [await asyncio.to_thread(self.session.tune, wanted)]

    async def _scored(self, step: Step) -> Scored:
        self._is_scoring = True
        try:
            return await asyncio.wrap_future(step.scored)
        finally:
            self._is_scoring = False
            self.touched_s = time.monotonic()

    async def _tell(self, outlet: Outlet | None, told: list[Told]) -> None:
        for message in told:
            if outlet is not None:
                await outlet.put(message)
                self.touched_s = time.monotonic()

    async def _finish(self, reason: str) -> None:
        step = Step(self.session.source.finish(), self.session.received_bytes, time.monotonic())
        scored = await asyncio.wrap_future(step.scored)
        outlet = self._outlet
        told = self.session.finish(step, scored)
        await self._tell(outlet, told)
        result = await self._save(self.session, True)
        self._be_over({**self.session.end(), "reason": reason, **result}, CLOSE_NORMAL)

    async def _fail(self, error: StudioError) -> None:
        async with self._feeding:  # nothing is kept any more once it is saved
            self._is_ending = True
        result = await self._save(self.session, False)
        self._be_over({**error_message(error, self.language), **result}, close_code(error))

    def _be_over(self, message: Told, code: int) -> None:
        self.ended = Ended(message, code)
        self.session.close()
        if self._outlet is not None:
            self._outlet.close(message, code)
        self._over(self)
