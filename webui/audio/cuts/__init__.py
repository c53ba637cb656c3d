"""Sound out: segments as files of their own, speech joined, pauses shortened.

Cut are the decoded samples in a row, which is the clock of the scores: a segment is heard
where it was found. One decoding serves all segments, and what is held does not grow with the
recording.

`spans`, `names`, `table` and `process` are light; `cut`, `deliver`, `archive` and what they use
import PyAV.
"""
