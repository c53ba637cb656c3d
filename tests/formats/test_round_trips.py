"""What is written reads back, in every format, within what the format can hold."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.strategies import one_of_each, outcome_of, outcomes, read, result_of, written
from webui.errors import NotRepresentableError
from webui.formats import FORMATS, Labels, Outcome, Region
from webui.formats.names import as_word, from_word, stem
from webui.formats.times import clock, milliseconds, seconds
from webui.vad import EndReason, Segment

SEVERAL = [name for name, form in FORMATS.items() if form.holds_several]
ALONE = [name for name in FORMATS if name not in SEVERAL]
# Formats that have a place for a track on which nothing is.
KEEPS_EMPTY = {"json", "textgrid", "eaf"}
KEEPS_CONFIDENCE = {"json", "csv", "rttm", "nemo"}
KEEPS_REASON = {"json", "csv"}
KEEPS_EDITED = {"json", "csv", "textgrid", "eaf", "audacity", "srt", "vtt", "nemo"}
FILE: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("json", "csv", "eaf", "nemo"), str),
    **dict.fromkeys(("rttm", "kaldi"), stem),
    **dict.fromkeys(("textgrid", "audacity", "srt", "vtt"), lambda file: ""),
}


def expected(name: str, outcome: Outcome) -> list[Labels]:
    """What a reader of the format can know of an outcome."""
    found = []
    for result in outcome.results:
        if not result.segments and name not in KEEPS_EMPTY:
            continue
        channel = result.scores.audio.channel
        file, track = FILE[name](outcome.audio.file), channel
        if name == "kaldi":
            file, track = file + ("" if channel == "mix" else f"-{channel}"), "mix"
        regions = tuple(region(name, segment, channel) for segment in result.segments)
        found.append(Labels(file, track, regions))
    return found


def region(name: str, segment: Segment, channel: str) -> Region:
    speaker = channel if name == "rttm" and channel != "mix" else "speech"
    return Region(
        segment.start_ms,
        segment.end_ms,
        speaker,
        segment.confidence if name in KEEPS_CONFIDENCE else None,
        segment.end_reason if name in KEEPS_REASON else None,
        segment.edited and name in KEEPS_EDITED,
    )


def in_any_order(labels) -> list[Labels]:
    return sorted(labels, key=lambda each: (each.file, each.track))


@pytest.mark.parametrize("name", SEVERAL)
@given(made=st.lists(outcomes(), max_size=3).map(one_of_each))
def test_several_recordings_read_back(name, made):
    wanted = [labels for outcome in made for labels in expected(name, outcome)]
    assert in_any_order(read(name, written(name, made))) == in_any_order(wanted)


@pytest.mark.parametrize("name", ALONE)
@given(made=outcomes())
def test_one_recording_reads_back(name, made):
    try:
        text = written(name, [made])
    except NotRepresentableError as error:
        # ELAN's is the only one of them that names the recording, and XML lacks characters.
        assert name == "eaf" and re.search(
            "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", made.audio.file
        )
        assert "XML" in error.message("en") and "XML" in error.message("zh")
        return
    assert in_any_order(read(name, text)) == in_any_order(expected(name, made))


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_found_is_a_whole_file(name):
    outcome = outcome_of()
    text = written(name, [outcome])
    assert list(read(name, text)) == expected(name, outcome)
    # Nothing at all is no broken file either; a lone recording's format is never asked for that.
    if FORMATS[name].holds_several:
        assert read(name, written(name, [])) == ()


@pytest.mark.parametrize("name", FORMATS)
def test_touching_segments_and_those_past_the_end_stay_as_they_are(name):
    outcome = outcome_of((0, 400), (400, 410), (410, 10_250), duration_ms=10_000)
    (labels,) = read(name, written(name, [outcome]))
    assert [(r.start_ms, r.end_ms) for r in labels.regions] == [(0, 400), (400, 410), (410, 10_250)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_moment_is_kept_or_refused(name):
    outcome = outcome_of((100, 200), (500, 500))
    if name in ("json", "csv", "rttm", "audacity", "nemo"):
        (labels,) = read(name, written(name, [outcome]))
        assert labels.regions[1].start_ms == labels.regions[1].end_ms == 500
        return
    error = refused(name, outcome)
    assert "500 ms has no length" in error.message("en") and "长度为零" in error.message("zh")


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_that_is_no_text_is_refused(name):
    error = refused(name, outcome_of((1, 2), file="\udc80bad.wav"))
    assert FORMATS[name].title in error.message("en") and "rename" in error.message("en")
    assert "重命名" in error.message("zh")
    error.message("en").encode()
    error.message("zh").encode()


@pytest.mark.parametrize("name", ["textgrid", "eaf"])
def test_tiers_refuse_overlaps_on_one_track(name):
    error = refused(name, outcome_of((0, 500), (400, 600)))
    assert "400 ms overlaps" in error.message("en") and "重叠" in error.message("zh")


def test_what_a_format_has_no_times_for_is_refused():
    assert "99 h" in refused("srt", outcome_of((0, 360_000_000))).message("en")
    assert "no length" in refused("textgrid", outcome_of(duration_ms=0)).message("en")
    written("vtt", [outcome_of((0, 360_000_000))])


@pytest.mark.parametrize("name", ALONE)
def test_a_second_recording_is_refused(name):
    with pytest.raises(NotRepresentableError) as caught:
        written(name, [outcome_of((1, 2)), outcome_of((1, 2), file="b.wav")])
    assert "one recording" in caught.value.message("en")


@pytest.mark.parametrize("name", ["rttm", "kaldi"])
def test_two_recordings_of_one_name_are_refused(name):
    with pytest.raises(NotRepresentableError) as caught:
        written(name, [outcome_of(file="a.wav"), outcome_of(file="a.mp3")])
    assert "a.wav and a.mp3" in caught.value.message("en")
    assert "a.wav 和 a.mp3" in caught.value.message("zh")


def test_a_name_that_ends_like_a_channel_is_refused_beside_that_channel():
    with pytest.raises(NotRepresentableError):
        written("kaldi", [outcome_of(file="a-left.wav"), outcome_of(file="a.wav", channel="left")])


@given(name=st.text(st.characters(codec="utf-8")))
def test_a_word_has_no_white_space_and_reads_back(name):
    word = as_word(name)
    assert from_word(word) == name
    assert word.split() == [word] * bool(name)


@pytest.mark.parametrize("word", ["a%2", "a%41", "100%", "%e3%80%80", "%FF"])
def test_words_of_others_stay_as_they_are(word):
    assert from_word(word) == word


@given(ms=st.integers(0, 10**11))
def test_times_read_back(ms):
    assert milliseconds(seconds(ms)) == milliseconds(seconds(ms, 6)) == ms
    assert seconds(ms, 6) == f"{seconds(ms)}000"
    hours, minutes, rest = clock(ms, ".").split(":")
    assert milliseconds(str(int(hours) * 3600), str(int(minutes) * 60), rest) == ms


def test_times_are_rounded_once():
    assert milliseconds("0.0125") == 13  # the nearest float lies below the half
    assert milliseconds("0.0004", "0.0004") == 1
    assert milliseconds("1e-1") == 100
    for text in ("-0.1", "nan", "inf", "1e10", "1e999999", "0,5", "", "x"):
        assert milliseconds(text) is None


def test_both_channels_and_where_both_speak():
    results = [
        result_of("a.wav", channel, [Segment(*span, 0.5, EndReason.SILENCE)], 3000)
        for channel, span in (("left", (0, 1000)), ("right", (600, 2000)))
    ]
    outcome = Outcome(tuple(results))
    for name in ("textgrid", "eaf"):
        text = written(name, [outcome])
        assert text.count("overlap") == 2  # the tier and its one region
        assert [labels.track for labels in read(name, text)] == ["left", "right"]
        # A tier of somebody else's that has the name is an ordinary one.
        alone = read(name, text.replace('"left"', '"A"'))
        assert "overlap" in {labels.track for labels in alone}


def test_paths_are_told_where_the_format_has_a_place_for_them():
    outcome = replace(outcome_of((1, 2)), path="/corpus/my talk/a.wav")
    assert '"audio_filepath": "/corpus/my talk/a.wav"' in written("nemo", [outcome])
    assert 'MEDIA_URL="file:///corpus/my talk/a.wav"' in written("eaf", [outcome])
    # On the way there, which nobody knows here; ELAN looks beside the document, too.
    assert "RELATIVE_MEDIA_URL" not in written("eaf", [outcome])
    assert 'MEDIA_URL="./a.wav"' in written("eaf", [outcome_of((1, 2))])
    assert '"audio_filepath": "a.wav"' in written("nemo", [outcome_of((1, 2))])


@pytest.mark.parametrize(
    ("directory", "way"),
    [
        ("/corpus/my talk", "./第 1.wav"),
        ("/corpus", "./my talk/第 1.wav"),
        ("/corpus/labels/day 2", "../../my talk/第 1.wav"),
        ("/", "./corpus/my talk/第 1.wav"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="these are paths of other systems")
def test_an_eaf_says_the_way_from_where_it_lies(directory, way):
    outcome = outcome_of((1, 2), file="第 1.wav")
    outcome = replace(outcome, path="/corpus/my talk/第 1.wav", directory=directory)
    text = written("eaf", [outcome])
    assert f'RELATIVE_MEDIA_URL="{way}"' in text
    # As ELAN itself writes it, which reads no escapes.
    assert 'MEDIA_URL="file:///corpus/my talk/第 1.wav"' in text
    (labels,) = read("eaf", text)
    assert labels.file == "第 1.wav"


def test_the_same_result_is_the_same_bytes():
    outcome = outcome_of((10, 20), (30, 40))
    for name in FORMATS:
        assert written(name, [outcome]) == written(name, [outcome])


def test_suffixes_are_told_apart():
    suffixes = [form.suffix.lower() for form in FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes)
    assert all(name == form.name for name, form in FORMATS.items())


def refused(name: str, outcome: Outcome) -> NotRepresentableError:
    """The error of a refusal, which comes before a single character is written."""
    stream = io.StringIO(newline="")
    with pytest.raises(NotRepresentableError) as caught:
        FORMATS[name].write([outcome], stream)
    assert stream.getvalue() in ("", HEADS.get(name, ""))
    return caught.value


HEADS = {
    "csv": "file,start_ms,end_ms,duration_ms,confidence,end_reason,edited,channel,overlap_ms\r\n",
    "vtt": "WEBVTT\n\n",
}
