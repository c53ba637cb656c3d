"""What is certain of segments that are still to come, from what is decided so far."""

from __future__ import annotations

from dataclasses import dataclass

from webui.vad.timebase import FRAME_HOP_MS


@dataclass(frozen=True)
class Foresight:
    """How far the endpointer moves what it decides.

    Its answers are frames whose decision makes something certain; they do not depend on
    how the stream is cut, so neither does what is made of them.

    Attributes:
        move_back: frames by which a start is moved back at most.
        end_back: frames by which an end is moved back at most.
        shortest_split: frames that the first piece of a split segment has at least; None
            where segments are not split.
    """

    move_back: int
    end_back: int
    shortest_split: int | None

    def no_start_before(self, time_ms: int) -> int:
        """Frame after whose decision, as silence, no segment can begin before a time."""
        return _frames_up_to(time_ms) + self.move_back - 1

    def no_end_before(self, time_ms: int, start_ms: int, opened: int) -> int | None:
        """Frame after whose decision an open segment cannot end before a time.

        Args:
            time_ms: at which it must last.
            start_ms: of the open segment.
            opened: the frame whose decision opened it: it never ends before that one.

        Returns:
            The frame; None where nothing but the end itself tells.
        """
        wanted = _frames_up_to(time_ms)
        shortest = self.shortest_split
        if shortest is not None and wanted > start_ms // FRAME_HOP_MS + shortest:
            return None
        if wanted <= opened + 1:
            return opened
        return wanted - 1 + max(0, self.end_back - 1)


def _frames_up_to(time_ms: int) -> int:
    return -(-time_ms // FRAME_HOP_MS)
