"""The samples of a WAV file that are stored as they are, read without a decoder.

Most recordings that people score by the hour are such files, and reading them through
FFmpeg packet by packet takes several times as long. Only what is beyond doubt is read
here (a whole file, a sample format of NumPy's own); FFmpeg still opens each file, chooses
the track and says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webui.audio.announced import WavData

_CODECS = {"pcm_s16le": "<i2", "pcm_s32le": "<i4", "pcm_f32le": "<f4", "pcm_f64le": "<f8"}


def is_plain(codec: str, channels: int, data: WavData | None, path: Path) -> bool:
    """Tell whether `plain_rows` can read a file.

    Args:
        codec: FFmpeg's name of the sample format.
        channels: of the file.
        data: what its header says.
        path: the file.
    """
    if codec not in _CODECS or data is None or data.size_bytes is None or not path.is_file():
        return False
    is_whole = path.stat().st_size >= data.offset_bytes + data.size_bytes
    return is_whole and data.block_bytes == np.dtype(_CODECS[codec]).itemsize * channels


def plain_rows(
    codec: str, data: WavData, path: Path, first: int = 0
) -> Iterator[NDArray[np.generic]]:
    """Yield (channels, n) arrays of at most a second, each good until the next one.

    Args:
        codec: as `is_plain` has accepted it, and so for the others.
        data: where the samples lie.
        path: the file.
        first: sample of each channel to begin with.
    """
    dtype = np.dtype(_CODECS[codec])
    channels = data.block_bytes // dtype.itemsize
    a_second = max(1, data.bytes_per_s // data.block_bytes)
    held: NDArray[np.generic] = np.empty((a_second, channels), dtype)
    samples = (data.size_bytes or 0) // data.block_bytes
    left_bytes = max(0, samples - first) * data.block_bytes
    with path.open("rb", buffering=0) as file:
        file.seek(data.offset_bytes + first * data.block_bytes)
        while left_bytes:
            wanted = held.data.cast("B")[:left_bytes]
            read_bytes = file.readinto(wanted) or 0
            if read_bytes < data.block_bytes:
                return  # the file has become shorter
            whole = read_bytes // data.block_bytes
            # A read may end within a sample; it is read again.
            file.seek(whole * data.block_bytes - read_bytes, 1)
            left_bytes -= whole * data.block_bytes
            yield held[:whole].T
