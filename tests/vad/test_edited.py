"""Regions by hand: the server holds to the same rules as the page, by the same golden file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.vad.strategies import probabilities
from tests.vad.test_summary import scores_of
from webui.errors import EditsError
from webui.vad import EndReason, Segment, VadOptions
from webui.vad.edited import MAX_REGIONS, Edits, mark

GOLDEN = json.loads((ROOT / "tests" / "golden" / "edits.json").read_text(encoding="utf-8"))
SPEECH = [*[0.0] * 50, *[0.99] * 200, *[0.1] * 200, *[0.9] * 150, *[0.0] * 50]


def detected_of(rows):
    return [Segment(start, end, level, EndReason(why)) for start, end, level, why, _ in rows]


@pytest.mark.parametrize(
    "case", [case for case in GOLDEN["operations"] if case["rows"]], ids=lambda case: case["name"]
)
def test_every_operation_of_the_page_is_named_alike(case):
    detected = detected_of(GOLDEN["from"])
    marked = mark([row[:2] for row in case["rows"]], detected, np.full(1000, 0.25, np.float32))
    assert [[s.start_ms, s.end_ms, s.end_reason.value, s.edited] for s in marked] == [
        [start, end, why, edited] for start, end, _, why, edited in case["rows"]
    ]
    for segment in marked:
        assert segment.edited == (segment not in detected)
        assert not segment.edited or segment.confidence == 0.25


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=lambda case: case["name"])
def test_what_is_not_sound_is_refused_and_named(case):
    scores = scores_of([0.0] * 1000)
    with pytest.raises(EditsError, match=f"region {case['number']} ") as caught:
        Edits.of(case["spans"], VadOptions(), scores)
    assert f"第 {case['number']} 个片段" in caught.value.message("zh")


@pytest.mark.parametrize(
    "spans",
    [
        *(None, {}, "x", [1, 2], [[1]], [[0, 10, 20]], [[0.5, 20]], [[False, 20]], [["0", "20"]]),
        *([[0, 2**60]], [[0, None]]),
    ],
)
def test_what_is_no_list_of_times_is_refused(spans):
    with pytest.raises(EditsError, match="whole milliseconds"):
        Edits.of(spans, VadOptions(), scores_of([0.0] * 1000))


def test_regions_have_a_bound():
    spans = [[10 * i, 10 * i + 10] for i in range(MAX_REGIONS + 1)]
    with pytest.raises(EditsError, match=f"at most {MAX_REGIONS}"):
        Edits.of(spans, VadOptions(), scores_of([]))
    scores = scores_of(np.zeros(MAX_REGIONS))
    edits = Edits.of(spans[:-1], VadOptions(), scores)
    assert edits.size_bytes == 16 * MAX_REGIONS
    assert len(edits.segments(scores)) == MAX_REGIONS


def test_no_region_at_all_is_an_edit_too():
    scores = scores_of(SPEECH)
    assert scores.segments()
    assert Edits.of([], VadOptions(), scores).segments(scores) == ()


def test_confidence_is_the_mean_of_the_frames_that_a_region_touches():
    values = np.array([0.0, 0.5, 1.0, 0.25], np.float32)
    spans = [[10, 30], [31, 41], [45, 60], [70, 80]]
    assert [s.confidence for s in mark(spans, [], values)] == [0.75, 0.25, 0.0, 0.0]


def test_what_began_from_other_options_is_marked_by_those():
    scores = scores_of(SPEECH)
    options = VadOptions(max_end_silence_time=150)
    detected = scores.segments(options)
    assert detected != scores.segments()
    spans = [[s.start_ms, s.end_ms] for s in detected]
    assert Edits.of(spans, options, scores).segments(scores) == detected


@given(probabilities(), st.data())
def test_detected_regions_can_always_be_kept_as_they_are(values, data):
    scores = scores_of(values)
    detected = scores.segments()
    spans = [[s.start_ms, s.end_ms] for s in detected]
    assert Edits.of(spans, VadOptions(), scores).segments(scores) == detected
    if detected:
        gone = data.draw(st.integers(0, len(detected) - 1))
        del spans[gone]
        rest = Edits.of(spans, VadOptions(), scores).segments(scores)
        assert rest == detected[:gone] + detected[gone + 1 :]
