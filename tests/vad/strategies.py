"""What Hypothesis makes: options over their whole range, and scores that tempt the endpointer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from webui.vad.options import VadOptions

# Multiples of 1 / 4096 are exact in float32, and so is their difference from 1; FunASR
# cannot take the logarithm of 0, so 0 and 1 themselves are left out.
_STEPS = 4096


@st.composite
def schedules(draw: st.DrawFn) -> str:
    limits = sorted(draw(st.sets(st.integers(0, 8000), max_size=5)))
    silences = draw(
        st.lists(st.integers(0, 2500), min_size=len(limits) + 1, max_size=len(limits) + 1)
    )
    return ",".join(f"{a}:{b}" for a, b in zip([*limits, "inf"], silences, strict=True))


@st.composite
def dynamic_options(draw: st.DrawFn) -> VadOptions:
    """Any options with dynamic silence in steps so short that a few seconds have several."""
    return replace(
        draw(vad_options()),
        dynamic_silence=True,
        silence_schedule=draw(schedules()),
        silence_schedule_step_ms=100 * draw(st.integers(1, 30)),
    )


@st.composite
def refining_options(draw: st.DrawFn, options: st.SearchStrategy[VadOptions]) -> VadOptions:
    """Options with any post-processing."""
    small_ms = st.integers(0, 400) | st.integers(0, 3000)
    return replace(
        draw(options),
        split_capped=draw(st.booleans()),
        min_pause_ms=draw(small_ms),
        min_speech_ms=draw(small_ms),
        pad_start_ms=draw(small_ms),
        pad_end_ms=draw(small_ms),
        clamp_to_audio=draw(st.booleans()),
    )


@st.composite
def vad_options(draw: st.DrawFn) -> VadOptions:
    window_size_ms = draw(st.integers(20, 300) | st.integers(300, 1000))
    within = st.integers(0, window_size_ms)
    return VadOptions(
        max_end_silence_time=draw(st.integers(150, 1500) | st.integers(1500, 6000)),
        speech_noise_thres=draw(
            st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 0.6, 0.75, 0.9, 1.0])
            | st.floats(-1, 1, allow_subnormal=False)
        ),
        max_single_segment_time=draw(st.integers(1000, 5000) | st.integers(5000, 600_000)),
        window_size_ms=window_size_ms,
        sil_to_speech_time_thres=max(20, draw(within)),
        speech_to_sil_time_thres=draw(within),
        lookback_time_start_point=draw(st.integers(0, 500) | st.integers(500, 2000)),
        lookahead_time_end_point=draw(st.integers(0, 500) | st.integers(500, 2000)),
    )


@st.composite
def probabilities(draw: st.DrawFn, max_frames: int = 700) -> np.ndarray:
    """Stretches of speech and silence, each with its own share of odd frames among them."""
    stretches = draw(
        st.lists(
            st.tuples(
                st.integers(1, 150),
                st.integers(1, _STEPS - 1),
                st.integers(1, _STEPS - 1),
                st.sampled_from([0.0, 0.1, 0.25, 0.5]),
            ),
            min_size=1,
            max_size=16,
        )
    )
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    parts = [
        np.where(random.random(frames) < share, odd, usual)
        for frames, usual, odd, share in stretches
    ]
    return (np.concatenate(parts)[:max_frames] / _STEPS).astype(np.float32)
