"""Readers refuse what is malformed, with the line; and take what others write."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.strategies import outcome_of, read, written
from webui.errors import FormatError, MalformedLabelsError
from webui.formats import FORMATS, Region
from webui.formats.files import format_of, read_file

GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2.5\n<exists>\n1\n'
EAF = '<ANNOTATION_DOCUMENT>\n<TIME_ORDER>\n<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="5"/>\n'


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("json", "nonsense", 1, "Expecting value"),
        ("json", '{"file": "a", "segments": []}\n{"file": 1, "segments": []}', 2, '"file"'),
        ("json", '{"file": "a",\n"segments": [}', 2, "Expecting value"),
        ("json", '\n{"file": "a", "segments": [{"start_ms": 1}]}', 2, "time"),
        ("json", '{"file": "a", "segments": [{"start_ms": true, "end_ms": 2}]}', 1, "time"),
        ("json", '{"file": "a", "segments": [{"start_ms": 3, "end_ms": 2}]}', 1, "before"),
        ("json", '{"file": "a", "segments": [7]}', 1, "time"),
        (
            "json",
            '{"file": "a", "segments": [{"start_ms": 1, "end_ms": 2, "end_reason": "x"}]}',
            1,
            "end_reason",
        ),
        ("json", "[" * 100_000, 1, "nested"),
        ("csv", "", 1, "file, start_ms, end_ms"),
        ("csv", "file,start_ms\r\na,1\r\n", 1, "no column end_ms"),
        ("csv", "file,start_ms,end_ms\r\na,1,2\r\na,1\r\n", 3, "fields"),
        ("csv", "file,start_ms,end_ms\r\na,1,2,3\r\n", 2, "fields"),
        ("csv", "file,start_ms,end_ms\r\na,1.5,2\r\n", 2, "time"),
        ("csv", 'file,start_ms,end_ms\r\n"a"b,1,2\r\n', 2, "expected"),
        ("csv", "file,start_ms,end_ms,confidence\r\na,1,2,nan\r\n", 2, "confidence"),
        ("rttm", "SPEAKER a 1 0 1 <NA> <NA> x <NA> <NA>\nSPEAKER a 1 0\n", 2, "4 fields"),
        ("rttm", "\n;; all\nTALKER a 1 0 1 <NA> <NA> x <NA> <NA>\n", 3, "TALKER"),
        ("rttm", "SPEAKER a 1 -0.5 1 <NA> <NA> x <NA> <NA>\n", 1, "time"),
        ("rttm", "SPEAKER a 1 0.5 nan <NA> <NA> x <NA> <NA>\n", 1, "time"),
        ("rttm", "SPEAKER a 1 0.5 1 <NA> <NA> x high <NA>\n", 1, "high"),
        ("kaldi", "u a 0 1\nu a 0 1 1 1\n", 2, "6 fields"),
        ("kaldi", "u a 2 1\n", 1, "before"),
        ("audacity", "0.5\t1\tx\n0.5 1 x\n", 2, "tab"),
        ("audacity", "0.5\tlater\tx\n", 1, "time"),
        ("vtt", "WEBVTT\n\n\x1c\n", 3, ""),
        ("srt", "1\n00:00:01,000 --> 00:00:02,000\nx\n\n2\nno times\n", 5, "-->"),
        ("srt", "1\n00:00:01,000 --> 00:00:02\nx\n", 2, "time"),
        ("srt", "1\n00:00:61,000 --> 00:01:02,000\nx\n", 2, "time"),
        ("vtt", "00:01.000 --> 00:02.000\nx\n", 1, "WEBVTT"),
        ("vtt", "", 1, "WEBVTT"),
        ("vtt", "WEBVTT\n\n00:03.000 --> 00:02.000\nx\n", 3, "before"),
        ("textgrid", "", 1, "ooTextFile"),
        ("textgrid", 'File type = "ooTextFile"\n"Collection"\n', 2, "TextGrid"),
        ("textgrid", GRID + '"IntervalTier"\n"t"\n0\n2.5\n1\n0\n2.5\n', 15, "quotation"),
        ("textgrid", GRID + '"IntervalTier"\n"t"\n0\n2.5\n1\n2\n1\n"x"\n', 14, "before"),
        ("textgrid", GRID + '"IntervalTier"\n"t"\n0\n2.5\nmany\n', 13, "whole number"),
        ("textgrid", GRID + '"Tier"\n', 8, "IntervalTier"),
        ("textgrid", GRID + '"IntervalTier"\n"t', 9, "quotation"),
        ("eaf", "<ANNOTATION_DOCUMENT>\n<b>\n</a>", 3, "mismatched tag"),
        ("eaf", "\n<html></html>", 2, "annotation document"),
        ("eaf", "<!DOCTYPE x [<!ENTITY a 'b'>]>\n<x>&a;</x>", 1, "type declaration"),
        ("eaf", EAF + "</TIME_ORDER></ANNOTATION_DOCUMENT", 4, "unclosed token"),
        ("eaf", EAF + '<TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="-1"/>', 4, "TIME_VALUE"),
        (
            "eaf",
            EAF + '</TIME_ORDER>\n<TIER TIER_ID="t"><ANNOTATION>\n<ALIGNABLE_ANNOTATION '
            'ANNOTATION_ID="x" TIME_SLOT_REF1="a" TIME_SLOT_REF2="z"/>',
            6,
            "no time slot z",
        ),
        ("eaf", '<ANNOTATION_DOCUMENT>\n<HEADER TIME_UNITS="PAL-frames"/>', 2, "milliseconds"),
        ("nemo", '{"audio_filepath": "a", "duration": 1}\n{"duration": 1}', 2, "audio_filepath"),
        ("nemo", '{"audio_filepath": "a"}', 1, "time"),
        ("nemo", "audio_filepath", 1, "JSON"),
        ("nemo", '{"audio_filepath": "a", "duration": NaN}', 1, "time"),
    ],
)
def test_what_is_malformed_is_refused_with_its_line(name, text, line, said, tmp_path):
    path = tmp_path / f"given{FORMATS[name].suffix}"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(MalformedLabelsError) as caught:
        read_file(path)
    message = caught.value.message("en")
    assert message.startswith(f"{path.name}, line {line}: this is not {FORMATS[name].title}: ")
    assert said in message
    assert caught.value.message("zh").startswith(f"{path.name} 第 {line} 行不符合")


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(name, data):
    """Whatever is cut out of a file or put into it: no other error, and no time before 0."""
    text = written(name, [outcome_of((70, 2340), (2340, 6200), file="a b.wav")])
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    put = data.draw(st.text(st.sampled_from('0123456789.,-:"<>{}[]&;\t\n\r e') | st.characters()))
    try:
        found = read(name, text[:start] + put + text[end:])
    except MalformedLabelsError as error:
        # A carriage return may end a line, too.
        assert 1 <= error.details["line"] <= text.count("\n") + len(re.findall("[\r\n]", put)) + 2
        return
    assert all(0 <= r.start_ms <= r.end_ms for labels in found for r in labels.regions)


def test_a_file_tells_its_format_and_its_encoding(tmp_path):
    for form in FORMATS.values():
        assert format_of(tmp_path / f"a{form.suffix.upper()}") is form
    assert format_of(tmp_path / "segments") is FORMATS["kaldi"]
    path = tmp_path / "a.labels.txt"
    path.write_bytes(b"\xef\xbb\xbf0.1\t0.2\tx\r\n0.3\t0.4\r\n")
    (labels,) = read_file(path)
    assert labels.regions == (Region(100, 200, "x"), Region(300, 400, ""))
    path.write_bytes(b"0.1\t0.2\tx\n0.1\t0.2\t\xff\n")
    with pytest.raises(MalformedLabelsError, match=r"line 2: .*UTF-8"):
        read_file(path)


@pytest.mark.parametrize(("name", "said"), [("a.xyz", ".TextGrid"), ("a.rttm", "No such file")])
def test_a_file_that_cannot_be_read_says_why(name, said, tmp_path):
    with pytest.raises(FormatError) as caught:
        read_file(tmp_path / name)
    assert name in caught.value.message("en") and said in caught.value.message("en")
    assert name in caught.value.message("zh")


def test_what_others_write_besides_speech_is_left_out():
    rttm = (
        ";; comment\nSPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA> <NA>\n"
        "SPEAKER a 1 0.5 1.25 <NA> <NA> x <NA>\n"
    )
    (labels,) = read("rttm", rttm)
    assert (labels.file, labels.track) == ("a", "x")
    assert labels.regions == (Region(500, 1750, "x"),)
    vtt = (
        "WEBVTT - a title\r\nKind: captions\r\n\r\nNOTE\r\nnothing --> at all\r\n\r\n"
        "STYLE\r\n::cue {}\r\n\r\nname\r\n01:02.500 --> 01:03.000 align:start\r\n<v A>hi\r\n"
    )
    (labels,) = read("vtt", vtt)
    assert labels.regions == (Region(62_500, 63_000, "<v A>hi"),)
    audacity = "0.5\t1.5\tx\n\\\t100\t2000\n"
    assert read("audacity", audacity)[0].regions == (Region(500, 1500, "x"),)
    srt = "00:00:00.5 --> 00:00:01,25\nno number\n"
    assert read("srt", srt)[0].regions == (Region(500, 1250, "no number"),)
    assert read("kaldi", "u call 0 1 B\n")[0].track == "B"
    manifest = '{"audio_filepath": "/x/a.wav", "duration": 1.5, "text": "hi"}\n'
    (labels,) = read("nemo", manifest)
    assert (labels.file, labels.regions) == ("a.wav", (Region(0, 1500, ""),))


def test_a_download_with_broken_lines_is_json_too():
    text = '{\n  "file": "a",\n  "segments": [\n    {"start_ms": 1, "end_ms": 2}\n  ]\n}'
    (labels,) = read("json", text)
    assert labels.regions == (Region(1, 2),)


def test_annotations_without_times_of_their_own_are_left_out():
    text = (
        '<ANNOTATION_DOCUMENT><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="5"/>'
        '<TIME_SLOT TIME_SLOT_ID="b"/></TIME_ORDER><TIER TIER_ID="t"><ANNOTATION>'
        '<ALIGNABLE_ANNOTATION ANNOTATION_ID="x" TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">'
        "<ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
        "</ANNOTATION_DOCUMENT>"
    )
    (labels,) = read("eaf", text)
    assert (labels.track, labels.regions) == ("t", ())
