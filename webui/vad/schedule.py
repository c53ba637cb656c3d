"""FunASR's dynamic silence: the longer a segment, the shorter the pause that ends it.

``AutoModel.generate`` (funasr 1.4.16, ``models/fsmn_vad_streaming/model.py``) does this
when it is not given max_end_silence_time. It reads the audio in steps (its
``chunk_size``, 60 s) and looks the end silence up at the start of each step, by the
time that the segment open there has seen pass: one step for each start of a step
that it was open at, 0 where none is open. The end silence then holds for the whole
step, for segments that begin within it too. With FunASR's own step only the rows for
0, 60 000, 120 000 ms ... are ever read; a shorter step brings the others into play.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from webui.audio import FRAME_HOP_SAMPLES, SAMPLE_RATE_HZ
from webui.errors import OptionsError
from webui.vad.timebase import LOOK_AHEAD_FRAMES, frames_in, most_samples

FUNASR_SCHEDULE = "10000:2000,20000:1000,30000:800,40000:600,50000:400,60000:200,inf:100"
FUNASR_STEP_MS = 60_000
# Whatever speech_noise_thres says, FunASR decides frames by this one.
FUNASR_SPEECH_NOISE_THRES = 0.5

_NAME = "silence_schedule"
_LONGEST_SILENCE_MS = 60_000
_MOST_ROWS = 32
_ROW = re.compile(r"([0-9]{1,9}|inf) *[:：] *([0-9]{1,9})")


@dataclass(frozen=True)
class SilenceSchedule:
    """A table of end silences.

    Attributes:
        limits_ms: rising; row ``i`` holds up to and including this much time, the last
            is infinite.
        silences_ms: end silence of each row.
    """

    limits_ms: tuple[float, ...]
    silences_ms: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> SilenceSchedule:
        """Read a table such as "10000:2000,20000:1000,inf:100".

        Args:
            text: rows "LIMIT:SILENCE" in ms, separated by commas; spaces do not matter.

        Raises:
            OptionsError: a row cannot be read, limits do not rise, or the last is not inf.
        """
        rows = [_row(row.strip(), text) for row in re.split("[,，]", text)]
        limits = tuple(limit for limit, _ in rows)
        if len(rows) > _MOST_ROWS:
            raise _refused(text, f"has more than {_MOST_ROWS} rows", f"最多 {_MOST_ROWS} 行")
        if any(following <= limit for limit, following in pairwise(limits)):
            raise _refused(text, "the limits must rise from row to row", "各行的上限必须递增")
        if limits[-1] != math.inf:
            raise _refused(
                text,
                "the last limit must be inf, for all that is longer (such as inf:100)",
                "最后一行的上限必须是 inf，用于更长的情况（例如 inf:100）",
            )
        return cls(limits, tuple(silence for _, silence in rows))

    def __str__(self) -> str:
        """Return the table as `parse` reads it."""
        rows = zip(self.limits_ms, self.silences_ms, strict=True)
        return ",".join(f"{limit:.0f}:{silence}" for limit, silence in rows)

    def silence_ms(self, open_ms: int) -> int:
        """End silence for a segment that has been open this long."""
        return self.silences_ms[bisect_left(self.limits_ms, open_ms)]

    def limit_ms(self, open_ms: int) -> float:
        """Until when the row for a segment that has been open this long holds."""
        return self.limits_ms[bisect_left(self.limits_ms, open_ms)]


def first_frame(step_ms: int, step: int) -> int:
    """First frame that FunASR decides in a step.

    Args:
        step_ms: length of a step.
        step: counted from 0; at least 1.
    """
    return max(0, frames_known(step_ms, step) - LOOK_AHEAD_FRAMES)


def frames_known(step_ms: int, step: int) -> int:
    """Frames of the audio before a step; so many at least has a recording with that step.

    One of just so many frames may yet end up to 5 ms before that step: its samples tell.
    """
    return frames_in(step * step_ms * SAMPLE_RATE_HZ // 1000)


def last_step(step_ms: int, known: int) -> int:
    """Last step that a recording of so many frames may have: the inverse of `frames_known`."""
    return step_of_sample(step_ms, most_samples(known))


def least_frames(step_ms: int, step: int) -> int:
    """Fewest frames from which on a recording may have that step: see `last_step`."""
    samples = step * step_ms * SAMPLE_RATE_HZ // 1000
    return max(0, -(-(samples - most_samples(0)) // FRAME_HOP_SAMPLES))


def step_of_sample(step_ms: int, samples: int) -> int:
    """Last step of a recording of so many samples at 16 kHz, which may begin at its very end."""
    return samples // (step_ms * SAMPLE_RATE_HZ // 1000)


def step_of_frame(step_ms: int, frame: int) -> int:
    """Step in which FunASR decides a frame, if the audio has that step: see `first_frame`."""
    return last_step(step_ms, frame + LOOK_AHEAD_FRAMES)


def tidy(text: str) -> str:
    """Return a table without needless spaces.

    Raises:
        OptionsError: as `SilenceSchedule.parse`.
    """
    return str(SilenceSchedule.parse(text))


def _row(row: str, text: str) -> tuple[float, int]:
    found = _ROW.fullmatch(row)
    if not found:
        raise _refused(
            text,
            f'"{_short(row)}" is no row; write LIMIT:SILENCE in whole ms, such as 10000:2000',
            f"“{_short(row)}”不是有效的一行；请写“上限:静音”，均为整数毫秒，例如 10000:2000",
        )
    limit_ms, silence_ms = float(found[1]), int(found[2])
    if silence_ms > _LONGEST_SILENCE_MS:
        raise _refused(
            text,
            f"a silence must lie between 0 and {_LONGEST_SILENCE_MS} ms",
            f"静音必须在 0 到 {_LONGEST_SILENCE_MS} 毫秒之间",
        )
    return limit_ms, silence_ms


def _refused(text: str, reason: str, reason_zh: str) -> OptionsError:
    return OptionsError(name=_NAME, value=_short(text), reason=reason, reason_zh=reason_zh)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
