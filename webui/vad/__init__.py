"""Samples to probabilities to segments: the engine that page, command line and API share.

Options are checked when they are made, and never change:

>>> from webui.vad import Detector, VadOptions
>>> options = VadOptions(max_end_silence_time=500)
>>> options.speech_noise_thres
0.6
>>> VadOptions(max_end_silence_time=1)
Traceback (most recent call last):
webui.errors.OptionsError: max_end_silence_time = 1: must lie between 150 and 6000 ms.

A recording is scored once; segments, in milliseconds, are decided as often as one likes:

>>> scores = Detector(engine="onnx").score("assets/audio/english-clean.flac")
>>> [(segment.start_ms, segment.end_ms) for segment in scores.segments()]
[(700, 5090), (5860, 12340), (13820, 19140), (20150, 24240)]
>>> len(scores.segments(options)) >= 4
True
>>> scores.duration_ms, scores.receipt.engine
(25035, 'onnx')
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
