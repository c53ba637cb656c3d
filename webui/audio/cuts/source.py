"""A recording's samples as they are stored, or as 16 kHz mono: what cuts are made of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from webui.audio import SAMPLE_RATE_HZ
from webui.audio.reader import ChannelsReader
from webui.audio.report import Channel, ChannelChoice
from webui.audio.samples import batched, rows_of, signature
from webui.audio.track import Track
from webui.errors import CutError

Rows = NDArray[np.generic]
"""Samples, shape (channels, n): uint8, int16, float32, float64, or int32 whose upper bits
hold the sample where it has fewer than 32."""

_BLOCK_S = 5.0


@dataclass(frozen=True)
class SampleFormat:
    """How samples are stored.

    Attributes:
        rate_hz: sample rate.
        channels: how many.
        bits: of a sample: 8, 16, 24, 32 or 64.
        is_float: they are floating-point numbers.
    """

    rate_hz: int
    channels: int
    bits: int
    is_float: bool = False


class StoredSource:
    """The samples of a recording in its own rate, channels and width.

    Lossy codecs have no width; they give 16 bits.

    Attributes:
        format: of what comes.

    Raises:
        AudioError: one of its kinds.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._track = Track(path)
        try:
            frames = self._track.begin()
            first = next(frames, None)
        except BaseException:
            self._track.close()
            raise
        track = self._track
        found = (track.sample_format, track.sample_rate_hz, track.channels)
        if first is not None:
            found = signature(first)
            frames = chain([first], frames)
        self._frames = frames
        self._signature = found
        self.format = _format(found, track)

    def __enter__(self) -> StoredSource:
        return self

    def __exit__(self, *error: object) -> None:
        self._track.close()

    def __iter__(self) -> Iterator[Rows]:
        """Yield rows of about a second, each good until the next one.

        Raises:
            CutError: the format changes inside the recording.
        """
        plain = self._track.plain_rows()
        if plain is not None:
            yield from plain
            return
        for batch in batched(self._frames):
            if signature(batch[0]) != self._signature:
                raise CutError(
                    file=self._track.file,
                    reason="its sample rate or its channels change inside the file; "
                    "cut it at 16 kHz mono, which can be had of any recording",
                    reason_zh="文件中途改变了采样率或声道，请改为按 16 kHz 单声道切分",
                )
            yield _stored(rows_of(batch), self.format)

    def rows(self, channel: Channel) -> slice:
        """Which rows a cut from this channel has; of the mean, all."""
        if channel == "mix":
            return slice(None)
        number = min(self.format.channels - 1, ("left", "right").index(channel))
        return slice(number, number + 1)


class MonoSource:
    """The samples as the model gets them: 16 kHz, 16 bits, one row for each channel in turn.

    Args:
        path: a local file.
        choice: what was taken of the channels for the scores.

    Raises:
        AudioError: one of its kinds.
    """

    def __init__(self, path: str | os.PathLike[str], choice: ChannelChoice) -> None:
        self._reader = ChannelsReader(path, choice, _BLOCK_S)
        self.format = SampleFormat(SAMPLE_RATE_HZ, len(self._reader.channels), 16)

    def __enter__(self) -> MonoSource:
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.close()

    def __iter__(self) -> Iterator[Rows]:
        """Yield rows of some seconds."""
        for block in self._reader:
            yield _to_int16(block)

    def rows(self, channel: Channel) -> slice:
        """The row of a channel."""
        number = self._reader.channels.index(channel)
        return slice(number, number + 1)


def _format(found: tuple[str, int, int], track: Track) -> SampleFormat:
    name, rate_hz, channels = found
    name = name.removesuffix("p")
    if name in ("flt", "dbl"):
        # Others have made floating point up from fewer bits, and the world keeps that in 16.
        if track.codec.startswith("pcm_f") or track.codec == "wavpack":
            return SampleFormat(rate_hz, channels, 32 if name == "flt" else 64, is_float=True)
        return SampleFormat(rate_hz, channels, 16)
    bits = {"u8": 8, "s16": 16, "s32": 32, "s64": 32}[name]
    # Of the bits that the decoder gives, the file may have fewer; whole bytes are written.
    return SampleFormat(rate_hz, channels, min(bits, -(-(track.bits or bits) // 8) * 8))


def _stored(rows: Rows, wanted: SampleFormat) -> Rows:
    """Samples as a decoder gives them, in the type of `Rows` for the format."""
    if rows.dtype == np.int64:
        return (rows.astype(np.int64) >> 32).astype(np.int32)
    if rows.dtype.kind == "f" and not wanted.is_float:
        return _to_int16(rows)
    if rows.dtype == np.int16 and wanted.bits == 8:
        return ((rows.astype(np.int16) >> 8) + 128).astype(np.uint8)
    return rows


def _to_int16(rows: Rows) -> Rows:
    values = np.nan_to_num(rows.astype(np.float64)) * 2.0**15
    return np.clip(np.rint(values), -(2**15), 2**15 - 1).astype(np.int16)
