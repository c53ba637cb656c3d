"""`webui.vad.fbank` in NumPy alone, as matrix products; for where its C library is missing.

The Fourier transform of 512 points is the classic step of Cooley and Tukey, 32 times 16:
sample 16 a + b and bin k1 + 32 k2, first over a (25 of 32, since a window has 400 samples),
then over b. Each half is a matrix product over many frames at once, into which the window
and the twiddle factors are folded. A few hundred frames then cost three matrix products and
few copies: half the time of one FFT a frame, and on several threads at once, since
matrix products do not hold Python's lock.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.audio import FRAME_HOP_SAMPLES, FRAME_LENGTH_SAMPLES, SAMPLE_RATE_HZ
from webui.vad.fbank import BLOCK_FRAMES, MEL_BINS, Features, Samples
from webui.vad.timebase import frames_in

_FFT_SIZE = 512
_ROWS, _COLUMNS = 32, 16  # of the 512: sample 16 a + b, bin k1 + 32 k2
_USED_ROWS = FRAME_LENGTH_SAMPLES // _COLUMNS  # the other rows of a window are zero
_HOP_ROWS = FRAME_HOP_SAMPLES // _COLUMNS
_HALF = _ROWS // 2 + 1  # the samples are real: k1 and 32 - k1 mirror each other
_BANDS = _COLUMNS // 2  # bins come in bands of 32, each from two values of k2
_BAND_BINS = 2 * _HALF  # some twice
_LOW_HZ = 20.0
_PREEMPHASIS = 0.97
_REST = np.float32(1 - _PREEMPHASIS)
_POWER_SCALE = 32768.0**2  # a power of two: as a factor of the filters it changes no digit
_LOG_FLOOR = np.finfo(np.float32).eps
_MEL_GROUP = 20  # mel bins of one product: neighbours look at few bands

_Array = npt.NDArray[np.floating[Any]]


def _mel(frequency_hz: _Array) -> _Array:
    return np.asarray(1127.0 * np.log(1.0 + frequency_hz / 700.0))


def _mel_filters() -> _Array:
    """Triangular filters on the mel scale, float64, shape (mel bins, 256)."""
    bins_hz = np.arange(_FFT_SIZE // 2) * (SAMPLE_RATE_HZ / _FFT_SIZE)  # Kaldi: no Nyquist bin
    low, high = _mel(np.array([_LOW_HZ, SAMPLE_RATE_HZ / 2]))
    corners = (low + (high - low) / (MEL_BINS + 1) * np.arange(MEL_BINS + 2))[:, None]
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    mel = _mel(bins_hz)
    rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * _POWER_SCALE)


def _first_half() -> Samples:
    """Over a: shape (b, real and imaginary parts of each k1, a and the frame's mean)."""
    sample = np.arange(_USED_ROWS) * _COLUMNS + np.arange(_COLUMNS)[:, None, None]
    window = 0.54 - 0.46 * np.cos(2 * np.pi * sample / (FRAME_LENGTH_SAMPLES - 1))
    angle = 2 * np.pi / _FFT_SIZE * np.arange(_HALF)[:, None] * sample
    waves = np.concatenate((np.cos(angle), -np.sin(angle)), axis=1) * window
    # Removing the mean before pre-emphasis takes this share of it from each sample.
    mean = -float(_REST) * waves.sum(axis=2, keepdims=True)
    return np.concatenate((waves, mean), axis=2).astype(np.float32)


def _second_half() -> Samples:
    """Over b: shape (band, k2 or its mirror, real or imaginary; b, real or imaginary)."""
    band = np.arange(_BANDS)
    k2 = np.stack((band, _COLUMNS - 1 - band), axis=1)
    angle = 2 * np.pi / _COLUMNS * k2[:, :, None] * np.arange(_COLUMNS)
    real = np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    imaginary = np.stack((-np.sin(angle), np.cos(angle)), axis=-1)
    both = np.stack((real, imaginary), axis=2)
    return both.reshape(4 * _BANDS, 2 * _COLUMNS).astype(np.float32)


def _mel_groups() -> list[tuple[slice, slice, Samples]]:
    """For groups of mel bins: the group, the rows of the power that it sees, and its filters."""
    filters = np.zeros((MEL_BINS, _BANDS, 2, _HALF))
    by_bin = _mel_filters().reshape(MEL_BINS, _BANDS, _ROWS)
    filters[:, :, 0] = by_bin[:, :, :_HALF]
    filters[:, :, 1, 1 : _HALF - 1] = by_bin[:, :, :16:-1]
    groups = []
    for first in range(0, MEL_BINS, _MEL_GROUP):
        group = slice(first, first + _MEL_GROUP)
        seen = np.flatnonzero(filters[group].any(axis=(0, 2, 3)))
        bands = slice(int(seen[0]), int(seen[-1]) + 1)
        rows = slice(bands.start * _BAND_BINS, bands.stop * _BAND_BINS)
        part = filters[group, bands].reshape(_MEL_GROUP, -1)
        groups.append((group, rows, part.astype(np.float32)))
    return groups


_FIRST_HALF, _SECOND_HALF, _MEL_GROUPS = _first_half(), _second_half(), _mel_groups()


class _Buffers(threading.local):
    """What one block needs, kept by each thread: fresh memory would cost more than the sums."""

    def __init__(self) -> None:
        frames, hops = BLOCK_FRAMES, BLOCK_FRAMES + 2
        self.emphasised = np.zeros((hops, FRAME_HOP_SAMPLES), dtype=np.float32)
        self.turned = np.zeros((_HOP_ROWS, _COLUMNS, hops), dtype=np.float32)
        self.windows = np.zeros((_COLUMNS, _USED_ROWS + 1, frames), dtype=np.float32)
        self.first = np.zeros((_COLUMNS, 2 * _HALF, frames), dtype=np.float32)
        self.spectrum = np.zeros((4 * _BANDS, _HALF * frames), dtype=np.float32)
        self.power = np.zeros((2 * _BANDS, _HALF * frames), dtype=np.float32)
        self.energies = np.zeros((MEL_BINS, frames), dtype=np.float32)


_buffers = _Buffers()


def fbank(samples: Samples) -> Features:
    """See `webui.vad.fbank.fbank`."""
    count = frames_in(len(samples))
    energies = np.empty((count, MEL_BINS), dtype=np.float32)
    for first in range(0, count, BLOCK_FRAMES):
        end = min(first + BLOCK_FRAMES, count)
        last_sample = (end - 1) * FRAME_HOP_SAMPLES + FRAME_LENGTH_SAMPLES
        _fbank_block(samples[first * FRAME_HOP_SAMPLES : last_sample], energies[first:end])
    return energies


def _fbank_block(samples: Samples, energies: Features) -> None:
    """Fill ``energies`` (frames, 80) from exactly the samples of its frames.

    A block is always computed whole, so that a frame's energies do not depend on how many
    come with it; what lies beyond the frames asked for is left over from before.
    """
    buffers = _buffers
    _fill_windows(samples, len(energies))
    np.matmul(_FIRST_HALF, buffers.windows, out=buffers.first)
    np.matmul(_SECOND_HALF, buffers.first.reshape(2 * _COLUMNS, -1), out=buffers.spectrum)
    np.square(buffers.spectrum, out=buffers.spectrum)
    np.add(buffers.spectrum[0::2], buffers.spectrum[1::2], out=buffers.power)
    power = buffers.power.reshape(_BANDS * _BAND_BINS, -1)
    for group, rows, filters in _MEL_GROUPS:
        np.matmul(filters, power[rows], out=buffers.energies[group])
    np.maximum(buffers.energies, _LOG_FLOOR, out=buffers.energies)
    np.log(buffers.energies, out=buffers.energies)
    energies[:] = buffers.energies.T[: len(energies)]


def _fill_windows(samples: Samples, count: int) -> None:
    """Lay out ``count`` frames by a and b, pre-emphasised, with each frame's mean."""
    buffers = _buffers
    emphasised = buffers.emphasised.reshape(-1)[: len(samples)]
    np.multiply(samples[:-1], np.float32(-_PREEMPHASIS), out=emphasised[1:])
    emphasised[1:] += samples[1:]
    turned = buffers.turned
    turned.reshape(FRAME_HOP_SAMPLES, -1)[:] = buffers.emphasised.T
    windows = buffers.windows
    for hop in range(-(-_USED_ROWS // _HOP_ROWS)):
        rows = slice(hop * _HOP_ROWS, min((hop + 1) * _HOP_ROWS, _USED_ROWS))
        part = turned[: rows.stop - rows.start, :, hop : hop + BLOCK_FRAMES]
        windows[:, rows] = part.transpose(1, 0, 2)
    # A frame's first sample has none before it: Kaldi takes the sample itself.
    np.multiply(samples[::FRAME_HOP_SAMPLES][:count], _REST, out=windows[0, 0, :count])
    pieces = samples.reshape(-1, FRAME_HOP_SAMPLES // 2).sum(axis=1)
    mean = windows[0, -1, :count]
    np.add(pieces[0 : 2 * count : 2], pieces[1 : 2 * count + 1 : 2], out=mean)
    for shift in (2, 3, 4):
        mean += pieces[shift : 2 * count + shift - 1 : 2]
    mean *= np.float32(1 / FRAME_LENGTH_SAMPLES)
    windows[1:, -1] = windows[0, -1]
