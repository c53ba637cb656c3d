"""What may be done to segments after detection; all of it is off by default.

The order is that of the field (pauses are closed before what is short is dropped, so
that a sentence in pieces survives): join, drop, pad, clamp. Each step is a pure
function from ordered segments that do not overlap to such segments.

A joined segment's confidence is the mean of its parts, weighted by their length;
padding leaves it as it is: it says how sure the model was where it found speech.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from webui.vad.options import VadOptions
from webui.vad.segment import EndReason, Segment


def refine(
    segments: Iterable[Segment], options: VadOptions, duration_ms: int
) -> tuple[Segment, ...]:
    """Do what the options ask for.

    Args:
        segments: as detected, in order of time.
        options: those of the group "post_processing" count.
        duration_ms: of the recording.
    """
    refined = list(segments)
    if options.min_pause_ms:
        refined = join(refined, options.min_pause_ms, options.max_single_segment_time)
    if options.min_speech_ms:
        refined = [s for s in refined if s.duration_ms >= options.min_speech_ms]
    if options.pad_start_ms or options.pad_end_ms:
        refined = pad(refined, options.pad_start_ms, options.pad_end_ms)
    if options.clamp_to_audio:
        refined = clamp(refined, duration_ms)
    return tuple(refined)


def join(segments: Sequence[Segment], min_pause_ms: int, longest_ms: int) -> list[Segment]:
    """Join neighbours with a pause shorter than ``min_pause_ms`` between them.

    What was cut for its length is not joined again, nor does joining make a segment
    longer than ``longest_ms``. The end's reason is that of the last part.
    """
    joined: list[Segment] = []
    spoken_ms = 0  # of the last one, without its joined pauses
    for segment in segments:
        before = joined[-1] if joined else None
        if (
            before is not None
            and segment.start_ms - before.end_ms < min_pause_ms
            and before.end_reason is not EndReason.MAX_LENGTH
            and segment.end_ms - before.start_ms <= longest_ms
        ):
            total_ms = spoken_ms + segment.duration_ms
            weighted = before.confidence * spoken_ms + segment.confidence * segment.duration_ms
            joined[-1] = replace(
                segment,
                start_ms=before.start_ms,
                confidence=round(weighted / total_ms, 4),
            )
            spoken_ms = total_ms
        else:
            joined.append(segment)
            spoken_ms = segment.duration_ms
    return joined


def pad(segments: Sequence[Segment], start_ms: int, end_ms: int) -> list[Segment]:
    """Move starts back and ends on, starts not below 0.

    Where a pause is too short for the padding of both its sides, they meet within it and
    share it in proportion: in the middle if both paddings are the same. So segments
    touch at worst. The last end may lie past the recording: see `clamp`.
    """
    starts = [max(0, segments[0].start_ms - start_ms)] if segments else []
    ends: list[int] = []
    for before, after in pairwise(segments):
        pause_ms = after.start_ms - before.end_ms
        if pause_ms < start_ms + end_ms:
            meeting_ms = before.end_ms + pause_ms * end_ms // (start_ms + end_ms)
            ends.append(meeting_ms)
            starts.append(meeting_ms)
        else:
            ends.append(before.end_ms + end_ms)
            starts.append(after.start_ms - start_ms)
    ends += [segment.end_ms + end_ms for segment in segments[-1:]]
    return [
        replace(segment, start_ms=start, end_ms=end)
        for segment, start, end in zip(segments, starts, ends, strict=True)
    ]


def clamp(segments: Iterable[Segment], duration_ms: int) -> list[Segment]:
    """Let no segment reach past the end of the recording."""
    return [
        replace(segment, end_ms=min(segment.end_ms, duration_ms))
        for segment in segments
        if segment.start_ms < duration_ms
    ]
