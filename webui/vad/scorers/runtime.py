"""ONNX Runtime, which is imported here and nowhere else."""

from __future__ import annotations

import os
from typing import Any


def import_onnxruntime() -> Any:
    """The module, told to keep to itself.

    Since 1.29 the published packages send what they run, and on what, to their maker and keep
    an identifier of the machine in the user's cache. The variable is read once, when the
    runtime starts; whoever has set it otherwise is not overruled.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
