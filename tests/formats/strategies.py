"""What Hypothesis makes: outcomes with any name, tracks and segments that a detector or a person
can make."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import accumulate

from hypothesis import strategies as st

from tests.vad.test_summary import scores_of
from webui.formats import FORMATS, Labels, Outcome, Result
from webui.vad import EndReason, Segment, VadOptions

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1
) | st.sampled_from(
    [
        *('say "hi", then go.wav', "两个 人.wav", "smile 🙂.wav", "line\nbreak.wav", "a;b\tc.wav"),
        *("-rf.wav", "--format.mp3", ";;comment", "50%20.wav", "'=1+2.csv", "a\u2028b\u3000c.wav"),
        *(
            "\ufeffmark.ogg",
            "a|",
            "<NA>",
            "left: x.wav",
            "\r\n",
            "..wav",
            "é\u0301.flac",
            "\x01.wav",
        ),
    ]
)


def one_of_each(outcomes: list[Outcome]) -> list[Outcome]:
    """Outcomes whose recordings no format calls by the same name."""
    forms = [form.identify for form in FORMATS.values() if form.identify]
    seen: set[str] = set()
    kept = []
    for outcome in outcomes:
        words = {identify(outcome.audio.file) for identify in forms}
        # Kaldi puts the channel behind the name.
        words |= {f"{word}-{channel}" for word in words for channel in ("left", "right")}
        if not words & seen:
            kept.append(outcome)
        seen |= words
    return kept


@st.composite
def segments(draw: st.DrawFn, most: int = 6) -> tuple[Segment, ...]:
    """In order, apart or touching, none without length."""
    steps = draw(
        st.lists(
            st.tuples(st.just(0) | st.integers(1, 10**5), st.integers(1, 10**6)), max_size=most
        )
    )
    times = list(accumulate(step for pair in steps for step in pair))
    reasons = st.sampled_from(EndReason)
    shares = st.integers(0, 10_000).map(lambda n: n / 10_000)
    return tuple(
        Segment(start, end, draw(shares), draw(reasons), draw(st.booleans()))
        for start, end in zip(times[::2], times[1::2], strict=True)
    )


@st.composite
def outcomes(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> Outcome:
    """A recording; its last segment may reach past the end."""
    file = draw(names)
    channels = draw(st.sampled_from([("mix",), ("left",), ("right",), ("left", "right")]))
    found = [draw(segments()) for _ in channels]
    last = max([1, *(s.end_ms for each in found for s in each)])
    duration_ms = max(1, last + draw(st.integers(-50, 5000)))
    return Outcome(
        tuple(
            result_of(file, channel, each, duration_ms)
            for channel, each in zip(channels, found, strict=True)
        )
    )


def result_of(file, channel, segments, duration_ms) -> Result:
    scores = scores_of([0.5], channel=channel)
    audio = replace(scores.audio, file=file, duration_ms=duration_ms)
    edited = any(segment.edited for segment in segments)
    return Result(replace(scores, audio=audio), VadOptions(), tuple(segments), is_edited=edited)


def outcome_of(*spans, file="a.wav", channel="mix", duration_ms=10_000) -> Outcome:
    """An outcome of one track with segments at these spans."""
    marked = [Segment(start, end, 0.75, EndReason.SILENCE) for start, end in spans]
    return Outcome((result_of(file, channel, marked, duration_ms),))


def written(name: str, outcomes: list[Outcome]) -> str:
    stream = io.StringIO(newline="")
    FORMATS[name].write(outcomes, stream)
    return stream.getvalue()


def read(name: str, text: str) -> tuple[Labels, ...]:
    return FORMATS[name].read(io.StringIO(text, newline=""))
