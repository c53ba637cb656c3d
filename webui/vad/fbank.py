"""Kaldi log-mel filter bank energies.

What ``compute-fbank-feats`` gives with the settings of the model's ``config.yaml``:
25 ms Hamming windows every 10 ms, waveform scaled by 32768, DC removed, pre-emphasis
0.97, 80 mel bins from 20 Hz to 8 kHz, no dither, only whole windows.

The C library asrfront computes them twice as fast as anything made of NumPy; where it is
not installed, `webui.vad.fbank_numpy` does. Both agree with kaldi-native-fbank to single
precision's rounding, and both give a frame the same energies whatever comes with it
(``tests/vad/test_frontend.py``; docs/frontends.md compares the ways).
"""

from __future__ import annotations

import importlib.util
from importlib import metadata

import numpy as np
import numpy.typing as npt

from webui.audio import FRAME_LENGTH_SAMPLES

Samples = npt.NDArray[np.float32]
Features = npt.NDArray[np.float32]

MEL_BINS = 80
BLOCK_FRAMES = 224
"""Frames computed at once: all about them fits into a cache of 1 to 2 MB."""

_LIBRARY = "asrfront" if importlib.util.find_spec("asrfront") else "numpy"


def fbank(samples: Samples) -> Features:
    """Log-mel filter bank energies of all whole frames.

    Args:
        samples: 16 kHz mono in -1 to 1, float32, shape (samples,).

    Returns:
        Natural logarithms of mel energies, float32, shape (frames, 80).
    """
    if len(samples) < FRAME_LENGTH_SAMPLES:
        return np.zeros((0, MEL_BINS), dtype=np.float32)
    if _LIBRARY == "numpy":
        from webui.vad import fbank_numpy

        return fbank_numpy.fbank(samples)
    from asrfront import sensevoice

    energies: Features = sensevoice.fbank_raw(samples)
    return energies


def library_version() -> dict[str, str]:
    """Name and version of the library that computes, for receipts."""
    return {_LIBRARY: metadata.version(_LIBRARY)}
