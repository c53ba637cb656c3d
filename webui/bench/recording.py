"""Recordings to be measured on: made of shorter ones, again and again, on the temporary disk."""

from __future__ import annotations

import shutil
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webui.audio import SAMPLE_RATE_HZ
from webui.errors import SettingsError
from webui.system_errors import system_reason_zh

Pcm = npt.NDArray[np.int16]

_SAMPLE_BYTES = 2
_WAV_BYTES = 2**32 - 1
_HEADER_BYTES = 44
LONGEST_HOURS = (_WAV_BYTES - _HEADER_BYTES) // (SAMPLE_RATE_HZ * _SAMPLE_BYTES) // 3600
"""More does not fit a WAV file, whose header counts to 4 GiB."""


def check_room(durations_s: Sequence[float]) -> None:
    """Find out whether the temporary disk has room for recordings of these lengths.

    Raises:
        SettingsError: it has not, or there is no temporary directory.
    """
    needed_bytes = sum(
        round(duration_s * SAMPLE_RATE_HZ) * _SAMPLE_BYTES + _HEADER_BYTES
        for duration_s in durations_s
    )
    try:
        directory = tempfile.gettempdir()
        free_bytes = shutil.disk_usage(directory).free
    except OSError as error:
        raise _refused(error) from error
    if free_bytes < needed_bytes:
        needed, free = (f"{size / 1e6:.0f} MB" for size in (needed_bytes, free_bytes))
        raise SettingsError(
            name="TMPDIR",
            reason=f"the recordings need {needed} in {directory}, where {free} are free; free "
            "some space, name another directory in TMPDIR, or lower --hours and --lengths",
            reason_zh=f"录音需要 {directory} 中有 {needed}，而那里只剩 {free}；"
            "请腾出空间、用 TMPDIR 指定其他目录，或减小 --hours 和 --lengths",
        )


def read(recordings: Sequence[Path]) -> Pcm:
    """All samples of the recordings, one after the other: 16 kHz mono, shape (samples,).

    Raises:
        AudioError: one cannot be read.
        SettingsError: there is no sound in them.
    """
    from webui.audio.reader import open_audio

    blocks = []
    for path in recordings:
        with open_audio(path) as reader:
            blocks += [np.clip(block, -1, 32767 / 32768) for block in reader]
    if not sum(map(len, blocks)):
        raise SettingsError(
            name="AUDIO", reason="the recordings have no sound", reason_zh="录音中没有声音"
        )
    return np.rint(np.concatenate(blocks) * 32768).astype("<i2")


def write(path: Path, samples: Pcm, duration_s: float) -> Path:
    """Write so many seconds as WAV, repeating the samples.

    Raises:
        SettingsError: the disk refuses, most likely because it is full.
    """
    left = round(duration_s * SAMPLE_RATE_HZ)
    try:
        with path.open("wb") as stream, wave.open(stream, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(_SAMPLE_BYTES)
            file.setframerate(SAMPLE_RATE_HZ)
            while left > 0:
                part = samples[:left]
                file.writeframes(part.tobytes())
                left -= len(part)
    except OSError as error:
        raise _refused(error, path.parent) from error
    return path


def _refused(error: OSError, directory: Path | None = None) -> SettingsError:
    where, where_zh = (f"{directory}: ", f"{directory}：") if directory else ("", "")
    return SettingsError(
        name="TMPDIR",
        reason=f"{where}{error.strerror or error}; free some space there, "
        "or name another directory in TMPDIR",
        reason_zh=f"{where_zh}{system_reason_zh(error)}；请腾出空间，或用 TMPDIR 指定其他目录",
    )
