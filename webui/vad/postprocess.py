"""What may be done to segments after detection; all of it is off by default.

The order is that of the field (pauses are closed before what is short is dropped, so
that a sentence in pieces survives): join, drop, pad, clamp. It is done while the
segments come: what cannot change any more is given at once, in their order.

Join: neighbours with a pause shorter than ``min_pause_ms`` between them become one, but
not what was cut for its length, nor beyond ``max_single_segment_time``. The end's reason
is that of the last part, the confidence the mean of the parts, weighted by their length.

Drop: what is shorter than ``min_speech_ms`` then.

Pad: starts are moved back and ends on, starts not below 0. Where a pause is too short for
the padding of both its sides, they meet within it and share it in proportion: in the
middle if both paddings are the same. So segments touch at worst. Padding leaves the
confidence as it is: it says how sure the model was where it found speech.

Clamp: no segment reaches past the end of the recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from webui.vad.foresight import Foresight
from webui.vad.options import VadOptions
from webui.vad.segment import Decision, EndReason, Segment


def refine(
    segments: Iterable[Segment], options: VadOptions, duration_ms: int
) -> tuple[Segment, ...]:
    """Do what the options ask for.

    Args:
        segments: as detected, in order of time.
        options: those of the group "post_processing" count.
        duration_ms: of the recording.
    """
    if not any(
        (
            options.min_pause_ms,
            options.min_speech_ms,
            options.pad_start_ms,
            options.pad_end_ms,
            options.clamp_to_audio,
        )
    ):
        return tuple(segments)
    refiner = Refiner(options, duration_ms=duration_ms)
    refined: list[Decision] = []
    for segment in segments:
        refined += refiner.feed(Decision(segment.start_ms, None, 0))
        refined += refiner.feed(Decision(segment.start_ms, segment, 0))
    refined += refiner.flush(duration_ms, 0)
    return tuple(decision.segment for decision in refined if decision.segment is not None)


class Refiner:
    """The same for segments that begin and end as time goes by.

    What comes out is certain: a beginning is followed by its end, and neither is taken
    back. What it remembers is three segments at most: one that is open, one before it that
    it may be joined to, one before these whose padding depends on where they begin.

    Args:
        options: those of the group "post_processing" count.
        foresight: of the endpointer that decides; without it, only what follows makes
            anything certain.
        first_ms: before which no start is moved.
        duration_ms: of the recording; None = known with `flush`.
    """

    def __init__(
        self,
        options: VadOptions,
        foresight: Foresight | None = None,
        first_ms: int = 0,
        duration_ms: int | None = None,
    ) -> None:
        self._options = options
        self._padding_ms = options.pad_start_ms + options.pad_end_ms
        self._foresight = foresight
        self._first_ms = first_ms
        self._duration_ms = duration_ms
        self._frame = 0  # whose decision has made certain what is given out
        self._open: Decision | None = None
        self._group: Segment | None = None  # has ended; what follows may be joined to it
        self._spoken_ms = 0  # of the group, without its joined pauses
        self._held: Segment | None = None  # padded but for its end
        self._start_ms: int | None = None  # of the group or what is open, if given out
        self._certain: list[Decision] = []

    @property
    def open_since_ms(self) -> int | None:
        """Start of the segment that was given out and whose end was not; None if there is none."""
        return self._start_ms if self._held is None else self._held.start_ms

    @property
    def needed_from_ms(self) -> int | None:
        """Before this begins nothing whose end is still to come; None where all is given out."""
        if self.open_since_ms is not None:
            return self.open_since_ms
        begun = self._group or self._open
        return begun and max(self._first_ms, begun.start_ms - self._options.pad_start_ms)

    def feed(self, decision: Decision) -> list[Decision]:
        """Take the next beginning or end.

        Returns:
            The beginnings and ends that are certain by now, in order, each with the frame
            whose decision made it so.
        """
        self._pass(decision.frame)
        self._frame = max(self._frame, decision.frame)
        if decision.segment is None:
            self._begin(decision)
        else:
            self._end(decision.segment)
        return self._taken()

    def passed(self, frame: int) -> list[Decision]:
        """Take it that the frames before ``frame`` are decided and nothing else happened."""
        self._pass(frame)
        return self._taken()

    def flush(self, duration_ms: int, frame: int) -> list[Decision]:
        """End the stream.

        Args:
            duration_ms: of all of it.
            frame: the one after its last.
        """
        self._duration_ms = duration_ms
        self._frame = max(self._frame, frame)
        if self._group is not None:
            self._release(self._group)
        self._let_go()
        return self._taken()

    def _taken(self) -> list[Decision]:
        certain, self._certain = self._certain, []
        return certain

    def _begin(self, decision: Decision) -> None:
        if self._group is not None and not self._is_near(self._group, decision.start_ms):
            self._release(self._group)
        if self._group is None and self._is_apart(decision.start_ms):
            self._let_go()
        self._open = decision
        self._pass_speech(decision.frame + 1)

    def _end(self, segment: Segment) -> None:
        self._open = None
        group = self._group
        if group is not None and self._is_one(group, segment):
            self._group = self._joined(group, segment)
        else:
            if group is not None:
                self._release(group)
            self._group, self._spoken_ms = segment, segment.duration_ms
        group = self._group
        if self._start_ms is None and group.duration_ms >= self._options.min_speech_ms:
            self._announce(group.start_ms)
        if not self._options.min_pause_ms or group.end_reason is EndReason.MAX_LENGTH:
            self._release(group)

    def _pass(self, frame: int) -> None:
        """Give out what is certain by the decisions before ``frame``."""
        if self._open is None:
            self._pass_silence(frame)
        else:
            self._pass_speech(frame)

    def _pass_silence(self, frame: int) -> None:
        if self._foresight is None:
            return
        if self._group is not None:
            alone_ms = self._group.end_ms + self._options.min_pause_ms
            if self._is_certain(self._foresight.no_start_before(alone_ms), frame):
                self._release(self._group)
        if self._group is None and self._held is not None:
            apart_ms = self._held.end_ms + self._padding_ms
            if self._is_certain(self._foresight.no_start_before(apart_ms), frame):
                self._let_go()

    def _pass_speech(self, frame: int) -> None:
        begun, foresight = self._open, self._foresight
        if begun is None or foresight is None:
            return
        if self._group is not None:
            too_long_ms = self._group.start_ms + self._options.max_single_segment_time + 1
            known = foresight.no_end_before(too_long_ms, begun.start_ms, begun.frame)
            if self._is_certain(known, frame):
                self._release(self._group)
        if self._group is None and self._start_ms is None:
            long_ms = begun.start_ms + self._options.min_speech_ms
            known = foresight.no_end_before(long_ms, begun.start_ms, begun.frame)
            if self._is_certain(known, frame):
                self._announce(begun.start_ms)

    def _is_certain(self, known: int | None, frame: int) -> bool:
        if known is None or known >= frame:
            return False
        self._frame = max(self._frame, known)
        return True

    def _is_near(self, group: Segment, start_ms: int) -> bool:
        """Whether what begins there may be joined to the group."""
        return start_ms - group.end_ms < self._options.min_pause_ms

    def _is_apart(self, start_ms: int) -> bool:
        """Whether what begins there leaves all its padding to the end that waits."""
        return self._held is not None and start_ms - self._held.end_ms >= self._padding_ms

    def _is_one(self, group: Segment, segment: Segment) -> bool:
        length_ms = segment.end_ms - group.start_ms
        return length_ms <= self._options.max_single_segment_time

    def _joined(self, group: Segment, segment: Segment) -> Segment:
        total_ms = self._spoken_ms + segment.duration_ms
        weighted = group.confidence * self._spoken_ms + segment.confidence * segment.duration_ms
        self._spoken_ms = total_ms
        return replace(segment, start_ms=group.start_ms, confidence=round(weighted / total_ms, 4))

    def _release(self, group: Segment) -> None:
        """Nothing more is joined to the group."""
        self._group = None
        if self._start_ms is None:  # too short
            return
        self._held = replace(group, start_ms=self._start_ms)
        self._start_ms = None
        if not self._padding_ms:
            self._let_go()

    def _announce(self, start_ms: int) -> None:
        """Give out a beginning, and before it the end that waited for it."""
        held, options = self._held, self._options
        if held is not None and start_ms - held.end_ms < self._padding_ms:
            pause_ms = start_ms - held.end_ms
            meeting_ms = held.end_ms + pause_ms * options.pad_end_ms // self._padding_ms
            self._give_end(held, meeting_ms)
            self._start_ms = meeting_ms
        else:
            self._let_go()
            self._start_ms = max(self._first_ms, start_ms - options.pad_start_ms)
        self._certain.append(Decision(self._start_ms, None, self._frame))

    def _let_go(self) -> None:
        """Give out the end that waited, with all its padding."""
        if self._held is not None:
            self._give_end(self._held, self._held.end_ms + self._options.pad_end_ms)

    def _give_end(self, held: Segment, end_ms: int) -> None:
        self._held = None
        if self._options.clamp_to_audio and self._duration_ms is not None:
            if held.start_ms >= self._duration_ms:
                return
            end_ms = min(end_ms, self._duration_ms)
        ended = replace(held, end_ms=end_ms)
        self._certain.append(Decision(held.start_ms, ended, self._frame))
