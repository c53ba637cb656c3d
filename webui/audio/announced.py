"""How long a file itself says that it is, where FFmpeg does not tell.

FFmpeg limits a WAV's duration to the bytes that are there, and guesses that
of an MP3 without a length header from its bit rate. To notice that a file was
cut off, what its header promises must be known.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

HEAD_BYTES = 65_536

# Programs that write to a pipe cannot fill in the size; they leave one of these, or a
# little less (SoX: 0x7FFFF000).
_SIZES_UNKNOWN = (0, 0x7FFF_FFFF, 0xFFFF_FFFF)
_LESS_BYTES = 4096
_MP3_LENGTH_MARKS = (b"Xing", b"Info", b"VBRI")


@dataclass(frozen=True)
class WavData:
    """Where the samples of a RIFF/WAVE file lie, as its header says.

    Attributes:
        bytes_per_s: as the format says.
        block_bytes: one sample of all channels.
        offset_bytes: of the first sample from the beginning of the file.
        size_bytes: of all samples; None where the header does not tell.
        description: the chunk that describes the samples, as it is stored.
    """

    bytes_per_s: int
    block_bytes: int
    offset_bytes: int
    size_bytes: int | None
    description: bytes

    @property
    def duration_s(self) -> float | None:
        """Seconds that the header promises, None if it does not."""
        return None if self.size_bytes is None else self.size_bytes / self.bytes_per_s


def wav_data(head: bytes) -> WavData | None:
    """Read the header of a RIFF/WAVE file; None if it is none, or incomplete.

    Args:
        head: the first bytes of the file.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    bytes_per_s = block_bytes = 0
    description = b""
    at = 12
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"fmt " and at + 14 <= len(head):
            bytes_per_s, block_bytes = struct.unpack_from("<IH", head, at + 8)
            description = head[at : at + size]
        if name == b"data":
            if not bytes_per_s or not block_bytes:
                return None
            is_known = not any(0 <= mark - size < _LESS_BYTES for mark in _SIZES_UNKNOWN)
            known_bytes = size if is_known else None
            return WavData(bytes_per_s, block_bytes, at, known_bytes, description)
        at += size + size % 2
    return None


def sample_bits(codec: str, setup: bytes) -> int | None:
    """Tell how many bits a codec without loss has of each sample, None if it does not say.

    Args:
        codec: FFmpeg's name of it.
        setup: what the container has for its decoder.
    """
    pcm = re.fullmatch(r"pcm_[suf](\d+)(?:[lb]e)?(?:_planar)?", codec)
    if pcm:
        return int(pcm[1])
    if codec == "flac" and len(setup) >= 14:
        # Five bits across two bytes, after the sample rate (20 bits) and the channels (3).
        return ((setup[12] & 1) << 4 | setup[13] >> 4) + 1
    if codec == "alac" and len(setup) >= 18:
        return setup[17]
    return None


def announced_by_mp3(head: bytes) -> bool:
    """Tell whether an MP3 begins with a header (Xing, Info, VBRI) that holds its length.

    Args:
        head: the first bytes of the file.
    """
    at = 0
    if head[:3] == b"ID3" and len(head) >= 10:
        # Four bytes of seven bits each, not counting the ten of this header.
        at = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    first_frame = head[at : at + 2_048]
    return any(mark in first_frame for mark in _MP3_LENGTH_MARKS)
