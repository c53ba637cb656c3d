"""Speech probabilities to segments: FSMN-VAD's endpointer, incremental and exact.

The decisions equal those of FunASR's ``FsmnVADStreaming`` (funasr 1.4.16,
``models/fsmn_vad_streaming/model.py``), whose state machine visits every frame
in Python. This one works on blocks: frame states and window sums are array
operations, and Python walks from one transition to the next, passing over silences
that are too short to end a segment (`webui.vad.pauses`). The block may be one frame or
ten hours; the segments are the same, so offline detection, live streams and re-tuning
all use it.

How a decision is made: a window sum over ``window_size_ms`` of frame states
turns silence into speech at ``sil_to_speech_time_thres`` and speech into silence
at ``speech_to_sil_time_thres``. A start is moved back by window and lookback,
never before the end of the segment before. An end comes when silence has lasted
``max_end_silence_time - speech_to_sil_time_thres``, and is moved back so that
only ``lookahead_time_end_point`` of it stays. A segment that grows beyond
``max_single_segment_time`` is cut. After each end the window restarts empty.

Two switches change this. With ``dynamic_silence`` the silence that ends a segment
follows FunASR's schedule (`webui.vad.schedule`); the walk then goes from step to step.
With ``split_capped``, which FunASR has not, a segment that grows too long ends at its
deepest pause instead of at the cap: where the mean P(speech) of 200 ms is lowest within
the latter half of the longest segment, but for its last 100 ms. Decisions go on from
there as after any end, so that what follows the cut is detected by the same rules and
nothing of it is lost; no segment is longer than ``max_single_segment_time`` then.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.vad.foresight import Foresight
from webui.vad.level import speech_level
from webui.vad.options import VadOptions
from webui.vad.patience import Patience, Steps
from webui.vad.pauses import Pauses
from webui.vad.segment import Decision, EndReason, Segment
from webui.vad.timebase import frames_of_ms, ms_of_frame

# Probabilities are summed as integers of this resolution: such sums do not
# depend on how the frames were cut into blocks.
_UNITS = 1 << 24
# The deepest pause is sought by the mean of so many frames, half of them before the cut.
_PAUSE_FRAMES = 20


@dataclass(frozen=True)
class _Rules:
    """Options in frames, as the walk needs them."""

    level: float
    window: int
    to_speech: int
    to_silence: int
    move_back: int
    longest: int
    splits: bool

    @classmethod
    def of(cls, options: VadOptions) -> _Rules:
        window = frames_of_ms(options.window_size_ms)
        return cls(
            level=speech_level(options.speech_noise_thres_in_force),
            window=window,
            to_speech=frames_of_ms(options.sil_to_speech_time_thres),
            to_silence=frames_of_ms(options.speech_to_sil_time_thres),
            move_back=window + frames_of_ms(options.lookback_time_start_point),
            longest=frames_of_ms(options.max_single_segment_time),
            splits=options.split_capped,
        )

    def history(self, longest_silence: int) -> int:
        """Frames before the last that a start, an end, a window or a split can reach."""
        reach = self.window + self.move_back + longest_silence + 5
        if not self.splits:
            return reach
        return max(self.longest, self.move_back) - self.longest // 2 + _PAUSE_FRAMES + reach


class _Walk:
    """One block, with the past that it needs, ready to be asked for transitions.

    All frame numbers are counted from the beginning of the stream.
    """

    def __init__(self, rules: _Rules, probabilities: npt.NDArray[np.float32], offset: int) -> None:
        # Scaling by a power of two is exact.
        units = np.rint(probabilities * np.float32(_UNITS)).astype(np.int32)
        self.probabilities, self.end = probabilities, offset + len(probabilities)
        self._rules, self._offset = rules, offset
        self._counts = _sums_before(probabilities >= rules.level, np.int32)
        self._sums = _sums_before(units, np.int64)
        # Window sums of the frames whose whole window lies within the block.
        window = self._counts[rules.window :] - self._counts[: -rules.window]
        self._is_up = window >= rules.to_speech
        self._is_down = window <= rules.to_silence
        self._ups = _rising_edges(self._is_up)
        self._downs = _rising_edges(self._is_down)
        self._pauses: Pauses | None = None

    def units_between(self, first: int, end: int) -> int:
        """Sum of the probability units of frames first to end - 1 that are at hand."""
        low = max(first - self._offset, 0)
        high = max(end - self._offset, low)
        return int(self._sums[high] - self._sums[low])

    def deepest_pause(self, start: int) -> int:
        """Frame at which to cut a segment that is too long: see the module's description."""
        half = _PAUSE_FRAMES // 2
        first = start + self._rules.longest // 2 - self._offset
        end = start + self._rules.longest - half + 1 - self._offset
        around = self._sums[first + half : end + half] - self._sums[first - half : end - half]
        # A pause of digital silence is the same all along; its middle is the best place.
        lowest = np.flatnonzero(around == around.min())
        return self._offset + first + int(lowest[len(lowest) // 2])

    def first_speech(self, frame: int, restart: int) -> int | None:
        """First frame from ``frame`` on at which the window sum makes silence speech."""
        full = restart + self._rules.window - 1
        if frame < full:
            # The window is still filling, so its sum only grows.
            wanted = self._counts[restart - self._offset] + self._rules.to_speech
            filling = self._counts[frame - self._offset + 1 : full - self._offset + 1]
            found = int(filling.searchsorted(wanted))
            if found < len(filling):
                return frame + found
        return self._first(self._is_up, self._ups, max(frame, full))

    def first_silence(self, frame: int, restart: int) -> int | None:
        """First frame from ``frame`` on at which the window sum makes speech silence."""
        full = restart + self._rules.window - 1
        if frame < full and frame < self.end:
            # A filling window's sum only grows: if not now, then not before it is full.
            first, last = restart - self._offset, frame - self._offset + 1
            if self._counts[last] - self._counts[first] <= self._rules.to_silence:
                return frame
        return self._first(self._is_down, self._downs, max(frame, full))

    def pauses(self, frame: int) -> Pauses:
        """Return the silences from ``frame`` on, before which it is speech; kept for the block."""
        if self._pauses is None:
            first = max(frame, self._offset + self._rules.window - 1)
            index = first - self._offset - self._rules.window + 1
            self._pauses = Pauses(self._is_up[index:], self._is_down[index:], first)
        return self._pauses

    def _first(self, flags: npt.NDArray[np.bool_], edges: list[int], frame: int) -> int | None:
        shift = self._offset + self._rules.window - 1
        index = frame - shift
        if index >= len(flags):
            return None
        if flags[index]:
            return frame
        following = bisect_right(edges, index)
        return edges[following] + shift if following < len(edges) else None


def _before(end: int, frame: int | None) -> int | None:
    return frame if frame is not None and frame < end else None


def _sums_before(values: npt.NDArray[Any], kind: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Sum of all values before each, and of all."""
    sums = np.zeros(len(values) + 1, kind)
    np.cumsum(values, dtype=kind, out=sums[1:])
    return sums


def _rising_edges(flags: npt.NDArray[np.bool_]) -> list[int]:
    edges: list[int] = (np.flatnonzero(flags[1:] & ~flags[:-1]) + 1).tolist()
    return edges


class Endpointer:
    """Turns speech probabilities into segments, block by block.

    One endpointer serves one stream of audio; what it holds does not grow with
    the length of the stream. Any cutting of the probabilities into blocks gives
    the same segments.

    Args:
        options: thresholds and times; they hold for the endpointer's life.
        first_frame: number of the first frame that it will be fed; what was before it does
            not exist for it. All times count from the beginning of the stream all the same.
    """

    def __init__(self, options: VadOptions | None = None, first_frame: int = 0) -> None:
        options = options or VadOptions()
        self._rules = _Rules.of(options)
        self._steps = Steps(options)
        self._history = self._rules.history(self._steps.longest_silence)
        self._offset = first_frame  # number of the first frame of the tail
        self._tail = np.zeros(0, dtype=np.float32)  # probabilities
        self._units_before_tail = 0
        self._start: int | None = None  # first frame of the open segment
        self._cut_at = 0  # frame at which the open segment would be too long
        self._silent_since: int | None = None  # frame of the last change to silence within it
        # Whether its last change to speech saw full windows and certain silence before. From
        # then on its changes do not depend on where it began.
        self._is_settled = False
        self._next = first_frame  # first frame not decided yet
        self._restart = first_frame  # first frame that the emptied window counts
        self._free_from = first_frame  # first frame that no segment holds
        # Not taken yet: the start's frame, the segment at its end, the frame that decided.
        self._decisions: list[tuple[int, Segment | None, int]] = []

    @property
    def open_since_ms(self) -> int | None:
        """Start of the segment that has begun and not ended, in ms; None in silence."""
        return None if self._start is None else ms_of_frame(self._start)

    @property
    def decided_until(self) -> int:
        """First frame that no decision has gone past, for what is open now, or is not."""
        return self._next

    @property
    def foresight(self) -> Foresight:
        """What is certain of beginnings and ends that are still to come."""
        rules = self._rules
        shortest = rules.longest // 2 if rules.splits else None
        return Foresight(rules.move_back, self._steps.longest_end_back, shortest)

    def frames_to_decide(self, frame: int) -> int:
        """Frames of the stream that must be known before ``frame`` can be decided."""
        return self._steps.known_to_decide(frame)

    def feed(self, probabilities: npt.NDArray[np.float32]) -> list[Segment]:
        """Take the next frames and return the segments that ended within them.

        Args:
            probabilities: P(speech) per 10 ms frame, float32, shape (frames,).

        Returns:
            Closed segments in order.
        """
        self._walk(probabilities)
        return self._ended()

    def flush(self, samples: int | None = None) -> list[Segment]:
        """End the stream: the open segment, if there is one, ends with the last frame.

        The endpointer is not to be fed afterwards.

        Args:
            samples: of the whole stream at 16 kHz. Dynamic silence alone asks for it: frames
                do not tell whether a stream ends just before a step or with it. None takes the
                most that have so many frames.
        """
        self._walk_rest(samples)
        return self._ended()

    def decide(self, probabilities: npt.NDArray[np.float32]) -> list[Decision]:
        """Take the next frames, as `feed`, and return beginnings and ends, in order."""
        self._walk(probabilities)
        return self._decided()

    def decide_rest(self, samples: int | None = None) -> list[Decision]:
        """End the stream, as `flush`, and return beginnings and ends, in order."""
        self._walk_rest(samples)
        return self._decided()

    def _decided(self) -> list[Decision]:
        taken, self._decisions = self._decisions, []
        return [Decision(ms_of_frame(start), segment, frame) for start, segment, frame in taken]

    def _ended(self) -> list[Segment]:
        taken, self._decisions = self._decisions, []
        return [segment for _, segment, _ in taken if segment is not None]

    def _walk(self, probabilities: npt.NDArray[np.float32]) -> None:
        block = np.asarray(probabilities, dtype=np.float32)
        if block.ndim != 1:
            raise ValueError(f"probabilities must have one dimension, not {block.ndim}")
        if not len(block):
            return
        walk = _Walk(self._rules, np.concatenate((self._tail, block)), self._offset)
        while self._advance(walk):
            pass
        self._keep_tail(walk)

    def _walk_rest(self, samples: int | None) -> None:
        walk = _Walk(self._rules, self._tail, self._offset)
        self._steps.end(walk.end, samples)
        while True:
            while self._advance(walk):
                pass
            if self._start is None:
                return
            self._close(walk, walk.end - 1, walk.end, EndReason.END_OF_AUDIO)

    def _advance(self, walk: _Walk) -> bool:
        """Walk to the next end; False when the block's frames are used up."""
        until = self._steps.decided_until(walk.end)
        if self._start is None and not self._open(walk, until):
            return False
        while True:
            change = min(until, self._steps.next_change(walk.end))
            if self._advance_open(walk, change, self._steps.patience):
                return True
            if change == until:
                return False
            self._steps.change()

    def _advance_open(self, walk: _Walk, end: int, patience: Patience) -> bool:
        """Walk to the open segment's end, if it comes before frame ``end``."""
        while True:
            if self._silent_since is None:
                change = _before(end, self._next_silence(walk, patience))
                if self._cut_at < (end if change is None else change + 1):
                    self._close(walk, self._cut_at, self._cut_at + 1, EndReason.MAX_LENGTH)
                    return True
                if change is None:
                    if self._is_settled:  # in a silence, perhaps, that was too short so far
                        self._silent_since = walk.pauses(self._next).before(end)
                    break
                self._silent_since, self._next = change, change + 1
            change = _before(end, walk.first_speech(self._next, self._restart))
            until = end if change is None else change
            # A step may ask for less silence than has passed when it begins.
            ends = max(self._silent_since + patience.silence, self._next)
            if ends < until and ends <= self._cut_at:
                self._close(walk, ends - patience.end_back, ends + 1, EndReason.SILENCE)
                return True
            if self._cut_at < min(until + 1, end):
                self._close(walk, self._cut_at, self._cut_at + 1, EndReason.MAX_LENGTH)
                return True
            if change is None:
                break
            self._is_settled |= change > max(self._full_from, self._silent_since + 1)
            self._silent_since, self._next = None, change + 1
        self._next = end
        return False

    @property
    def _full_from(self) -> int:
        """First frame whose window is full."""
        return self._restart + self._rules.window - 1

    def _next_silence(self, walk: _Walk, patience: Patience) -> int | None:
        """The next change to silence; once settled, the next one that is long enough to count."""
        if self._is_settled:
            return walk.pauses(self._next).first_long(self._next, patience.silence)
        return walk.first_silence(self._next, self._restart)

    def _open(self, walk: _Walk, end: int) -> bool:
        """Walk to the next start before frame ``end``; False when there is none."""
        change = _before(end, walk.first_speech(self._next, self._restart))
        if change is None:
            self._next = end
            return False
        self._steps.open(change, walk.end)
        self._start = max(self._free_from, change - self._rules.move_back)
        self._cut_at = max(self._start + self._rules.longest, change + 1)
        self._is_settled = change > self._full_from
        self._next = change + 1
        self._units_before_tail = 0
        self._decisions.append((self._start, None, change))
        return True

    def _close(self, walk: _Walk, last: int, restart: int, reason: EndReason) -> None:
        """End the open segment with frame ``last``; decisions go on at ``restart``."""
        assert self._start is not None
        decided = restart if reason is EndReason.END_OF_AUDIO else restart - 1
        self._steps.close(restart - 1, walk.end)
        if self._rules.splits and last + 1 - self._start > self._rules.longest:
            last = walk.deepest_pause(self._start) - 1
            restart, reason = last + 1, EndReason.MAX_LENGTH
        total = self._units_before_tail + walk.units_between(self._start, last + 1)
        segment = Segment(
            ms_of_frame(self._start),
            ms_of_frame(last + 1),
            round(total / _UNITS / (last + 1 - self._start), 4),
            reason,
        )
        self._decisions.append((self._start, segment, decided))
        self._start = self._silent_since = None
        self._next = self._restart = restart
        self._free_from = last + 1

    def _keep_tail(self, walk: _Walk) -> None:
        """Keep what later decisions can reach, and the sum of what of the segment leaves it."""
        drop = max(0, len(walk.probabilities) - self._history)
        if self._start is not None:
            self._units_before_tail += walk.units_between(self._start, self._offset + drop)
        self._tail = walk.probabilities[drop:].copy()
        self._offset += drop
