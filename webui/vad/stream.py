"""Speech as it is spoken: samples in as they come, beginnings and ends of segments out.

A stream has two halves, so that a live stream can have its network run in one process and
its decisions made, and made anew, in another: `StreamScorer` turns samples into
probabilities, `Decider` turns these into events. `SpeechStream` is both.

The events are the segments that the same samples give as a recording, with the same
options, however the stream is cut.
"""

from __future__ import annotations

import copy
import pickle
import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from webui.audio import FRAME_HOP_SAMPLES, pcm
from webui.audio.pcm import PcmData, PcmFormat, PcmState
from webui.audio.peaks import hop_peaks
from webui.audio.report import duration_ms_of
from webui.vad.endpoint import Endpointer
from webui.vad.options import VadOptions
from webui.vad.postprocess import Refiner
from webui.vad.scorers import Probabilities, Samples, Scorer
from webui.vad.segment import Decision, Segment
from webui.vad.timebase import ms_of_frame, ms_of_samples, samples_known_by

_NONE = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class StreamState:
    """All that a stream's scoring has of its past: a plain value, of bounded size.

    It may be kept, pickled and gone on from in another process that has the same engine.

    Attributes:
        format: of what is fed.
        pcm: the resampler's and what is left of a sample that came in part.
        scorer: the scorer's own.
        peaks_rest: samples at 16 kHz of the hop that is not complete, float32.
        received_bytes: fed so far.
        frames: scored so far.
    """

    format: PcmFormat
    pcm: PcmState
    scorer: Any = field(repr=False)
    peaks_rest: Samples = field(default_factory=lambda: _NONE, repr=False)
    received_bytes: int = 0
    frames: int = 0

    @property
    def samples(self) -> int:
        """Samples at 16 kHz that the stream has, should it end here."""
        return self.pcm.samples

    @property
    def received_ms(self) -> int:
        """Length of what was fed, in whole ms, rounded down."""
        return ms_of_samples(self.samples)

    @property
    def size_bytes(self) -> int:
        """Bytes that the state takes where it is kept or sent."""
        return len(pickle.dumps(self, pickle.HIGHEST_PROTOCOL))


@dataclass(frozen=True, eq=False)
class Scored:
    """What a step of a stream has brought.

    Attributes:
        probabilities: P(speech) of the frames that are complete by now, float32, shape (n,).
        peaks: lowest and highest sample of the 10 ms hops that are complete by now, int16,
            shape (m, 2); at the end of the stream of the last part of a hop, too.
        work_s: what the step took whoever scored it, without any waiting for its turn.
        unusable_samples: values of this step that were no numbers (NaN, infinite) and became 0.
    """

    probabilities: Probabilities
    peaks: npt.NDArray[np.int16]
    work_s: float = 0.0
    unusable_samples: int = 0


