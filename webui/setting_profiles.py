"""Presets of settings for a kind of machine; each single setting goes before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MIB = 1024**2

PROFILES: Mapping[str, Mapping[str, Any]] = {
    # A board with 1 GB or less: the light engine, one thread, small blocks, tight caches.
    "board": {
        "engine": "onnx",
        "threads": 1,
        "block_s": 10.0,
        "cache_bytes": 32 * _MIB,
        "max_upload_bytes": 512 * _MIB,
        "workspace_bytes": 1024 * _MIB,
        "idle_unload_s": 120.0,
        "max_waiting_jobs": 8,
        "max_streams": 4,
        "history_runs": 100,
    },
    # What the defaults are made for.
    "laptop": {},
    # Many users: the model stays, and more is kept and may wait.
    "server": {
        "cache_bytes": 2048 * _MIB,
        "workspace_bytes": 65_536 * _MIB,
        "idle_unload_s": 0.0,
        "max_waiting_jobs": 256,
        "history_runs": 5000,
    },
}
"""Values of `webui.settings.Settings` by profile and name."""
