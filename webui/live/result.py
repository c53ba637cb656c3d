"""A live stream that is over, as a recording that was scored like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webui.audio import FRAME_LENGTH_SAMPLES, SAMPLE_RATE_HZ
from webui.audio.peaks import Peaks
from webui.audio.report import AudioReport, Notice, rate_text
from webui.vad.scores import SpeechScores
from webui.vad.timebase import first_sample_of_frame, frames_of_ms, samples_of_frames

if TYPE_CHECKING:
    from webui.live.session import LiveSession

# What FFmpeg decodes the sound to when the recording is read again.
_DECODED = {"u8": "u8", "s16le": "s16", "s24le": "s32", "s32le": "s32", "f32le": "flt"}


def scores_of(session: LiveSession, file: str, *, is_whole: bool) -> SpeechScores | None:
    """Return the scores of what is kept; None if there is nothing.

    They equal those of the recording scored anew where nothing was dropped before it.

    Args:
        session: that keeps its sound.
        file: name of the recording.
        is_whole: the engine has scored all of it; else the recording ends where it got to.
    """
    receipt = session.source.receipt
    if receipt is None or session.kept is None:
        return None
    # Sound that was not scored any more may have pushed out the oldest that was.
    session.forget()
    first = session.from_frame
    if first < frames_of_ms(session.kept.from_s * 1000):
        return None
    probabilities = session.probabilities.since(first).copy()
    samples = session.samples - first_sample_of_frame(first)
    if not is_whole:
        samples = samples_of_frames(len(probabilities))
    if samples <= 0:
        return None
    hops = -(-samples // first_sample_of_frame(1))
    peaks = Peaks(session.peaks.since(first)[:hops].copy())
    pcm = session.pcm
    report = AudioReport(
        file=file,
        container="wav",
        codec=f"pcm_{pcm.sample_format}",
        sample_rate_hz=pcm.rate_hz,
        channels=pcm.channels,
        channel="mix",
        sample_format=_DECODED[pcm.sample_format],
        duration_ms=round(samples * 1000 / SAMPLE_RATE_HZ),
        samples=samples,
        notices=tuple(_notices(session, samples, is_silent=not peaks.values.any())),
    )
    # The engine has worked for what was dropped, too.
    scoring_s = session.scoring_s * samples / session.samples
    timings_s = {"decode": 0.0, "score": scoring_s, "total": scoring_s}
    return SpeechScores(probabilities, peaks, report, receipt, timings_s)


def source_frames(session: LiveSession, scores: SpeechScores) -> int:
    """Return how many samples of each channel the recording of some scores has."""
    from_s = session.kept.from_s if session.kept else 0
    received = session.received_bytes // session.pcm.frame_bytes
    left = received - from_s * session.pcm.rate_hz
    return min(left, scores.audio.samples * session.pcm.rate_hz // SAMPLE_RATE_HZ)


def _notices(session: LiveSession, samples: int, *, is_silent: bool) -> list[Notice]:
    wanted = rate_text(SAMPLE_RATE_HZ)
    notices = []
    if session.pcm.rate_hz != SAMPLE_RATE_HZ:
        rate = rate_text(session.pcm.rate_hz)
        notices.append(Notice("resampled", {"rate": rate, "wanted": wanted}))
    if session.pcm.channels > 1:
        notices.append(Notice("mixed", {"channels": session.pcm.channels}))
    if session.unusable_samples:
        notices.append(Notice("non_finite", {"count": session.unusable_samples}))
    if samples < FRAME_LENGTH_SAMPLES:
        notices.append(Notice("too_short"))
    elif is_silent:
        notices.append(Notice("silent"))
    return notices
