"""WAV as a stream: a header that comes through a pipe, and one for samples that are known."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from webui.audio.announced import HEAD_BYTES, wav_data
from webui.audio.pcm import PcmFormat
from webui.errors import DecodeError, NotPcmError, PcmFormatError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# By what the header calls them and the bits of a sample.
_SAMPLE_FORMATS: Mapping[tuple[int, int], str] = {
    (_PCM, 8): "u8",
    (_PCM, 16): "s16le",
    (_PCM, 24): "s24le",
    (_PCM, 32): "s32le",
    (_FLOAT, 32): "f32le",
}
_TAGS = {name: key for key, name in _SAMPLE_FORMATS.items()}
# Of formats that are no raw samples; these would be taken for noise.
_OTHERS = (b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3", b"FORM", b"caff", b"RIFX")


@dataclass(frozen=True)
class WavStart:
    """What the beginning of a stream says of it.

    Attributes:
        format: of the samples.
        offset_bytes: of the first one.
        size_bytes: of all; None where the header does not tell, as in a pipe.
    """

    format: PcmFormat
    offset_bytes: int
    size_bytes: int | None


def is_wav(head: bytes) -> bool | None:
    """Tell whether a stream begins as a WAV; None while it has too few bytes to tell."""
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WAVE" if len(head) >= 12 else None
    return None if len(head) < 4 and b"RIFF".startswith(head) else False


def refuse_other(head: bytes, name: str) -> None:
    """Refuse what is in a container or compressed.

    Args:
        head: the first bytes of a stream that is no WAV.
        name: what the user calls it.

    Raises:
        NotPcmError: it is.
    """
    if head.startswith(_OTHERS):
        raise NotPcmError(file=name)


def wav_start(head: bytes, name: str) -> WavStart | None:
    """Read the header of a stream that `is_wav`; None while it is not all there.

    Args:
        head: the first bytes.
        name: what the user calls the stream.

    Raises:
        NotPcmError: its samples are compressed, or the header does not end.
        DecodeError: it says what cannot be.
    """
    data = wav_data(head)
    if data is None:
        if len(head) >= HEAD_BYTES:
            raise NotPcmError(file=name)
        return None
    described = data.description.ljust(16, b"\0")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", described)
    if tag == _EXTENSIBLE and len(data.description) >= 26:
        (tag,) = struct.unpack_from("<H", data.description, 24)
    sample_format = _SAMPLE_FORMATS.get((tag, bits))
    if sample_format is None:
        raise NotPcmError(file=name)
    try:
        format = PcmFormat(rate_hz, channels, sample_format)
    except PcmFormatError as error:
        reasons = {"reason": error.message("en"), "reason_zh": error.message("zh")}
        raise DecodeError(file=name, **reasons) from error
    if format.frame_bytes != data.block_bytes:
        raise NotPcmError(file=name)
    return WavStart(format, data.offset_bytes, data.size_bytes)


def wav_head(format: PcmFormat, size_bytes: int) -> bytes:
    """Return the header of a WAV.

    Args:
        format: of its samples.
        size_bytes: of all of them; what is beyond the most that a header can say is unknown.
    """
    tag, bits = _TAGS[format.sample_format]
    described = struct.pack(
        "<HHIIHH",
        tag,
        format.channels,
        format.rate_hz,
        format.bytes_per_s,
        format.frame_bytes,
        bits,
    )
    most = 0xFFFF_FFFF
    return (
        struct.pack("<4sI4s4sI", b"RIFF", min(36 + size_bytes, most), b"WAVE", b"fmt ", 16)
        + described
        + struct.pack("<4sI", b"data", min(size_bytes, most))
    )
