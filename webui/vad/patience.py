"""How much silence ends a segment: always as much, or by FunASR's schedule, step by step."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from webui.vad.options import VadOptions
from webui.vad.schedule import SilenceSchedule, first_frame, frames_known
from webui.vad.timebase import frames_of_ms

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
    """Dynamic silence, step by step; without it, one step that never ends.

    Attributes:
        patience: what holds in this step.
        next_step: frame that the next step begins with.
        known_from: frames of the stream that prove that there is a next step.
        longest_silence: of all steps, in frames.
    """

    def __init__(self, options: VadOptions) -> None:
        self.patience = Patience.of(options.max_end_silence_time, options)
        self.next_step = self.known_from = _NEVER
        self.longest_silence = self.patience.silence
        if options.dynamic_silence:
            self._schedule = SilenceSchedule.parse(options.silence_schedule)
            self._by_silence_ms = {
                silence_ms: Patience.of(silence_ms, options)
                for silence_ms in self._schedule.silences_ms
            }
            self.longest_silence = max(each.silence for each in self._by_silence_ms.values())
            self._step_ms = options.silence_schedule_step_ms
            self._step = -1
            self.advance(0)

    def advance(self, steps_open: int) -> None:
        """Begin the next step with a segment that was open at so many beginnings."""
        silence_ms = self._schedule.silence_ms(steps_open * self._step_ms)
        self.patience = self._by_silence_ms[silence_ms]
        self._step += 1
        self.next_step = first_frame(self._step_ms, self._step + 1)
        self.known_from = frames_known(self._step_ms, self._step + 1)

    def end(self) -> None:
        """Take it that the stream ends in this step."""
        self.next_step = self.known_from = _NEVER
