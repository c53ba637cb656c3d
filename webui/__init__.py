"""FSMN-VAD Studio: find speech in audio with FSMN-VAD, on a page, a command line and in Python."""

__version__ = "0.1.0"
