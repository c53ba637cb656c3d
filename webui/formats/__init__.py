"""Segments to files that other tools read, and back."""

from __future__ import annotations

from collections.abc import Mapping

from webui.formats.audacity import AUDACITY
from webui.formats.csv import CSV
from webui.formats.eaf import EAF
from webui.formats.format import Format
from webui.formats.json import JSON, as_dict
from webui.formats.kaldi import KALDI
from webui.formats.labels import Labels, Region
from webui.formats.nemo import NEMO
from webui.formats.result import Outcome, Result
from webui.formats.rttm import RTTM
from webui.formats.srt import SRT
from webui.formats.textgrid import TEXTGRID
from webui.formats.vtt import VTT

__all__ = ["FORMATS", "Format", "Labels", "Outcome", "Region", "Result", "as_dict"]

FORMATS: Mapping[str, Format] = {
    form.name: form for form in (JSON, CSV, RTTM, TEXTGRID, AUDACITY, SRT, VTT, KALDI, EAF, NEMO)
}
"""Every format by the name that people type."""
