"""A result over the range of one option, and the plateau in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vad.strategies import probabilities, vad_options
from tests.vad.test_summary import scores_of
from webui.vad.options import VadOptions, option_info
from webui.vad.summary import summarise
from webui.vad.sweep import MIN_VALUES, NAMES, Plateau, find_plateau, is_stable, sweep, sweep_values

points = st.lists(
    st.tuples(st.sampled_from([0, 1, 7, 20, 21, 40]), st.sampled_from([0.0, 0.4, 0.41, 0.6, 1.0])),
    max_size=25,
)


def columns(pairs):
    return [count for count, _ in pairs], [share for _, share in pairs]


@pytest.mark.parametrize("name", NAMES)
def test_values_span_the_option_s_range(name):
    values, info = sweep_values(name), option_info(name)
    assert (values[0], values[-1]) == (info.minimum, info.maximum)
    assert list(values) == sorted(set(values))
    for value in values:
        VadOptions(**{name: value})


def test_the_default_threshold_is_tried():
    assert len(sweep_values("speech_noise_thres")) == 41
    assert VadOptions().speech_noise_thres in sweep_values("speech_noise_thres")


def test_no_other_option_can_be_swept():
    with pytest.raises(ValueError):
        sweep([scores_of([])], VadOptions(), "window_size_ms")


@settings(max_examples=20, deadline=None)  # forty runs of the endpointer
@given(probabilities(), vad_options(), st.sampled_from(NAMES))
def test_each_value_gives_what_the_endpointer_gives(values, options, name):
    scores = scores_of(values)
    found = sweep([scores], options, name)
    assert found is not None
    for value, count, share in zip(found.values, found.counts, found.shares, strict=True):
        one = summarise(scores.segments(replace(options, **{name: value})), scores.duration_ms)
        assert (count, share) == (one.count, one.speech_share)


@given(points)
def test_plateau_is_stable_and_no_longer_one_is(pairs):
    counts, shares = columns(pairs)
    found = find_plateau(counts, shares)
    runs = [
        (first, end)
        for first in range(len(pairs))
        for end in range(first + MIN_VALUES, len(pairs) + 1)
        if is_stable(counts[first:end], shares[first:end])
    ]
    longest = max((end - first for first, end in runs), default=0)
    assert (found is None) == (not runs)
    if found:
        assert (found.first, found.last + 1) in runs
        assert found.last + 1 - found.first == longest
        assert found.first <= found.middle <= found.last


@given(points)
def test_a_stable_run_is_as_documented(pairs):
    counts, shares = columns(pairs)
    if counts and is_stable(counts, shares):
        assert min(counts) > 0 and max(shares) < 0.98
        assert min(counts) >= 0.95 * max(counts)
        assert max(shares) - min(shares) <= 0.03


@given(points)
def test_the_other_way_round_the_plateau_is_as_long(pairs):
    counts, shares = columns(pairs)
    there, back = find_plateau(counts, shares), find_plateau(counts[::-1], shares[::-1])
    assert (there is None) == (back is None)
    if there and back:
        assert there.last - there.first == back.last - back.first


def test_nothing_and_everything_are_no_plateau():
    assert find_plateau([0] * 20 + [4, 4, 4] + [1] * 20, [0.0] * 20 + [0.5] * 3 + [1.0] * 20) == (
        Plateau(20, 22)
    )
    assert find_plateau([1] * 9, [1.0] * 9) is None


def test_clear_speech_has_its_plateau_between_the_levels():
    # P(speech) is 0.1 or 0.9: the threshold may be anything between -0.8 and 0.8.
    scores = scores_of(np.tile([*[0.1] * 300, *[0.9] * 300], 5))
    found = sweep([scores], VadOptions(), "speech_noise_thres")
    assert found is not None and found.plateau is not None
    low, high = found.values[found.plateau.first], found.values[found.plateau.last]
    assert -0.85 < low < -0.7 and 0.7 < high < 0.85
    assert found.values[found.plateau.middle] == pytest.approx(0, abs=0.05)
    assert set(found.counts[found.plateau.first : found.plateau.last + 1]) == {5}


def test_tracks_are_summed():
    one = scores_of([*[0.1] * 300, *[0.9] * 300, *[0.1] * 300])
    both = scores_of(np.tile([*[0.1] * 150, *[0.9] * 150], 3))
    options = VadOptions()
    alone = [sweep([each], options, "max_end_silence_time") for each in (one, both)]
    together = sweep([one, both], options, "max_end_silence_time")
    assert together is not None
    assert all(alone)
    assert [sum(counts) for counts in zip(*(each.counts for each in alone), strict=True)] == list(
        together.counts
    )


def test_a_sweep_can_be_given_up():
    left = iter([True, True, False])
    assert sweep([scores_of([0.5])], VadOptions(), NAMES[0], go_on=lambda: next(left)) is None
