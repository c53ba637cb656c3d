"""From which probability on a frame is speech."""

from __future__ import annotations

import math

import numpy as np


def speech_level(speech_noise_thres: float) -> float:
    """Smallest float32 P(speech) that counts as speech.

    FunASR asks ``exp(log(p)) >= exp(log(1 - p)) + speech_noise_thres``, which is
    ``p >= (1 + speech_noise_thres) / 2`` but for rounding. The exact float32 at
    which that question turns true is searched, so that one comparison per frame
    gives FunASR's answer in every case.

    Args:
        speech_noise_thres: -1 (everything is speech) to 1 (nothing is).

    Returns:
        The level, 0 to 1, or infinity where no probability suffices.
    """
    if speech_noise_thres >= 1:
        return math.inf
    if speech_noise_thres <= -1:
        return 0.0

    def counts(p: np.float32) -> bool:
        speech = float(p)
        if not 0 < speech < 1:  # FunASR cannot take the logarithm here
            return speech >= 1
        return math.exp(math.log(speech)) >= math.exp(math.log(1 - speech)) + speech_noise_thres

    level = np.float32((1 + speech_noise_thres) / 2)
    while counts(below := np.nextafter(level, np.float32(0))):
        level = below
    while not counts(level):
        level = np.nextafter(level, np.float32(2))
    return float(level)