class StreamScorer:
    """Runs the network for any number of streams; each one's past is a value.

    Args:
        scorer: shared by all, used from any thread.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def start(self, format: PcmFormat) -> StreamState:
        """State of a new stream."""
        return StreamState(format, PcmState.start(format), self._scorer.start())

    def feed(self, state: StreamState, data: PcmData) -> tuple[StreamState, Scored]:
        """Score what the next samples complete.

        Args:
            state: of the stream; it is not changed, so that a step can be repeated.
            data: bytes, cut anywhere, or samples; see `webui.audio.pcm`.

        Returns:
            The new state and what came of the step.
        """
        begin_s = time.perf_counter()
        pcm_state, samples = pcm.feed(state.format, state.pcm, data)
        scorer_state, probabilities = self._scorer.feed(state.scorer, samples)
        rest, peaks = _peaks(state.peaks_rest, samples)
        following = replace(
            state,
            pcm=pcm_state,
            scorer=scorer_state,
            peaks_rest=rest,
            received_bytes=state.received_bytes + _bytes_of(state.format, data),
            frames=state.frames + len(probabilities),
        )
        unusable = pcm_state.unusable_samples - state.pcm.unusable_samples
        return following, Scored(probabilities, peaks, time.perf_counter() - begin_s, unusable)

    def finish(self, state: StreamState) -> Scored:
        """Score what is still owed at the end of the stream.

        Args:
            state: of the stream; it is not changed, and may also go on.
        """
        begin_s = time.perf_counter()
        samples = pcm.finish(state.pcm)
        scorer_state, first = self._scorer.feed(state.scorer, samples)
        last = self._scorer.finish(scorer_state)
        rest, peaks = _peaks(state.peaks_rest, samples)
        if len(rest):
            peaks = np.concatenate((peaks, hop_peaks(rest[np.newaxis])))
        probabilities = np.concatenate((first, last))
        return Scored(probabilities, peaks, time.perf_counter() - begin_s)


@dataclass(frozen=True)
class SpeechEvent:
    """Speech has begun or ended.

    Attributes:
        kind: "speech_start" or "speech_end".
        start_ms: where the segment begins.
        segment: at its end, all of it; None at its beginning.
        possible_ms: length of stream, in ms, with which this became certain: the end of the
            last sample that it takes to tell, or of the stream.
    """

    kind: Literal["speech_start", "speech_end"]
    start_ms: int
    segment: Segment | None
    possible_ms: int

    @property
    def boundary_ms(self) -> int:
        """Time that the event is about: the segment's start, or its end."""
        return self.start_ms if self.segment is None else self.segment.end_ms

    @property
    def possible_after_ms(self) -> int:
        """How long after the sound the decision was possible; padding may make it negative."""
        return self.possible_ms - self.boundary_ms

    def as_dict(self) -> dict[str, int | float | str]:
        """Plain values, named as in every JSON of this project."""
        times = {"start_ms": self.start_ms} if self.segment is None else self.segment.as_dict()
        return {
            "event": self.kind,
            **times,
            "possible_ms": self.possible_ms,
            "possible_after_ms": self.possible_after_ms,
        }


class Decider:
    """Turns the probabilities of one stream into events.

    The segments are those of `SpeechScores.segments`, post-processing included, whatever
    the cutting. A beginning is given once it is certain and is followed by its end; neither
    is ever taken back. With ``min_speech_ms`` a beginning is certain when no silence that may
    have begun can still end the segment too soon; with ``min_pause_ms`` and padding an end
    waits until no pause is too short.

    What it remembers does not grow. It can be copied and pickled.

    Args:
        options: thresholds and times; they hold for its life.
        first_frame: number of the first frame that it is fed; what was before it does not
            exist for it. All times count from the beginning of the stream all the same.
    """

    def __init__(self, options: VadOptions | None = None, first_frame: int = 0) -> None:
        self.options = options or VadOptions()
        self._endpointer = Endpointer(self.options, first_frame)
        self._refiner = Refiner(
            self.options, self._endpointer.foresight, first_ms=ms_of_frame(first_frame)
        )
        self.frames = first_frame
        """Frames of the stream so far."""

    @property
    def open_since_ms(self) -> int | None:
        """Start of the segment whose beginning was given and whose end was not; None if none."""
        return self._refiner.open_since_ms

    @property
    def needed_from_ms(self) -> int:
        """No segment whose end is still to come begins before this; audio before it may go."""
        needed_ms = self._refiner.needed_from_ms
        if needed_ms is not None:
            return needed_ms
        earliest = self._endpointer.decided_until - self._endpointer.foresight.move_back
        return max(0, ms_of_frame(earliest) - self.options.pad_start_ms)

    def feed(self, probabilities: Probabilities) -> list[SpeechEvent]:
        """Take the next frames and return what is certain by now.

        Args:
            probabilities: P(speech) per 10 ms frame, float32, shape (frames,).
        """
        return [self._event(decision) for decision in self._decide(probabilities)]

    def flush(self, samples: int, probabilities: Probabilities = _NONE) -> list[SpeechEvent]:
        """End the stream and return what was open; the decider is not to be fed afterwards.

        Args:
            samples: of the whole stream at 16 kHz.
            probabilities: of the last frames, which were scored because the stream has ended.
        """
        duration_ms = duration_ms_of(samples)
        refined = self._decide(probabilities)
        for decision in self._endpointer.decide_rest(samples):
            refined += self._refiner.feed(decision)
        refined += self._refiner.flush(duration_ms, self.frames)
        return [self._event(decision, duration_ms) for decision in refined]

    def _decide(self, probabilities: Probabilities) -> list[Decision]:
        decisions = self._endpointer.decide(probabilities)
        self.frames += len(probabilities)
        refined = [refined for decision in decisions for refined in self._refiner.feed(decision)]
        return refined + self._refiner.passed(self._endpointer.decided_until)

    def _event(self, decision: Decision, duration_ms: int | None = None) -> SpeechEvent:
        known = self._endpointer.frames_to_decide(decision.frame)
        possible_ms = ms_of_samples(samples_known_by(known))
        if duration_ms is not None:
            possible_ms = min(possible_ms, duration_ms)
        kind: Literal["speech_start", "speech_end"]
        kind = "speech_start" if decision.segment is None else "speech_end"
        return SpeechEvent(kind, decision.start_ms, decision.segment, possible_ms)


