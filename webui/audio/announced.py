"""How long a file itself says that it is, where FFmpeg does not tell.

FFmpeg limits a WAV's duration to the bytes that are there, and guesses that
of an MP3 without a length header from its bit rate. To notice that a file was
cut off, what its header promises must be known.
"""

from __future__ import annotations

import struct

HEAD_BYTES = 65_536

# Programs that write to a pipe cannot fill in the size; they leave one of these.
_SIZES_UNKNOWN = (0, 0x7FFF_FFFF, 0xFFFF_FFFF)
_MP3_LENGTH_MARKS = (b"Xing", b"Info", b"VBRI")


def announced_by_wav(head: bytes) -> float | None:
    """Return the seconds that a RIFF/WAVE header promises, None if it does not.

    Args:
        head: the first bytes of the file.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    bytes_per_s = 0
    at = 12
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"fmt " and at + 20 <= len(head):
            (bytes_per_s,) = struct.unpack_from("<I", head, at + 16)
        if name == b"data":
            known = bytes_per_s and not any(0 <= mark - size < 256 for mark in _SIZES_UNKNOWN)
            return size / bytes_per_s if known else None
        at += 8 + size + size % 2
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
