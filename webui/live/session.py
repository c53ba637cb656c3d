"""One live stream on the server: what was decided, what is kept, what its client is told.

A session is fed by whoever receives, and absorbs the engine's answers in the same order.
It knows nothing of connections: a client that comes back is told what it has missed.
"""

from __future__ import annotations

import itertools
import json
import pickle
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from webui.audio import SAMPLE_RATE_HZ
from webui.audio.pcm import PcmFormat
from webui.live.kept import KeptAudio
from webui.live.protocol import Resume, Tune
from webui.live.rolling import Rolling
from webui.vad.options import VadOptions
from webui.vad.scorers import Probabilities
from webui.vad.scores import EngineReceipt
from webui.vad.segment import Segment
from webui.vad.stream import Decider, Scored, SpeechEvent
from webui.vad.timebase import FRAME_HOP_MS, frames_of_ms, ms_of_frame

Told: TypeAlias = dict[str, Any]
"""A message to the client, plain values for JSON."""

_TOLD_EVERY_S = 1.0
_EVENTS = 1024
_FRAMES_AT_ONCE = 6000
# Beside the longest segment: what a start can be moved back by, and more.
_REACH_MS = 10_000


class Source(Protocol):
    """Where the sound is scored: `webui.engine.stream.EngineStream`."""

    @property
    def receipt(self) -> EngineReceipt | None:
        """What scores it; None before the model is loaded."""

    @property
    def state_bytes(self) -> int:
        """Size of all that is kept of the stream's past."""

    def feed(self, data: bytes) -> Future[Scored]:
        """Have the next piece scored."""

    def finish(self) -> Future[Scored]:
        """End the stream after what waits."""

    def close(self) -> None:
        """End the stream now."""


@dataclass(frozen=True)
class Step:
    """A piece of sound that is being scored.

    Attributes:
        scored: what will come of it.
        received_bytes: of the stream, with this piece.
        arrived_s: time.monotonic() when it came.
    """

    scored: Future[Scored]
    received_bytes: int
    arrived_s: float


