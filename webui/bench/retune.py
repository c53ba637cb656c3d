"""Deciding again over kept probabilities: ``python -m webui.bench.retune``.

Prints one JSON object: seconds that each change of the options takes, by the change.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from webui.audio import SAMPLE_RATE_HZ
from webui.audio.peaks import Peaks
from webui.audio.report import AudioReport
from webui.errors import OptionsError
from webui.vad import EngineReceipt, SpeechScores
from webui.vad.options import VadOptions, option_info

_RUNS = 3
_PLACES = (0.1, 0.3, 0.5, 0.7, 0.9)
_FRAMES = 360_000  # an hour

# What only acts together with something else, and what makes the endpointer change its mind
# as often as it can.
_TOGETHER: tuple[Mapping[str, Any], ...] = (
    {"dynamic_silence": True},
    {"dynamic_silence": True, "silence_schedule_step_ms": 1000},
    {"dynamic_silence": True, "silence_schedule_step_ms": 30_000},
    {"dynamic_silence": True, "silence_schedule": "2000:1000,8000:400,inf:200"},
    {
        "dynamic_silence": True,
        "silence_schedule": "2000:1000,8000:400,inf:200",
        "silence_schedule_step_ms": 100,
    },
    {"max_single_segment_time": 2000},
    {"split_capped": True, "max_single_segment_time": 2000},
    {"pad_end_ms": 5000, "clamp_to_audio": False},
    {"pad_end_ms": 5000, "clamp_to_audio": True},
    {"sil_to_speech_time_thres": 20, "speech_to_sil_time_thres": 200},
    {
        "window_size_ms": 20,
        "sil_to_speech_time_thres": 20,
        "speech_to_sil_time_thres": 0,
        "max_end_silence_time": 150,
        "speech_noise_thres": 0.9,
    },
)


def changes() -> Iterator[Mapping[str, Any]]:
    """Options that differ from the defaults.

    Each number at several places in its range, then the switches, the texts and some together.
    """
    for name in VadOptions().as_dict():
        info = option_info(name)
        # The step is read by dynamic silence alone.
        if info.kind != "number" or name == "silence_schedule_step_ms":
            continue
        for place in _PLACES:
            value = info.minimum + place * (info.maximum - info.minimum)
            yield {name: round(value) if info.unit == "ms" else round(value, 2)}
    yield from _TOGETHER


def measure() -> dict[str, float]:
    """Time each change that changes something.

    Returns:
        Seconds, the median of some runs each, by the change: ``name=value``, several with
        spaces between.
    """
    scores = an_hour()
    usual = scores.segments()
    took: dict[str, float] = {}
    for change in changes():
        with contextlib.suppress(OptionsError):  # it may contradict another
            options = VadOptions.from_mapping(change)
            runs = []
            for _ in range(_RUNS):
                begin = time.perf_counter()
                segments = scores.segments(options)
                runs.append(time.perf_counter() - begin)
            if segments != usual:
                label = " ".join(f"{name}={value}" for name, value in change.items())
                took[label] = statistics.median(runs)
    return took


def an_hour() -> SpeechScores:
    """Talk and pauses of half a second to three seconds, with doubtful frames among them."""
    random = np.random.default_rng(0)
    turns = np.repeat(np.arange(2400) % 2, random.integers(50, 300, 2400))[:_FRAMES]
    # It ends with talk, so that padding can reach beyond the end.
    turns[-200:] = 1
    noise = random.normal(0, 0.15, len(turns))
    probabilities = np.clip(turns * 0.9 + 0.05 + noise, 0, 1).astype(np.float32)
    return SpeechScores(
        probabilities,
        Peaks(np.zeros((0, 2), np.int16)),
        AudioReport("", "", "", SAMPLE_RATE_HZ, 1, "mix", "", 3_600_000, 3600 * SAMPLE_RATE_HZ),
        EngineReceipt("", "", "", "", 1, {}),
        {},
    )


if __name__ == "__main__":
    print(json.dumps(measure()))
