"""The branches of the tree in `webui.errors` that live streams alone have.

::

    EngineBusyError
    ├── StreamsFullError      there are as many live streams as there may be
    └── ConnectionsFullError  as many connections wait to say what they want

    StreamError               what a client of one meets
    ├── StreamMessageError    a message that the protocol does not have
    │   └── StreamStartError  none came at all
    ├── StreamSizeError       a message that is too large
    ├── StreamRateError       a format with more bytes a second than are taken
    ├── StreamGoneError       there is no such stream, or it is over
    ├── StreamElsewhereError  another connection has taken the stream over
    └── ClipGoneError         this part of the sound is not kept
"""

from __future__ import annotations

from webui.errors import EngineBusyError, StudioError


class StreamsFullError(EngineBusyError):
    """There are as many live streams as there may be."""

    texts = {
        "en": "{streams} live streams run already, which is the most that this server takes "
        "(FSMN_VAD_MAX_STREAMS). Try again when one has ended.",
        "zh": "已有 {streams} 个实时流在运行，达到本服务器的上限（FSMN_VAD_MAX_STREAMS）。"
        "请等其中一个结束后再试。",
    }


class ConnectionsFullError(EngineBusyError):
    """There are as many connections that have begun no stream as there may be."""

    texts = {
        "en": "{connections} connections have said nothing yet, which is the most that this "
        "server waits for. Try again later.",
        "zh": "已有 {connections} 个连接尚未发送任何消息，达到本服务器的上限。请稍后再试。",
    }


class StreamError(StudioError):
    """A live stream."""

    texts = {"en": "The live stream failed: {reason}.", "zh": "实时流出错：{reason_zh}。"}


class StreamMessageError(StreamError):
    """A message that the protocol does not have, or not here."""

    texts = {
        "en": "The message is not understood: {reason}.",
        "zh": "无法理解该消息：{reason_zh}。",
    }


class StreamStartError(StreamMessageError):
    """A connection on which nothing is said."""

    texts = {
        "en": "No message came for {idle_s} s; send start first.",
        "zh": "{idle_s} 秒内没有收到任何消息，请先发送 start。",
    }


class StreamSizeError(StreamError):
    """A message that is too large."""

    texts = {
        "en": "The message has {size} bytes; at most {most} are taken at once. "
        "Send the sound in smaller pieces.",
        "zh": "该消息有 {size} 字节，每次最多接受 {most} 字节。请分成更小的块发送。",
    }


class StreamRateError(StreamError):
    """The format has more bytes a second than the server takes."""

    texts = {
        "en": "This format has {bytes_per_s} bytes a second; this server takes {most} "
        "(FSMN_VAD_STREAM_BYTES_PER_S). Send fewer channels, or a lower rate.",
        "zh": "该格式每秒有 {bytes_per_s} 字节，而本服务器每秒最多接受 {most} 字节"
        "（FSMN_VAD_STREAM_BYTES_PER_S）。请减少声道或降低采样率。",
    }


class StreamGoneError(StreamError):
    """There is no such stream, or it is over and forgotten."""

    texts = {
        "en": "There is no such live stream; it may have ended. Start a new one.",
        "zh": "没有这个实时流，可能已经结束。请重新开始。",
    }


class StreamElsewhereError(StreamError):
    """Another connection has taken the stream over."""

    texts = {
        "en": "Another connection has taken this live stream over.",
        "zh": "另一个连接已接管这个实时流。",
    }


class ClipGoneError(StreamError):
    """This part of the sound is not kept."""

    texts = {
        "en": "The sound from {start_ms} to {end_ms} ms is not kept any more, or not yet there.",
        "zh": "{start_ms} 至 {end_ms} 毫秒的声音已不再保留，或尚未收到。",
    }
