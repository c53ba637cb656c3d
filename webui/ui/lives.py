"""The live streams of a page: begun, found again, ended in time, made into results."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from webui.live.kept import KeptAudio, Span, header_of
from webui.live.result import scores_of, source_frames
from webui.live.runner import Ended, Runner
from webui.live.session import LiveSession, Told
from webui.stream_errors import ClipGoneError, StreamError, StreamGoneError
from webui.system_errors import system_reason_zh
from webui.ui.session import Entry
from webui.ui.workspace import Recording, Workspace, new_id

if TYPE_CHECKING:
    from webui.audio.pcm import PcmFormat
    from webui.live.protocol import Start
    from webui.live.session import Source
    from webui.settings import Settings
    from webui.ui.runs import Runs
    from webui.ui.session import ScoreCache
    from webui.vad.scores import SpeechScores

_log = logging.getLogger(__name__)

# Streams that are over and still known, so that who comes back learns how they ended.
_ENDED = 256
_NOTHING: Told = {"result": None, "from_ms": 0}


@dataclass
class Live:
    """A stream.

    Attributes:
        stream: its id, in addresses.
        key: whoever has it may go on with the stream.
        pcm: format of its sound.
        runner: runs it; None when it is over.
        ended: how it ended; None while it runs.
        recording: where its sound is kept; None if it is not.
        result: id of what became of it, "" for nothing.
        from_ms: of the stream, where the result's recording begins.
        size_bytes: of the samples of the result's recording.
    """

    stream: str
    key: str
    pcm: PcmFormat
    runner: Runner | None
    ended: Ended | None = None
    recording: Recording | None = None
    result: str = ""
    from_ms: int = 0
    size_bytes: int = 0


class Lives:
    """All live streams of a page.

    Its methods are called in the server's event loop, but for `clip`.

    Args:
        settings: limits.
        cache: for the results.
        workspace: for their sound.
        runs: where results are noted.
    """

    def __init__(
        self, settings: Settings, cache: ScoreCache, workspace: Workspace, runs: Runs
    ) -> None:
        self._settings = settings
        self._cache, self._workspace, self._runs = cache, workspace, runs
        self._open: dict[str, Live] = {}
        self._ended: OrderedDict[str, Live] = OrderedDict()
        self._sweeper: asyncio.Task[None] | None = None

    def begin(self, source: Source, start: Start, name: str, language: str) -> Live:
        """Run a stream whose model is loaded.

        Args:
            source: where it is scored.
            start: what its client asked for.
            name: of the recording, if it is kept.
            language: of what the client reads.

        Raises:
            StreamError: its sound cannot be kept.
        """
        recording = kept = None
        if start.keep:
            try:
                _, path = self._workspace.place(name)
            except OSError as error:
                raise StreamError(
                    reason=f"its sound cannot be kept ({error.strerror})",
                    reason_zh=f"无法保存声音（{system_reason_zh(error)}）",
                ) from error
            recording = Recording(path, self._workspace)
            kept = KeptAudio(recording, start.pcm, self._settings.live_keep_s)
        session = LiveSession(source, start.pcm, start.options, with_frames=start.frames, kept=kept)
        stream = new_id()
        runner = Runner(
            session,
            self._settings.stream_bytes_per_s,
            language,
            partial(self._save, stream),
            partial(self._over, stream),
        )
        live = Live(stream, secrets.token_urlsafe(24), start.pcm, runner, recording=recording)
        self._open[stream] = live
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep())
        return live

    def find(self, stream: str, key: str) -> Live:
        """Return a stream, also one that has just ended.

        Raises:
            StreamGoneError: there is none, or it has another key.
        """
        live = self._open.get(stream) or self._ended.get(stream)
        if live is None or not secrets.compare_digest(
            live.key.encode(), key.encode(errors="replace")
        ):
            raise StreamGoneError()
        return live

    def clip(self, live: Live, start_ms: int, end_ms: int) -> tuple[bytes, list[Span]]:
        """Return a WAV header, and where the sound of a part of a stream lies.

        It may have to wait for the disk.

        Args:
            live: the stream.
            start_ms: of the stream.
            end_ms: of the stream; what has not come yet is left out.

        Raises:
            ClipGoneError: not all of it is kept.
        """
        pcm = live.pcm
        first_byte = start_ms * pcm.rate_hz // 1000 * pcm.frame_bytes
        end_byte = -(-end_ms * pcm.rate_hz // 1000) * pcm.frame_bytes
        spans, runner = None, live.runner
        if runner is None:
            spans = self._result_spans(live, first_byte, end_byte)
        elif runner.session.kept is not None:
            spans = runner.session.kept.spans(first_byte, end_byte)
        if not spans:
            raise ClipGoneError(start_ms=start_ms, end_ms=end_ms)
        return header_of(pcm, sum(span.size_bytes for span in spans)), spans

    async def close(self) -> None:
        """End all streams at once, without results."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for live in list(self._open.values()):
            if live.runner is not None:
                await live.runner.close()
        self._open.clear()

    def _result_spans(self, live: Live, first_byte: int, end_byte: int) -> list[Span] | None:
        entry = self._cache.get(live.result)
        if entry is None or not entry.recording.path.is_file():
            return None
        path = entry.recording.path
        dropped = live.from_ms * live.pcm.bytes_per_s // 1000
        end_byte = min(end_byte - dropped, live.size_bytes)
        first_byte -= dropped
        if not 0 <= first_byte < end_byte:
            return None
        header = header_of(live.pcm, live.size_bytes)
        return [Span(path, len(header) + first_byte, end_byte - first_byte)]

    async def _save(self, stream: str, session: LiveSession, is_whole: bool) -> Told:
        live = self._open[stream]
        if live.recording is None or session.kept is None:
            return _NOTHING
        try:
            scores = scores_of(session, live.recording.path.name, is_whole=is_whole)
            if scores is None:
                return _NOTHING
            live.from_ms = session.kept.from_s * 1000
            frames = source_frames(session, scores)
            live.size_bytes = frames * live.pcm.frame_bytes
            # It copies the sound, puts older results away and decides all of it.
            live.result = await asyncio.to_thread(
                self._store, session, live.recording, scores, frames
            )
        except OSError as error:
            _log.warning("the sound of a live stream is not kept: %s", error)
            return _NOTHING
        except Exception:
            # Were the stream not to end, its client would wait for ever.
            _log.exception("a live stream has no result")
            return _NOTHING
        return {"result": live.result, "from_ms": live.from_ms}

    def _store(
        self, session: LiveSession, recording: Recording, scores: SpeechScores, frames: int
    ) -> str:
        assert session.kept is not None
        session.kept.collect(frames)
        result = self._cache.put(recording, (scores,))
        self._runs.note(result, Entry(recording, (scores,)), session.options, "live")
        return result

    def _over(self, stream: str, runner: Runner) -> None:
        live = self._open.pop(stream)
        # Who asks how it ended needs none of what it kept.
        live.ended, live.runner = runner.ended, None
        self._ended[stream] = live
        if len(self._ended) > _ENDED:
            self._ended.popitem(last=False)
        if live.recording is not None:
            live.recording.done()

    async def _sweep(self) -> None:
        """End streams from which nothing comes, for as long as there are any."""
        idle_s = self._settings.stream_idle_s
        while self._open:
            await asyncio.sleep(min(1.0, idle_s / 4))
            for live in list(self._open.values()):
                runner = live.runner
                if runner is not None and runner.idle_s > idle_s:
                    await runner.end("idle")
