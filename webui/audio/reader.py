"""Any recording as blocks of 16 kHz float32, one channel or two, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from webui.audio import FRAME_LENGTH_SAMPLES, SAMPLE_RATE_HZ
from webui.audio.regroup import regrouped
from webui.audio.report import (
    CHANNEL_CHOICES,
    AudioReport,
    Channel,
    ChannelChoice,
    Notice,
    duration_ms_of,
    rate_text,
)
from webui.audio.resample import Resampler
from webui.audio.samples import batched, rows_of, signature, to_mono
from webui.audio.track import Track
from webui.errors import ChannelMissingError

_Piece = tuple[tuple[str, int, int], NDArray[np.generic]]  # format, rate in Hz, channels; samples
_TRUNCATED_S = 1.0
_TRUNCATED_SHARE = 0.01


def open_audio(
    path: str | os.PathLike[str], channel: Channel = "mix", block_s: float = 10.0
) -> AudioReader:
    """Open a recording or the sound of a video.

    Args:
        path: a local file.
        channel: "mix" takes the mean of all channels, "left" the first, "right"
            the second.
        block_s: seconds of audio in each block.

    Raises:
        AudioError: one of its kinds, with the base name of the file.
    """
    return AudioReader(path, channel, block_s)


def open_channels(
    path: str | os.PathLike[str], channel: ChannelChoice = "each", block_s: float = 10.0
) -> ChannelsReader:
    """Open a recording whose channels are wanted side by side, from one decoding.

    Args:
        path: a local file.
        channel: "each" takes the first two channels, and the one of a recording that
            has no more; the others as in `open_audio`.
        block_s: seconds of audio in each block.

    Raises:
        AudioError: one of its kinds, with the base name of the file.
    """
    return ChannelsReader(path, channel, block_s)


class ChannelsReader:
    """Iterate over the blocks of a recording; a context manager that closes the file.

    Each block is a contiguous float32 array (channels, n) at 16 kHz of exactly
    ``block_s`` seconds, the last one shorter. Full scale is 1; samples of
    floating-point files may lie beyond. A recording that is 16 kHz already is
    never resampled.

    Attributes:
        channels: what each row of a block was taken from.
        expected_duration_s: what the container says, in seconds, None if it is
            silent about it; for progress only.
        position_s: seconds of the recording decoded so far.
    """

    def __init__(
        self, path: str | os.PathLike[str], channel: ChannelChoice, block_s: float
    ) -> None:
        if channel not in CHANNEL_CHOICES:
            raise ValueError(f"channel must be one of {CHANNEL_CHOICES}, not {channel!r}")
        self._block_samples = round(block_s * SAMPLE_RATE_HZ)
        if self._block_samples < 1:
            raise ValueError(f"block_s is too short: {block_s}")
        self._choice: ChannelChoice = channel
        self._track = Track(path)
        self.expected_duration_s = self._track.expected_s
        self.position_s = 0.0
        self._samples = 0
        self._is_finished = False
        self._format_changes = 0
        try:
            pieces = self._start()
        except BaseException:
            self._track.close()
            raise
        self._unusable = [0] * len(self.channels)
        self._is_silent = [True] * len(self.channels)
        self._blocks = self._cut(pieces)

    def __enter__(self) -> ChannelsReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return self

    def __next__(self) -> NDArray[np.float32]:
        return next(self._blocks)

    def cut_into(self, block_s: float) -> None:
        """Set the length of all blocks, before the first one is taken."""
        self._block_samples = round(block_s * SAMPLE_RATE_HZ)

    def close(self) -> None:
        """Close the file; reading on is not possible."""
        self._blocks.close()
        self._track.close()

    def reports(self) -> tuple[AudioReport, ...]:
        """Say of each of `channels` what was read and done; complete after the last block."""
        return tuple(self._report(row) for row in range(len(self.channels)))

    def _report(self, row: int) -> AudioReport:
        sample_format, sample_rate_hz, channels = self._format
        return AudioReport(
            file=self._track.file,
            container=self._track.container,
            codec=self._track.codec,
            sample_rate_hz=sample_rate_hz,
            channels=channels,
            channel=self.channels[row],
            sample_format=sample_format,
            duration_ms=duration_ms_of(self._samples),
            samples=self._samples,
            notices=tuple(self._notices(row)),
        )

    def _start(self) -> Iterator[_Piece]:
        # The first frames are decoded at once, so that what is wrong shows on opening.
        track = self._track
        frames = track.begin()
        first = next(frames, None)
        self._format = (track.sample_format, track.sample_rate_hz, track.channels)
        if first is not None:
            self._format = signature(first)
        self.channels = self._chosen(self._format[2])
        rows = track.plain_rows()
        if rows is not None:
            return ((self._format, part) for part in rows)
        batches = batched(frames if first is None else chain([first], frames))
        return ((signature(batch[0]), rows_of(batch)) for batch in batches)

    def _chosen(self, available: int) -> tuple[Channel, ...]:
        if self._choice == "right" and available < 2:
            raise ChannelMissingError(file=self._track.file, channels=1, channel=self._choice)
        if self._choice == "each":
            return ("left", "right") if available > 1 else ("mix",)
        return (self._choice,)

    def _resampled(self, pieces: Iterator[_Piece]) -> Iterator[NDArray[np.float32]]:
        current = self._format
        resamplers = [Resampler(current[1]) for _ in self.channels]
        for found, rows in pieces:
            if found != current:
                self._format_changes += 1
                if found[1] != current[1]:
                    yield _side_by_side([resampler.flush() for resampler in resamplers])
                    resamplers = [Resampler(found[1]) for _ in self.channels]
                current = found
            self.position_s += rows.shape[1] / found[1]
            ready = []
            for row, channel in enumerate(self.channels):
                mono, unusable = to_mono(rows, found[0], channel)
                self._unusable[row] += unusable
                ready.append(resamplers[row].feed(mono))
            yield _side_by_side(ready)
        yield _side_by_side([resampler.flush() for resampler in resamplers])

    def _cut(self, pieces: Iterator[_Piece]) -> Generator[NDArray[np.float32], None, None]:
        for block in regrouped(self._resampled(pieces), self._block_samples):
            self._samples += block.shape[1]
            for row, samples in enumerate(block):
                self._is_silent[row] = self._is_silent[row] and not samples.any()
            yield block
        self._is_finished = True

    def _notices(self, row: int) -> Iterator[Notice]:
        track = self._track
        _, rate_hz, channels = self._format
        wanted = rate_text(SAMPLE_RATE_HZ)
        if track.has_video:
            yield Notice("video")
        if track.count > 1:
            yield Notice("several_tracks", {"track": track.number, "tracks": track.count})
        if rate_hz != SAMPLE_RATE_HZ:
            yield Notice("resampled", {"rate": rate_text(rate_hz), "wanted": wanted})
        if channels > 1 and self._choice == "mix":
            yield Notice("mixed", {"channels": channels})
        if self._choice == "each":
            if len(self.channels) == 1:
                yield Notice("one_channel")
            elif channels > 2:
                yield Notice("first_two", {"channels": channels})
        if self._format_changes:
            yield Notice("format_changed", {"wanted": wanted})
        if track.damaged_packets:
            yield Notice("damaged_packets", {"count": track.damaged_packets})
        if self._unusable[row]:
            yield Notice("non_finite", {"count": self._unusable[row]})
        if self._is_finished:
            yield from self._final_notices(row)

    def _final_notices(self, row: int) -> Iterator[Notice]:
        announced_s = self._track.announced_s
        if announced_s is not None:
            missing_s = announced_s - self.position_s
            if missing_s > max(_TRUNCATED_S, _TRUNCATED_SHARE * announced_s):
                yield Notice(
                    "truncated",
                    {"announced_s": round(announced_s, 1), "decoded_s": round(self.position_s, 1)},
                )
        if self._samples < FRAME_LENGTH_SAMPLES:
            yield Notice("too_short")
        elif self._is_silent[row]:
            yield Notice("silent")


class AudioReader:
    """Iterate over the blocks of one channel; a context manager that closes the file.

    Each block is a contiguous float32 array (n,); all else is as in `ChannelsReader`.
    """

    def __init__(self, path: str | os.PathLike[str], channel: Channel, block_s: float) -> None:
        if channel not in ("mix", "left", "right"):
            raise ValueError(f"channel must be mix, left or right, not {channel!r}")
        self._reader = ChannelsReader(path, channel, block_s)

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return self

    def __next__(self) -> NDArray[np.float32]:
        block: NDArray[np.float32] = next(self._reader)[0]
        return block

    @property
    def expected_duration_s(self) -> float | None:
        """What the container says, in seconds; None if it is silent about it."""
        return self._reader.expected_duration_s

    @property
    def position_s(self) -> float:
        """Seconds of the recording decoded so far."""
        return self._reader.position_s

    def close(self) -> None:
        """Close the file; reading on is not possible."""
        self._reader.close()

    def report(self) -> AudioReport:
        """Say what was read and done so far; complete once the iteration has ended."""
        return self._reader.reports()[0]


def _side_by_side(rows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Put equally long rows (n,) into one array (rows, n); a single one is not copied."""
    return rows[0][np.newaxis] if len(rows) == 1 else np.stack(rows)
