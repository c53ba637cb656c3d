"""The branches of the tree in `webui.errors` that live streams alone have.

::

    EngineBusyError
    └── StreamsFullError  there are as many live streams as there may be
"""

from __future__ import annotations

from webui.errors import EngineBusyError


class StreamsFullError(EngineBusyError):
    """There are as many live streams as there may be."""

    texts = {
        "en": "{streams} live streams run already, which is the most that this server takes "
        "(FSMN_VAD_MAX_STREAMS). Try again when one has ended.",
        "zh": "已有 {streams} 个实时流在运行，达到本服务器的上限（FSMN_VAD_MAX_STREAMS）。"
        "请等其中一个结束后再试。",
    }
