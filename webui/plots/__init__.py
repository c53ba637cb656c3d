"""Matplotlib figures of a result, for print and for export."""

from webui.plots.axis import clock, tick_step_s
from webui.plots.figure import LEFT_PX, RIGHT_PX, draw, encode
from webui.plots.palette import PRINT, Palette

__all__ = ["LEFT_PX", "PRINT", "RIGHT_PX", "Palette", "clock", "draw", "encode", "tick_step_s"]