@dataclass(frozen=True, eq=False)
class SpeechStreamState:
    """All that a `SpeechStream` has of its past: a plain value, of bounded size.

    Attributes:
        scoring: of the network.
        decider: as it was then; whoever goes on copies it.
    """

    scoring: StreamState
    decider: Decider

    @property
    def size_bytes(self) -> int:
        """Bytes that the state takes where it is kept or sent."""
        return len(pickle.dumps(self, pickle.HIGHEST_PROTOCOL))


class SpeechStream:
    """One stream of samples, from beginning to end: see `webui.vad.Detector.stream`."""

    def __init__(self, scorer: StreamScorer, state: SpeechStreamState) -> None:
        _check_state(state)
        self._scorer = scorer
        self._scoring = state.scoring
        self._is_finished = False
        self._decider = copy.deepcopy(state.decider)

    @property
    def state(self) -> SpeechStreamState:
        """Where the stream is now; feeding it on does not change this value."""
        return SpeechStreamState(self._scoring, copy.deepcopy(self._decider))

    @property
    def received_ms(self) -> int:
        """Length of what was fed, in whole ms."""
        return self._scoring.received_ms

    @property
    def received_bytes(self) -> int:
        """Bytes that were fed."""
        return self._scoring.received_bytes

    @property
    def samples(self) -> int:
        """Samples at 16 kHz that the stream has, should it end here."""
        return self._scoring.samples

    @property
    def open_since_ms(self) -> int | None:
        """Start of the segment whose beginning was given and whose end was not; None if none."""
        return self._decider.open_since_ms

    @property
    def needed_from_ms(self) -> int:
        """No segment whose end is still to come begins before this; audio before it may go."""
        return self._decider.needed_from_ms

    def feed(self, data: PcmData) -> list[SpeechEvent]:
        """Take what comes next and return what is certain by now.

        Args:
            data: bytes as the stream's format says, cut anywhere; or samples, full scale 1,
                float32, shape (n,) or (n, channels).

        Raises:
            ValueError: samples of another shape or type, or the stream is finished.
            TypeError: neither bytes nor an array.
        """
        self._check_open()
        _check_data(data)
        self._scoring, scored = self._scorer.feed(self._scoring, data)
        return self._decider.feed(scored.probabilities)

    def finish(self) -> list[SpeechEvent]:
        """End the stream and return what was open; it is not to be fed afterwards.

        Raises:
            ValueError: it is finished already.
        """
        self._check_open()
        self._is_finished = True
        last = self._scorer.finish(self._scoring)
        return self._decider.flush(self._scoring.samples, last.probabilities)

    def _check_open(self) -> None:
        if self._is_finished:
            raise ValueError("the stream is finished; Detector.stream() begins another one")


def _check_state(state: object) -> None:
    if not isinstance(state, SpeechStreamState):
        raise TypeError(f"state is that of a SpeechStream, not {type(state).__name__}")


def _check_data(data: object) -> None:
    if not isinstance(data, (bytes, bytearray, memoryview, np.ndarray)):
        raise TypeError(f"feed takes bytes or a float32 array, not {type(data).__name__}")


def _peaks(rest: Samples, samples: Samples) -> tuple[Samples, npt.NDArray[np.int16]]:
    held = np.concatenate((rest, samples))
    whole = len(held) // FRAME_HOP_SAMPLES * FRAME_HOP_SAMPLES
    if not whole:
        return held, np.zeros((0, 2), dtype=np.int16)
    return held[whole:].copy(), hop_peaks(held[:whole].reshape(-1, FRAME_HOP_SAMPLES))


def _bytes_of(format: PcmFormat, data: PcmData) -> int:
    if isinstance(data, np.ndarray):
        return len(data) * format.frame_bytes
    return len(data)
