"""What is written can be read back, whatever the file is called."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vad.strategies import probabilities
from tests.vad.test_summary import scores_of
from webui.formats import FORMATS, Result
from webui.vad import VadOptions
from webui.vad.edited import Edits

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1
) | st.sampled_from(
    ['say "hi", then go.wav', "两个 人.wav", "smile 🙂.wav", "line\nbreak.wav", "a;b\tc.wav"]
)


@given(values=st.lists(st.tuples(NAMES, probabilities()), min_size=1, max_size=3))
def test_json_lines_read_back(values):
    results = [named(name, scores) for name, scores in values]
    stream = io.StringIO(newline="")
    FORMATS["json"].write(results, stream)
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    for line, result in zip(lines, results, strict=True):
        read = json.loads(line)
        assert read["file"] == result.scores.audio.file
        assert read["segments"] == [segment.as_dict() for segment in result.segments]
        assert VadOptions.from_mapping(read["options"]) == result.options


@given(values=st.lists(st.tuples(NAMES, probabilities()), min_size=1, max_size=3))
def test_csv_reads_back(values):
    results = [named(name, scores) for name, scores in values]
    stream = io.StringIO(newline="")
    FORMATS["csv"].write(results, stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    expected = [(r.scores.audio.file, s.start_ms, s.end_ms) for r in results for s in r.segments]
    assert [(r["file"], int(r["start_ms"]), int(r["end_ms"])) for r in rows] == expected


def test_json_carries_the_receipt():
    stream = io.StringIO()
    FORMATS["json"].write([named("a.wav", [0.99] * 300)], stream)
    read = json.loads(stream.getvalue())
    wanted = {"engine", "model", "model_sha256", "options", "versions", "timings_s", "version"}
    assert wanted <= read.keys()
    assert read["timings_s"].keys() == {"decode", "score", "endpoint", "total"}
    assert read["segments"] == [
        {"start_ms": 0, "end_ms": 3000, "confidence": 0.99, "end_reason": "end_of_audio"}
    ]


def test_what_is_by_hand_is_marked_in_every_format():
    scores = scores_of([*[0.0] * 50, *[0.99] * 300, *[0.0] * 150])
    options = VadOptions(max_end_silence_time=300)
    (found,) = scores.segments(options)
    edits = Edits.of([[100, 200], [found.start_ms, found.end_ms]], options, scores)
    result = Result.by_hand(scores, edits)
    stream = io.StringIO()
    FORMATS["json"].write([result], stream)
    read = json.loads(stream.getvalue())
    assert read["edited"] == {"by": "hand", "by_hand": 1, "detected": 1}
    assert read["options"]["max_end_silence_time"] == 300
    by_hand = {"start_ms": 100, "end_ms": 200, "confidence": 0.0, "end_reason": "by_hand"}
    assert read["segments"] == [{**by_hand, "edited": True}, {**found.as_dict(), "edited": False}]
    stream = io.StringIO(newline="")
    FORMATS["csv"].write([result, Result.of(scores, options)], stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    assert [row["edited"] for row in rows] == ["true", "false", "false"]


def test_real_time_factor():
    scores = replace(scores_of([0.1] * 1000), timings_s={"decode": 0.5, "score": 1.8, "total": 2.0})
    assert Result(scores, VadOptions(), ()).real_time_factor == pytest.approx(0.2)
    assert Result(scores_of([]), VadOptions(), ()).real_time_factor is None


def named(name: str, probability) -> Result:
    scores = scores_of(probability)
    scores = replace(scores, audio=replace(scores.audio, file=name))
    return Result.of(scores, VadOptions())
