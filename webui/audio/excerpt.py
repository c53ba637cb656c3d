"""A part of a recording as 16 kHz mono, on the very clock of its scores.

That clock counts the decoded samples in a row. In a sound file the time stamps, counted
from the first frame's, say the same; where there is a doubt, all that is before the part
is decoded too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from webui.audio import SAMPLE_RATE_HZ
from webui.audio.reader import open_audio
from webui.audio.report import AudioReport
from webui.audio.resample import Resampler
from webui.audio.samples import rows_of, signature, to_mono
from webui.audio.track import Track

Samples = NDArray[np.float32]

# Decoded before the part: for the filter of the resampler, and for codecs whose packets
# build on those before them (MP3 and Opus need 0.1 s).
_BEFORE_S = 1.0
# Padding of a codec makes a file's length differ by so much; a gap more.
_LENGTH_S = 0.15
_BLOCK_S = 5.0


def read_excerpt(
    path: str | os.PathLike[str],
    report: AudioReport,
    first: int,
    count: int,
    told: Callable[[], None] = lambda: None,
) -> Samples:
    """Read the samples ``first`` to ``first + count`` of what was scored.

    Args:
        path: the recording.
        report: how it was read for the scores: channel, length, damage.
        first: sample at 16 kHz, 0 or more.
        count: how many.
        told: is called again and again while it decodes.

    Returns:
        (count,) float32 at 16 kHz mono, fewer at the end of the recording. What was
        resampled or is of a lossy codec differs in the last bits from the scored samples.

    Raises:
        AudioError: one of its kinds; nothing can be decoded any more.
    """
    count = max(0, min(count, report.samples - first))
    if not count:
        return np.zeros(0, np.float32)
    found = None
    if first > _BEFORE_S * SAMPLE_RATE_HZ:
        track = Track(path)
        try:
            found = _sought(track, report, first, count, told)
        finally:
            track.close()
    return _from_the_start(path, report, first, count, told) if found is None else found


def _from_the_start(
    path: str | os.PathLike[str],
    report: AudioReport,
    first: int,
    count: int,
    told: Callable[[], None],
) -> Samples:
    parts = []
    position = 0
    with open_audio(path, report.channel, _BLOCK_S) as blocks:
        for block in blocks:
            told()
            parts.append(block[max(0, first - position) : max(0, first + count - position)])
            position += len(block)
            if position >= first + count:
                break
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _sought(
    track: Track, report: AudioReport, first: int, count: int, told: Callable[[], None]
) -> Samples | None:
    """Read the part without what is before it; None where that is not safe."""
    codes = {notice.code for notice in report.notices}
    if codes & {"damaged_packets", "format_changed"}:
        return None
    rate_hz = report.sample_rate_hz
    # After so many samples of the file, a sample of 16 kHz falls on one of the file again.
    period = rate_hz // math.gcd(rate_hz, SAMPLE_RATE_HZ)
    from_s = max(0.0, first / SAMPLE_RATE_HZ - _BEFORE_S - period / rate_hz)
    skipped = math.ceil(from_s * rate_hz / period) * period
    rows = track.plain_rows(skipped)
    monos: Iterator[Samples]
    if rows is not None:
        monos = (to_mono(part, report.sample_format, report.channel)[0] for part in rows)
    else:
        start = _frames_from(track, report, from_s)
        if start is None:
            return None
        position, frames = start
        skipped = math.ceil(position / period) * period
        monos = _monos(frames, report, skipped - position)
    position = skipped * SAMPLE_RATE_HZ // rate_hz
    if position > first - 0.5 * _BEFORE_S * SAMPLE_RATE_HZ:
        return None  # the file was not sought to where it should
    return _resampled(monos, rate_hz, (first - position, first - position + count), told)


def _frames_from(
    track: Track, report: AudioReport, from_s: float
) -> tuple[int, Iterator[AudioFrame]] | None:
    """The sample of the file at which frames near a time begin, and these frames."""
    origin = next(track.frames(), None)
    lasts_s = track.expected_s
    if origin is None or origin.time is None:
        return None
    if not track.has_counted_times and (
        lasts_s is None or abs(lasts_s - report.samples / SAMPLE_RATE_HZ) > _LENGTH_S
    ):
        return None
    frames = track.frames_from(origin.time + from_s)
    first = None if frames is None else next(frames, None)
    if frames is None or first is None or first.time is None:
        return None

    def whole() -> Iterator[AudioFrame]:
        yield first
        yield from frames

    return round((first.time - origin.time) * report.sample_rate_hz), whole()


def _monos(frames: Iterator[AudioFrame], report: AudioReport, skipped: int) -> Iterator[Samples]:
    """Mono samples at the file's rate, without the first few; ends where the format changes."""
    wanted = (report.sample_format, report.sample_rate_hz, report.channels)
    for frame in frames:
        if signature(frame) != wanted:
            return
        mono, _ = to_mono(rows_of([frame]), report.sample_format, report.channel)
        yield mono[skipped:]
        skipped = max(0, skipped - len(mono))


def _resampled(
    monos: Iterator[Samples], rate_hz: int, span: tuple[int, int], told: Callable[[], None]
) -> Samples | None:
    """The samples of a span at 16 kHz, counted from the first one; None if many are missing."""
    resampler = Resampler(rate_hz)
    parts: list[Samples] = []
    have = 0
    for mono in monos:
        told()
        parts.append(resampler.feed(mono))
        have += len(parts[-1])
        if have >= span[1]:
            break
    else:
        parts.append(resampler.flush())
        have += len(parts[-1])
    if have < span[1] - _LENGTH_S * SAMPLE_RATE_HZ:
        return None
    joined: Samples = np.concatenate(parts)[span[0] : span[1]]
    return joined
