"""The header of a WAV file, in front of samples that are stored as they are."""

from __future__ import annotations

import struct

LARGEST_BYTES = 0xFFFF_FFFF
"""A WAV file stays below: its sizes have 32 bits."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# What an extensible header has behind the two bytes of the format that is meant.
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def wav_header(rate_hz: int, channels: int, bits: int, *, is_float: bool, size_bytes: int) -> bytes:
    """Return what stands in front of the samples; its length depends on their format alone.

    Args:
        rate_hz: samples a second.
        channels: that follow one another sample by sample.
        bits: of one sample.
        is_float: they are numbers with a point.
        size_bytes: of all samples together; a zero byte follows them if they are odd.
    """
    kind = _FLOAT if is_float else _PCM
    of_all = channels * bits // 8
    is_extensible = channels > 2
    fields = struct.pack(
        "<HHIIHH",
        _EXTENSIBLE if is_extensible else kind,
        channels,
        rate_hz,
        rate_hz * of_all,
        of_all,
        bits,
    )
    if is_extensible:
        # No channel is said to belong to any loudspeaker.
        fields += struct.pack("<HHIH", 22, bits, 0, kind) + _SUBFORMAT_TAIL
    elif is_float:
        fields += struct.pack("<H", 0)
    chunks = struct.pack("<4sI", b"fmt ", len(fields)) + fields
    if is_float:
        chunks += struct.pack("<4sII", b"fact", 4, size_bytes // of_all)
    chunks += struct.pack("<4sI", b"data", size_bytes)
    size = 4 + len(chunks) + size_bytes + size_bytes % 2
    return struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + chunks
