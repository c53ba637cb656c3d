"""One audio track of a file: found, opened, and decoded frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, dropwhile, islice
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import Disposition
from numpy.typing import NDArray

from webui.audio.announced import HEAD_BYTES, announced_by_mp3, sample_bits, wav_data
from webui.audio.plain import is_plain, plain_rows
from webui.errors import (
    AudioError,
    DecodeError,
    EmptyFileError,
    FileMissingError,
    NoAudioStreamError,
    NotAudioError,
    ProtectedAudioError,
)
from webui.system_errors import system_reason_zh

# Without this list FFmpeg would open playlists too, and they may name other
# files or addresses. Local files in these formats are all that is ever read.
_FORMATS = (
    "wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,amr,ape,tta,wv,"
    "ogg,mov,matroska,webm,asf,avi,flv,mpeg,mpegts"
)
_OPEN_OPTIONS = {
    "format_whitelist": _FORMATS,
    "protocol_whitelist": "file",
    # Of WAV: a packet of FFmpeg's own 4 kB costs more in calls than in bytes, and one beyond
    # what the allocator keeps costs more in fresh pages.
    "max_size": "16384",
}

# Formats without a header: FFmpeg may take any bytes for them, and guesses
# their duration from the bit rate.
_HEADERLESS = frozenset({"mp3", "aac", "ac3", "eac3", "mpeg", "mpegts"})

# Formats whose time stamps FFmpeg makes by counting the frames themselves; it would seek in
# them by their bit rate. Those of the others without a header stand in the file, with gaps.
_COUNTED = frozenset({"mp3", "aac", "ac3", "eac3", "amr"})

# In random bytes a frame is found now and then; among so many frames of a real
# file at least half are sound.
_HEADERLESS_FRAMES = 50

# First bytes (and where they stand) of formats that are recognised for sure.
_SIGNATURES = ((0, b"RIFF"), (0, b"fLaC"), (0, b"OggS"), (0, b"\x1aE\xdf\xa3"), (4, b"ftyp"))

_PROTECTED_TAGS = frozenset({"drms", "enca"})
_MAX_DEMUX_ERRORS = 32

# Beyond these a file is a mistake or an attack: 1 byte could become 16,000 samples.
_LOWEST_RATE_HZ = 1_000
_HIGHEST_RATE_HZ = 1_536_000


class Track:
    """The audio track that a player would choose, ready to be decoded.

    Attributes:
        file: base name of the file.
        container: short name of the container.
        codec: short name of the codec.
        sample_rate_hz: as the file says; frames may differ.
        channels: as the file says; frames may differ.
        sample_format: as the file says; frames may differ.
        number: 1 for the first audio track.
        count: how many audio tracks there are.
        has_video: whether there is a moving picture as well.
        expected_s: duration in seconds for progress, None if unknown.
        announced_s: duration that the file promises reliably, None if it does not.
        damaged_packets: how many could not be decoded so far.

    Raises:
        AudioError: one of its kinds, if there is nothing to decode.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.file = Path(path).name
        self._path = Path(path)
        self.damaged_packets = 0
        head = _read_head(Path(path), self.file)
        self._media = _open_media(Path(path), self.file, head)
        try:
            self._describe(head)
        except BaseException:
            self._media.close()
            raise

    def close(self) -> None:
        """Close the file; calling it again does no harm."""
        self._media.close()

    def begin(self) -> Iterator[AudioFrame]:
        """Decode the first frames now, so that what is wrong shows, and yield all of `frames`.

        Raises:
            AudioError: they are not those of a recording.
        """
        frames = self.frames()
        first = list(islice(frames, self._frames_to_trust))
        reason = self.reason_to_refuse(len(first))
        if reason:
            raise reason
        return chain(first, frames)

    def frames(self) -> Iterator[AudioFrame]:
        """Yield the decoded frames in order; damaged packets are skipped and counted.

        Raises:
            ProtectedAudioError: if the packets are encrypted.
        """
        return self._decoded(self._packets())

    def frames_from(self, time_s: float) -> Iterator[AudioFrame] | None:
        """Yield the decoded frames around a time and after it, without decoding what is before.

        The first of them may begin later than was asked for where the file's index is wrong,
        and needs others before it to sound right; each has its time stamp.

        Args:
            time_s: on the clock of the time stamps.

        Returns:
            None where the file cannot be sought.
        """
        base = self._stream.time_base
        if not base or (self.container in _HEADERLESS and not self.has_counted_times):
            return None
        if not self.has_counted_times:
            # Of a film, the picture has the index.
            stream, unit = (None, av.time_base) if self.has_video else (self._stream, 1 / base)
            try:
                self._media.seek(max(0, int(time_s * unit)), stream=stream)
            except FFmpegError:
                return None
        self._stream.codec_context.flush_buffers()
        packets = self._packets()
        return self._decoded(dropwhile(lambda packet: _is_before(packet, time_s), packets))

    def _decoded(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[AudioFrame]:
        for packet in packets:
            if packet.has_sidedata("encryption_info"):
                raise ProtectedAudioError(file=self.file, codec=self.codec)
            try:
                frames = packet.decode()
            except MemoryError:  # FFmpeg's is one of its errors, too, and no damage
                raise
            except FFmpegError:
                self.damaged_packets += 1
                continue
            yield from (f for f in frames if f.samples and _is_usable_rate(f.sample_rate))

    def plain_rows(self, first: int = 0) -> Iterator[NDArray[np.generic]] | None:
        """The samples without a decoder, (channels, n) at a time; None where one is needed.

        Args:
            first: sample to begin with.
        """
        if self.container != "wav" or not is_plain(
            self.codec, self.channels, self._data, self._path
        ):
            return None
        assert self._data is not None
        return plain_rows(self.codec, self._data, self._path, first)

    @property
    def bits(self) -> int | None:
        """How many bits the file has of each sample, where it says so; None elsewhere."""
        return sample_bits(self.codec, self._stream.codec_context.extradata or b"")

    @property
    def has_counted_times(self) -> bool:
        """Whether the time stamps cannot but count the samples in a row."""
        return self.container in _COUNTED

    @property
    def _frames_to_trust(self) -> int:
        """How many frames must be looked at before the file can be believed to be audio."""
        return _HEADERLESS_FRAMES if self.container in _HEADERLESS else 1

    def reason_to_refuse(self, frames: int) -> AudioError | None:
        """Judge the file by its beginning; None if it is good, or empty.

        Args:
            frames: how many of the first ones there were.
        """
        if self.container in _HEADERLESS and self.damaged_packets > frames:
            return NotAudioError(file=self.file)
        if self.damaged_packets and not frames:
            return DecodeError(
                file=self.file,
                reason=f"{self.damaged_packets} damaged packets",
                reason_zh=f"{self.damaged_packets} 个数据包损坏",
            )
        return None

    def _describe(self, head: bytes) -> None:
        media = self._media
        self.container = media.format.name.split(",")[0]
        stream = self._choose(head)
        self._stream = stream
        context = stream.codec_context
        self.codec = context.codec.canonical_name
        self.sample_rate_hz = stream.sample_rate
        self.channels = stream.channels
        self.sample_format = stream.format.name
        tracks = list(media.streams.audio)
        self.number = 1 + next(i for i, other in enumerate(tracks) if other.index == stream.index)
        self.count = len(tracks)
        # Covers of albums are stored as videos of one picture.
        self.has_video = any(
            not video.disposition & Disposition.attached_pic for video in media.streams.video
        )
        self._data = wav_data(head)
        self._set_durations(head)

    def _choose(self, head: bytes) -> AudioStream:
        media = self._media
        if not media.streams.audio:
            raise NoAudioStreamError(file=self.file)
        stream = media.streams.best("audio") or media.streams.audio[0]
        assert isinstance(stream, AudioStream)
        # PyAV has no context, whatever its types say, where FFmpeg has no decoder.
        context: object = stream.codec_context
        if context is None:
            raise ProtectedAudioError(file=self.file, codec="?")
        tag = stream.codec_context.codec_tag
        if tag in _PROTECTED_TAGS:
            raise ProtectedAudioError(file=self.file, codec=tag)
        if not stream.channels or not _is_usable_rate(stream.sample_rate):
            reason = f"{stream.channels} channels at {stream.sample_rate} Hz"
            reason_zh = f"{stream.channels} 个声道，采样率 {stream.sample_rate} Hz"
            raise _unreadable(self.file, head, {"reason": reason, "reason_zh": reason_zh})
        return stream

    def _set_durations(self, head: bytes) -> None:
        of_stream = None
        if self._stream.duration is not None and self._stream.time_base is not None:
            of_stream = float(self._stream.duration * self._stream.time_base)
        of_file = None
        if self._media.duration is not None:
            of_file = self._media.duration / av.time_base
        self.expected_s = of_stream if of_stream is not None else of_file
        if self.container == "wav":
            # FFmpeg limits the duration of a WAV to what the file holds.
            self.announced_s = self._data.duration_s if self._data else None
        elif (
            (self.container == "mp3" and not announced_by_mp3(head))
            or self.container in _HEADERLESS - {"mp3"}
            or (of_stream is None and self.has_video)
        ):
            self.announced_s = None
        else:
            self.announced_s = self.expected_s

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        packets = self._media.demux(self._stream)
        errors = 0
        while errors < _MAX_DEMUX_ERRORS:
            try:
                yield from packets
                return
            except MemoryError:
                raise
            except FFmpegError:
                # The generator is spent by the error; a new one reads on behind it.
                errors += 1
                self.damaged_packets += 1
                packets = self._media.demux(self._stream)


def _is_before(packet: Packet[AudioStream], time_s: float) -> bool:
    """Tell whether a packet is one of before; one without a time stamp counts as such."""
    if packet.pts is None or packet.time_base is None:
        return packet.size > 0  # the last one is empty: it ends the decoder
    return float((packet.pts + (packet.duration or 0)) * packet.time_base) <= time_s


def _is_usable_rate(rate_hz: int) -> bool:
    return _LOWEST_RATE_HZ <= rate_hz <= _HIGHEST_RATE_HZ


def _read_head(path: Path, file: str) -> bytes:
    try:
        if path.is_dir():
            raise NotAudioError(file=file)
        if path.is_file() and not path.stat().st_size:
            raise EmptyFileError(file=file)
        if not path.is_file() and path.exists():
            return b""  # a pipe: what is read now would be missing afterwards
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except FileNotFoundError:
        raise FileMissingError(file=file) from None
    except (OSError, ValueError) as error:
        raise AudioError(file=file, **_reasons(error)) from error


def _open_media(path: Path, file: str, head: bytes) -> InputContainer:
    try:
        # Without the prefix a colon in a name would be taken for a protocol.
        return av.open(
            f"file:{path}", metadata_errors="replace", container_options=dict(_OPEN_OPTIONS)
        )
    except MemoryError:
        raise
    except (FFmpegError, ValueError) as error:
        raise _unreadable(file, head, _reasons(error)) from error


def _unreadable(file: str, head: bytes, reasons: dict[str, str]) -> AudioError:
    if any(head[at:].startswith(mark) for at, mark in _SIGNATURES):
        return DecodeError(file=file, **reasons)
    return NotAudioError(file=file)


def _reasons(error: Exception) -> dict[str, str]:
    # Without the path, which is nobody's business on a page.
    if isinstance(error, InvalidDataError):
        reason_zh = "数据无效"
    elif isinstance(error, OSError):
        reason_zh = system_reason_zh(error)
    elif isinstance(error, FFmpegError):
        reason_zh = f"解码器错误 {error.errno}"
    else:
        reason_zh = "路径无效"
    return {"reason": str(getattr(error, "strerror", None) or error), "reason_zh": reason_zh}
