"""Samples to probabilities to segments: the engine that page, command line and API share.

>>> from webui.vad import VadOptions
>>> VadOptions(max_end_silence_time=500).speech_noise_thres
0.6
"""

from webui.audio.pcm import PcmFormat
from webui.vad.detector import Detector
from webui.vad.endpoint import Endpointer
from webui.vad.options import PRESETS, VadOptions
from webui.vad.scores import EngineReceipt, SpeechScores
from webui.vad.segment import EndReason, Segment
from webui.vad.stream import SpeechEvent, SpeechStream

__all__ = [
    "PRESETS",
    "Detector",
    "EndReason",
    "Endpointer",
    "EngineReceipt",
    "PcmFormat",
    "Segment",
    "SpeechEvent",
    "SpeechScores",
    "SpeechStream",
    "VadOptions",
]