class LiveSession:
    """One stream; its methods are called one at a time.

    Args:
        source: where it is scored.
        pcm: format of what is fed.
        options: until they are tuned.
        with_frames: the client is told probabilities and peaks.
        kept: where the sound is kept; None keeps none.

    Attributes:
        source, pcm, options, kept: as given; the options as tuned.
        received_bytes: what was fed.
        scoring_s: seconds that the engine has worked for it.
        probabilities: P(speech) of each frame that is kept, float32.
        peaks: lowest and highest sample of each hop that is kept, int16.
    """

    def __init__(
        self,
        source: Source,
        pcm: PcmFormat,
        options: VadOptions,
        *,
        with_frames: bool = False,
        kept: KeptAudio | None = None,
    ) -> None:
        self.source, self.pcm, self.options, self.kept = source, pcm, options, kept
        self._with_frames = with_frames
        self._has_peaks = with_frames or kept is not None
        self.received_bytes = 0
        self.scoring_s = 0.0
        # By the second of the stream that they came in.
        self._unusable: Counter[int] = Counter()
        self._scored_bytes = 0
        self.probabilities = Rolling(np.zeros(0, np.float32))
        self.peaks = Rolling(np.zeros((0, 2), np.int16))
        self._decider = Decider(options)
        self._first_frame = 0  # the decider knows of none before
        self._segments: deque[Segment] = deque()
        self._gone_segments = 0
        self._number = 0
        self._restated = 0  # number of the last event that changed what was told before
        # As they are sent, which takes a third of the memory.
        self._events: deque[str] = deque(maxlen=_EVENTS)
        self._told_s = time.monotonic()

    @property
    def state_bytes(self) -> int:
        """Size of all that the engine and the decisions keep of the past."""
        return self.source.state_bytes + len(pickle.dumps(self._decider))

    @property
    def memory_bytes(self) -> int:
        """Memory that the session takes: its state and what is kept but for the sound."""
        return self.state_bytes + self.probabilities.size_bytes + self.peaks.size_bytes

    @property
    def samples(self) -> int:
        """Samples at 16 kHz that were received so far."""
        return -(-self._frames_of(self.received_bytes) * SAMPLE_RATE_HZ // self.pcm.rate_hz)

    @property
    def unusable_samples(self) -> int:
        """Values that were no numbers (NaN, infinite), of what is kept."""
        return self._unusable.total()

    @property
    def from_frame(self) -> int:
        """First frame of which anything is kept."""
        return self.probabilities.first

    def feed(self, data: bytes, arrived_s: float) -> Step:
        """Take what was received next.

        Args:
            data: samples in the stream's format, cut anywhere.
            arrived_s: time.monotonic() when it came; it may have waited for room since.

        Raises:
            StudioError: the engine cannot go on.
        """
        scored = self.source.feed(data)
        if self.kept is not None:
            self.kept.append(data)
        self.received_bytes += len(data)
        return Step(scored, self.received_bytes, arrived_s)

    def absorb(self, step: Step, scored: Scored) -> list[Told]:
        """Take the engine's answer to a step; return what the client is to be told."""
        told, fresh = self._taken(step, scored)
        told += self._decided(self._decider.feed(fresh), step)
        self.forget()
        if (now := time.monotonic()) - self._told_s >= _TOLD_EVERY_S:
            self._told_s = now
            if not self._with_frames:
                told.append({"type": "received", "received_bytes": self._scored_bytes})
            if self.kept is not None:
                told.append(self._status(self.kept))
        return told

    def tune(self, wanted: Tune) -> Told:
        """Decide with other options from now on, and anew what is not finished or all."""
        self.options = wanted.options
        first = self.from_frame
        if wanted.past:
            # Of a segment that begins in what was dropped, nothing can be decided any more.
            kept_ms = ms_of_frame(first)
            self._segments = deque(s for s in self._segments if s.start_ms < kept_ms)
        if self._segments:
            first = max(first, -(-self._segments[-1].end_ms // FRAME_HOP_MS))
        self._first_frame = first
        self._decider = Decider(wanted.options, first)
        again = self._decider.feed(self._unknown(first, self.probabilities.since(first)))
        ended = [event.segment for event in again if event.segment is not None]
        self._segments.extend(ended)
        self._number += 1
        self._restated = self._number
        self._events.clear()
        return self._restatement(ms_of_frame(first), ended) | {"past": wanted.past}

    def missed(self, resume: Resume) -> Iterator[Told]:
        """Say once more what did not come through before a connection was lost.

        Returns:
            What was missed until now. Half an hour of frames is made into messages one by
            one, as they are asked for, so that others are served between them.
        """
        again: Iterator[Told] = iter(())
        if resume.frames is not None and self._with_frames:
            again = self._frames(resume.frames, resume.frames)
        seen = resume.events
        if seen is None or seen >= self._number:
            return again
        oldest = self._number - len(self._events)
        if seen < max(oldest, self._restated):
            from_ms = ms_of_frame(self.from_frame)
            if self._segments:  # the first one may begin in what was dropped
                from_ms = min(from_ms, self._segments[0].start_ms)
            whole = self._restatement(from_ms, list(self._segments)) | {"past": True}
            return itertools.chain(again, [whole])
        return itertools.chain(again, map(json.loads, list(self._events)[seen - oldest :]))

    def finish(self, step: Step, scored: Scored) -> list[Told]:
        """Take the last answer and end what is open; return what the client is to be told."""
        told, fresh = self._taken(step, scored)
        told += self._decided(self._decider.flush(self.samples, fresh), step)
        self.forget()
        return told

    def end(self) -> Told:
        """Say that the stream is over."""
        return {
            "type": "end",
            "duration_ms": self._ms_of(self.received_bytes),
            "segments": self._gone_segments + len(self._segments),
        }

    def forget(self) -> None:
        """Let go what is older than the sound that is kept, or than a segment can be."""
        if self.kept is not None:
            first = frames_of_ms(self.kept.from_s * 1000)
        else:
            reach_ms = self.options.max_single_segment_time + _REACH_MS
            first = self.probabilities.end - frames_of_ms(reach_ms)
        self.probabilities.drop_before(first)
        self.peaks.drop_before(first)
        for second in [each for each in self._unusable if each * 1000 < ms_of_frame(first)]:
            del self._unusable[second]
        while self._segments and self._segments[0].end_ms <= ms_of_frame(self.from_frame):
            self._segments.popleft()
            self._gone_segments += 1

    def close(self) -> None:
        """Let the engine and the files go."""
        self.source.close()
        if self.kept is not None:
            self.kept.close()

    def _taken(self, step: Step, scored: Scored) -> tuple[list[Told], Probabilities]:
        """Keep what was scored; return what is told of it, and what the decider is to have."""
        first, first_peak = self.probabilities.end, self.peaks.end
        self.scoring_s += scored.work_s
        self._scored_bytes = step.received_bytes
        if scored.unusable_samples:
            self._unusable[self._ms_of(step.received_bytes) // 1000] += scored.unusable_samples
        self.probabilities.append(scored.probabilities)
        if self._has_peaks:
            self.peaks.append(scored.peaks)
        told = list(self._frames(first, first_peak)) if self._with_frames else []
        return told, self._unknown(first, scored.probabilities)

    def _unknown(self, first: int, probabilities: Probabilities) -> Probabilities:
        """Leave out the frames before the decider's first one."""
        # Options that pad may have finished a segment beyond what was received.
        return probabilities[max(0, self._first_frame - first) :]

    def _decided(self, events: list[SpeechEvent], step: Step) -> list[Told]:
        taken_ms = (time.monotonic() - step.arrived_s) * 1000
        received_ms = self._ms_of(step.received_bytes)
        told: list[Told] = []
        for event in events:
            self._number += 1
            if event.segment is not None:
                self._segments.append(event.segment)
            about = event.as_dict()
            kind = about.pop("event")
            after_ms = round(received_ms - event.boundary_ms + taken_ms, 1)
            told.append(
                {
                    "type": kind,
                    **about,
                    "received_ms": received_ms,
                    "made_after_ms": after_ms,
                    "number": self._number,
                }
            )
        self._events.extend(map(json.dumps, told))
        return told

    def _frames(self, first: int, first_peak: int) -> Iterator[Told]:
        first = max(first, self.probabilities.first)
        first_peak = max(first_peak, self.peaks.first)
        # What is kept may change before the last of them is asked for.
        speech = self.probabilities.since(first).copy()
        peaks = self.peaks.since(first_peak).copy()
        return _frame_messages(first, speech, first_peak, peaks, self._scored_bytes)

    def _restatement(self, from_ms: int, segments: list[Segment]) -> Told:
        return {
            "type": "tuned",
            "options": self.options.as_dict(),
            "from_ms": from_ms,
            "segments": [segment.as_dict() for segment in segments],
            "open_since_ms": self._decider.open_since_ms,
            "number": self._number,
        }

    def _status(self, kept: KeptAudio) -> Told:
        from_ms = min(kept.from_s * 1000, self._ms_of(self._scored_bytes))
        return {
            "type": "status",
            "kept_from_ms": from_ms,
            "kept_ms": self._ms_of(self._scored_bytes) - from_ms,
            "state_bytes": self.state_bytes,
            "memory_bytes": self.memory_bytes,
            "disk_bytes": kept.size_bytes,
        }

    def _frames_of(self, received_bytes: int) -> int:
        """Whole samples of each channel in so many bytes."""
        return received_bytes // self.pcm.frame_bytes

    def _ms_of(self, received_bytes: int) -> int:
        return self._frames_of(received_bytes) * 1000 // self.pcm.rate_hz


def _frame_messages(
    first: int,
    speech: Probabilities,
    first_peak: int,
    peaks: NDArray[np.int16],
    received_bytes: int,
) -> Iterator[Told]:
    for at in range(0, max(len(speech), len(peaks)), _FRAMES_AT_ONCE):
        until = at + _FRAMES_AT_ONCE
        yield {
            "type": "frames",
            "first": first + min(at, len(speech)),
            "speech": np.round(speech[at:until].astype(np.float64), 3).tolist(),
            "first_peak": first_peak + min(at, len(peaks)),
            "peaks": peaks[at:until].ravel().tolist(),
            "received_bytes": received_bytes,
        }
