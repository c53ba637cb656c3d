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
from webui.audio.report import Notice
from webui.formats import FORMATS, Outcome, Result, as_dict
from webui.vad import VadOptions
from webui.vad.edited import Edits

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1
) | st.sampled_from(
    ['say "hi", then go.wav', "两个 人.wav", "smile 🙂.wav", "line\nbreak.wav", "a;b\tc.wav"]
)


@given(values=st.lists(st.tuples(NAMES, probabilities()), min_size=1, max_size=3))
def test_json_lines_read_back(values):
    outcomes = [named(name, scores) for name, scores in values]
    stream = io.StringIO(newline="")
    FORMATS["json"].write(outcomes, stream)
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    for line, outcome in zip(lines, outcomes, strict=True):
        read = json.loads(line)
        assert read["file"] == outcome.audio.file
        assert read["segments"] == [segment.as_dict() for _, segment in outcome.segments]
        assert "overlap" not in read and read["audio"]["channel"] == "mix"
        assert VadOptions.from_mapping(read["options"]) == outcome.options


@given(values=st.lists(st.tuples(NAMES, probabilities()), min_size=1, max_size=3))
def test_csv_reads_back(values):
    outcomes = [named(name, scores) for name, scores in values]
    stream = io.StringIO(newline="")
    FORMATS["csv"].write(outcomes, stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    expected = [(o.audio.file, s.start_ms, s.end_ms) for o in outcomes for _, s in o.segments]
    assert [(r["file"], int(r["start_ms"]), int(r["end_ms"])) for r in rows] == expected
    assert {(row["channel"], row["overlap_ms"]) for row in rows} <= {("mix", "")}


def test_channels_apart_are_told_apart():
    left = scores_of([*[0.99] * 300, *[0.0] * 300])
    right = scores_of([*[0.0] * 220, *[0.99] * 380])
    left = replace(left, audio=replace(left.audio, channel="left", channels=2))
    silent = Notice("silent")
    right = replace(
        right, audio=replace(right.audio, channel="right", channels=2, notices=(silent,))
    )
    outcome = Outcome.of((left, right), VadOptions())
    alone = [Result.of(scores, VadOptions()).segments for scores in (left, right)]
    stream = io.StringIO()
    FORMATS["json"].write([outcome], stream)
    read = json.loads(stream.getvalue())
    for channel, segments in zip(("left", "right"), alone, strict=True):
        of_channel = [s for s in read["segments"] if s["channel"] == channel]
        assert of_channel == [{"channel": channel, **segment.as_dict()} for segment in segments]
    starts = [segment["start_ms"] for segment in read["segments"]]
    assert len(starts) == 2 and starts == sorted(starts)
    assert read["overlap"] == [{"start_ms": alone[1][0].start_ms, "end_ms": alone[0][0].end_ms}]
    assert read["audio"]["channel"] == "each"
    assert read["audio"]["notices"] == [f"right channel: {silent.message()}"]
    stream = io.StringIO(newline="")
    FORMATS["csv"].write([outcome], stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    assert [row["channel"] for row in rows] == ["left", "right"]
    both_ms = read["overlap"][0]["end_ms"] - read["overlap"][0]["start_ms"]
    assert [row["overlap_ms"] for row in rows] == [str(both_ms)] * 2


def test_one_channel_edited_by_hand_leaves_the_other():
    left, right = scores_of([0.99] * 300), scores_of([0.99] * 300)
    left = replace(left, audio=replace(left.audio, channel="left"))
    right = replace(right, audio=replace(right.audio, channel="right"))
    edits = Edits.of([[100, 200]], VadOptions(), right)
    outcome = Outcome((Result.of(left, VadOptions()), Result.by_hand(right, edits)))
    stream = io.StringIO()
    FORMATS["json"].write([outcome], stream)
    read = json.loads(stream.getvalue())
    assert read["edited"] == {"by": "hand", "by_hand": 1, "detected": 1}
    assert [(s["channel"], s["edited"]) for s in read["segments"]] == [
        ("left", False),
        ("right", True),
    ]
    assert read["overlap"] == [{"start_ms": 100, "end_ms": 200}]
    assert read["options"] == VadOptions().as_dict()


@pytest.mark.parametrize("edited", ["left", "right"])
def test_each_channel_names_the_options_that_made_its_segments(edited):
    values = [*[0.0] * 50, *[0.99] * 200, *[0.0] * 60, *[0.99] * 200, *[0.0] * 100]
    tracks = [scores_of(values, channel="left"), scores_of(values, channel="right")]
    began, now = VadOptions(), VadOptions(max_end_silence_time=300, speech_noise_thres=0.2)
    edits = Edits.of([[100, 200]], began, tracks[0])
    read = as_dict(Outcome.of(tracks, now, {edited: edits}))
    other = {"left": "right", "right": "left"}[edited]
    assert "options" not in read
    assert list(read["options_by_channel"]) == ["left", "right"]
    told = {
        channel: VadOptions.from_mapping(options)
        for channel, options in read["options_by_channel"].items()
    }
    assert told == {edited: began, other: now}
    found = [s["start_ms"] for s in read["segments"] if s["channel"] == other]
    assert found == [segment.start_ms for segment in tracks[0].segments(told[other])]
    assert len(found) == 2


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
    FORMATS["json"].write([Outcome((result,))], stream)
    read = json.loads(stream.getvalue())
    assert read["edited"] == {"by": "hand", "by_hand": 1, "detected": 1}
    assert read["options"]["max_end_silence_time"] == 300
    by_hand = {"start_ms": 100, "end_ms": 200, "confidence": 0.0, "end_reason": "by_hand"}
    assert read["segments"] == [{**by_hand, "edited": True}, {**found.as_dict(), "edited": False}]
    stream = io.StringIO(newline="")
    FORMATS["csv"].write([Outcome((result,)), Outcome.of([scores], options)], stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    assert [row["edited"] for row in rows] == ["true", "false", "false"]


def test_real_time_factor():
    scores = replace(scores_of([0.1] * 1000), timings_s={"decode": 0.5, "score": 1.8, "total": 2.0})
    track = Result(scores, VadOptions(), (), endpoint_s=0.1)
    # Decoding and scoring are told of both tracks together; the endpointer, of each.
    assert Outcome((track,)).real_time_factor == pytest.approx(0.21)
    assert Outcome((track, track)).real_time_factor == pytest.approx(0.22)
    assert Outcome.of([scores_of([])], VadOptions()).real_time_factor is None


def named(name: str, probability) -> Outcome:
    scores = scores_of(probability)
    scores = replace(scores, audio=replace(scores.audio, file=name))
    return Outcome.of([scores], VadOptions())
