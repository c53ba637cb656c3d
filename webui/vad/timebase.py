"""Frames, samples and milliseconds: the only place where one becomes another.

Frame ``t`` is the 25 ms window that starts ``10 * t`` ms into the audio; its
score stands for the 10 ms hop ``[10 * t, 10 * (t + 1))``. Windows that would
reach past the end of the audio do not exist (Kaldi's ``snip_edges``).
"""

from webui.audio import FRAME_HOP_SAMPLES, FRAME_LENGTH_SAMPLES, SAMPLE_RATE_HZ

FRAME_HOP_MS = FRAME_HOP_SAMPLES * 1000 // SAMPLE_RATE_HZ  # 10
LOOK_AHEAD_FRAMES = 2
"""A frame is scored when the two after it are known: frames of LFR's right half."""


def frames_in(samples: int) -> int:
    """Number of whole frames in so many samples at 16 kHz."""
    if samples < FRAME_LENGTH_SAMPLES:
        return 0
    return (samples - FRAME_LENGTH_SAMPLES) // FRAME_HOP_SAMPLES + 1


def frames_of_ms(duration_ms: int) -> int:
    """Whole frame hops in a duration, rounded towards zero as FunASR does."""
    return int(duration_ms / FRAME_HOP_MS)


def ms_of_frame(frame: int) -> int:
    """Time at which a frame's hop starts, in ms."""
    return frame * FRAME_HOP_MS


def middle_ms_of_frame(frame: int) -> float:
    """Time of the middle of a frame's window, in ms."""
    return ms_of_frame(frame) + FRAME_LENGTH_SAMPLES * 500 / SAMPLE_RATE_HZ


def first_sample_of_frame(frame: int) -> int:
    """Sample at 16 kHz with which a frame's window begins."""
    return frame * FRAME_HOP_SAMPLES


def samples_of_frames(frames: int) -> int:
    """How many samples so many frames in a row look at."""
    return (frames - 1) * FRAME_HOP_SAMPLES + FRAME_LENGTH_SAMPLES if frames else 0


def samples_known_by(frames: int) -> int:
    """How many samples it takes to score so many frames before the audio has ended."""
    return samples_of_frames(frames + LOOK_AHEAD_FRAMES)


def most_samples(frames: int) -> int:
    """How many samples a recording of so many frames can have at most."""
    return frames * FRAME_HOP_SAMPLES + FRAME_LENGTH_SAMPLES - 1


def ms_of_samples(samples: int) -> int:
    """Duration of so many samples at 16 kHz, in whole ms, rounded down."""
    return samples * 1000 // SAMPLE_RATE_HZ
