"""Fonts with Chinese characters."""

from __future__ import annotations

from matplotlib import font_manager

_CJK_FAMILIES = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("PingFang SC", "Hiragino Sans GB", "Heiti SC", "Microsoft YaHei", "SimHei", "DengXian"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Serif CJK SC", "Droid Sans Fallback"),
)


def chinese_family() -> str | None:
    """Name of an installed font with Chinese characters; without one they would be boxes."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((name for name in _CJK_FAMILIES if name in installed), None)
