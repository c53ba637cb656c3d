"""Measure this program against FunASR itself, on this machine, in one run."""
