"""How much silence ends a segment: always as much, or by FunASR's schedule, step by step."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from webui.vad.options import VadOptions
from webui.vad.schedule import (
    SilenceSchedule,
    first_frame,
    last_step,
    least_frames,
    step_of_frame,
    step_of_sample,
)
from webui.vad.timebase import frames_of_ms, most_samples

_NEVER = sys.maxsize


@dataclass(frozen=True)
class Patience:
    """The silence that ends a segment.

    Attributes:
        silence: frames of it, counted after the change to silence.
        end_back: frames by which the end is moved back when it has passed.
    """

    silence: int
    end_back: int

    @classmethod
    def of(cls, end_silence_ms: int, options: VadOptions) -> Patience:
        """Return what ``end_silence_ms`` in place of max_end_silence_time asks for."""
        silence_ms = max(0, end_silence_ms - options.speech_to_sil_time_thres)
        lookahead = frames_of_ms(options.lookahead_time_end_point)
        return cls(
            # FunASR decides on the first silent frame after the transition at the earliest.
            silence=max(1, -(-silence_ms // 10)),
            end_back=max(0, frames_of_ms(silence_ms) - lookahead - 1),
        )


class Steps:
    """Dynamic silence: which patience holds where. Without it, always the same.

    A step's patience is found where it begins, by the segment that is open there; so the
    steps themselves need no visits, only the openings, the ends, and the steps with which
    the patience of an open segment changes.

    Attributes:
        longest_silence: of all that may hold, in frames.
        longest_end_back: frames by which an end is moved back at most.
    """

    def __init__(self, options: VadOptions) -> None:
        self._patience = Patience.of(options.max_end_silence_time, options)
        self.longest_silence = self._patience.silence
        self.longest_end_back = self._patience.end_back
        self._is_dynamic = options.dynamic_silence
        if not self._is_dynamic:
            return
        self._schedule = SilenceSchedule.parse(options.silence_schedule)
        self._by_silence_ms = {
            silence_ms: Patience.of(silence_ms, options)
            for silence_ms in self._schedule.silences_ms
        }
        self.longest_silence = max(each.silence for each in self._by_silence_ms.values())
        self.longest_end_back = max(each.end_back for each in self._by_silence_ms.values())
        self._step_ms = options.silence_schedule_step_ms
        self._final_step: int | None = None  # known at the end of the stream
        self._opened_in = 0  # step in which the open segment began
        self._enter(0, 0)

    @property
    def patience(self) -> Patience:
        """What holds now."""
        return self._patience

    def _enter(self, step: int, steps_open: int) -> None:
        """Go to a step that began with a segment that was open at so many beginnings."""
        self._step, self._steps_open = step, steps_open
        silence_ms = self._schedule.silence_ms(steps_open * self._step_ms)
        self._patience = self._by_silence_ms[silence_ms]

    def _last_step(self, known: int) -> int:
        """Last step that the stream has, as far as that is certain."""
        if self._final_step is not None:
            return self._final_step
        # One frame fewer: the stream may end with this one just before a step.
        return last_step(self._step_ms, known - 1)

    def _step_of(self, frame: int, known: int) -> int:
        found = step_of_frame(self._step_ms, frame)
        return max(self._step, min(found, self._last_step(known)))

    def decided_until(self, known: int) -> int:
        """Frame before which decisions are possible; behind it, a step might have begun.

        Args:
            known: frames of the stream so far, here and below.
        """
        if not self._is_dynamic or self._final_step is not None:
            return known
        return min(known, first_frame(self._step_ms, self._last_step(known) + 1))

    def known_to_decide(self, frame: int) -> int:
        """Frames that must be known before ``frame`` is decided: see `decided_until`."""
        if not self._is_dynamic:
            return frame + 1
        step = step_of_frame(self._step_ms, frame)
        return max(frame, least_frames(self._step_ms, step)) + 1

    def open(self, frame: int, known: int) -> None:
        """Note that a segment opens with the decision of ``frame``."""
        if not self._is_dynamic:
            return
        step = self._step_of(frame, known)
        if step > self._step:
            self._enter(step, 0)
        self._opened_in = step

    def close(self, frame: int, known: int) -> None:
        """Note that the open segment ends with the decision of ``frame``."""
        if not self._is_dynamic:
            return
        step = self._step_of(frame, known)
        if step > self._step:
            self._enter(step, step - self._opened_in)

    def next_change(self, known: int) -> int:
        """Frame with which the patience of the open segment changes; far away if it does not."""
        if not self._is_dynamic:
            return _NEVER
        step = self._next_step()
        return _NEVER if step > self._last_step(known) else first_frame(self._step_ms, step)

    def change(self) -> None:
        """Go to where the patience of the open segment changes."""
        step = self._next_step()
        self._enter(step, step - self._opened_in)

    def _next_step(self) -> int:
        """The next step, or the last that goes on with the present row of the table and one."""
        step = self._step + 1
        open_ms = (step - self._opened_in) * self._step_ms
        if self._by_silence_ms[self._schedule.silence_ms(open_ms)] != self._patience:
            return step
        limit_ms = self._schedule.limit_ms(open_ms)
        if math.isinf(limit_ms):
            return _NEVER
        return self._opened_in + int(limit_ms) // self._step_ms + 1

    def end(self, known: int, samples: int | None) -> None:
        """Take it that the stream ends.

        Args:
            known: frames that it has.
            samples: that it has, at 16 kHz; None takes the most that have so many frames.
        """
        if self._is_dynamic:
            most = most_samples(known) if samples is None else samples
            self._final_step = step_of_sample(self._step_ms, most)
