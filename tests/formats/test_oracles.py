"""Other people's readers find in our files what we wrote, and we in theirs what they wrote."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysubs2
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from praatio import textgrid
from praatio.utilities.constants import Interval
from pyannote.core import Annotation
from pyannote.core import Segment as Stretch
from pyannote.database.util import load_rttm
from pympi.Elan import Eaf

from tests.formats.strategies import one_of_each, outcome_of, outcomes, read, segments, written
from webui.formats import FORMATS, Region
from webui.formats.files import read_file
from webui.formats.kaldi import write_directory
from webui.formats.names import as_word, stem

# Each example makes a file and starts a library's parser.
few = settings(max_examples=30)
# A recording that is called so is a gap in the table to pandas, which pyannote reads with.
_GAPS = {*("", "NA", "N/A", "#N/A", "#NA", "n/a", "nan", "NaN", "-nan", "-NaN", "NULL", "null")} | {
    *("None", "#N/A N/A", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN")
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("written")


def spans(regions) -> list[tuple[int, int]]:
    return [(region.start_ms, region.end_ms) for region in regions]


def in_ms(*seconds: float) -> tuple[int, ...]:
    return tuple(round(1000 * value) for value in seconds)


@few
@given(made=st.lists(outcomes(), max_size=3).map(one_of_each))
def test_pyannote_reads_our_rttm(made, place):
    made = [outcome for outcome in made if as_word(stem(outcome.audio.file)) not in _GAPS]
    path = place / "ours.rttm"
    path.write_bytes(written("rttm", made).encode())
    found = {
        file: sorted(
            (*in_ms(turn.start, turn.end), name) for turn, _, name in turns.itertracks(True)
        )
        for file, turns in load_rttm(path).items()
    }
    wanted: dict[str, list[tuple[int, int, str]]] = {}
    for outcome in made:
        for channel, segment in outcome.segments:
            turn = (segment.start_ms, segment.end_ms, "speech" if channel == "mix" else channel)
            wanted.setdefault(as_word(stem(outcome.audio.file)), []).append(turn)
    assert found == {file: sorted(turns) for file, turns in wanted.items()}


@few
@given(found=segments())
def test_we_read_pyannotes_rttm(found):
    turns = Annotation(uri="talk")
    for number, segment in enumerate(found):
        turns[Stretch(segment.start_ms / 1000, segment.end_ms / 1000), number] = "A"
    labels = read("rttm", turns.to_rttm())
    assert [(each.file, each.track) for each in labels] == [("talk", "A")] * bool(found)
    assert [span for each in labels for span in spans(each.regions)] == spans(found)


@few
@given(made=outcomes())
def test_praatio_reads_our_textgrid(made, place):
    path = place / "ours.TextGrid"
    path.write_bytes(written("textgrid", [made]).encode())
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    names = [result.scores.audio.channel.replace("mix", "speech") for result in made.results]
    assert list(grid.tierNames) == names + ["overlap"] * made.is_apart
    for name, result in zip(names, made.results, strict=True):
        entries = grid.getTier(name).entries
        assert [in_ms(entry.start, entry.end) for entry in entries] == spans(result.segments)
        assert [entry.label for entry in entries] == [
            "speech, edited" if segment.edited else "speech" for segment in result.segments
        ]
    if made.is_apart:
        entries = grid.getTier("overlap").entries
        assert [in_ms(entry.start, entry.end) for entry in entries] == list(made.overlap)
    last_ms = max(segment.end_ms for _, segment in made.segments) if made.segments else 0
    assert in_ms(grid.maxTimestamp) == (max(last_ms, made.audio.duration_ms),)


@few
@given(found=segments(), short=st.booleans())
def test_we_read_praatios_textgrid(found, short, place):
    path = place / "theirs.TextGrid"
    grid = textgrid.Textgrid()
    label = 'say "hi" ! <exists> 5 你好\n'
    entries = [Interval(s.start_ms / 1000, s.end_ms / 1000, label) for s in found]
    grid.addTier(textgrid.IntervalTier('a "tier"', entries, 0, 10**4))
    grid.addTier(textgrid.PointTier("points", [], 0, 10**4))
    form = "short_textgrid" if short else "long_textgrid"
    grid.save(str(path), form, includeBlankSpaces=True)
    # As Praat itself stores what is not ASCII.
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    (labels,) = [each for each in read_file(path) if each.track != "points"]
    assert labels.track == 'a "tier"'
    assert spans(labels.regions) == spans(found)
    assert {region.label for region in labels.regions} <= {label.strip()}


@pytest.mark.parametrize("name", ["srt", "vtt"])
@few
@given(made=outcomes())
def test_pysubs2_reads_our_subtitles(name, made):
    cues = pysubs2.SSAFile.from_string(written(name, [made]), format_=name)
    assert [(cue.start, cue.end) for cue in cues] == [
        (segment.start_ms, segment.end_ms) for _, segment in made.segments
    ]
    for cue, (channel, segment) in zip(cues, made.segments, strict=True):
        assert ("edited" in cue.plaintext) == segment.edited
        assert cue.plaintext.startswith("speech" if channel == "mix" else f"{channel}: speech")


@pytest.mark.parametrize("name", ["srt", "vtt"])
@few
@given(found=segments())
def test_we_read_pysubs2s_subtitles(name, found):
    theirs = pysubs2.SSAFile()
    theirs.events = [pysubs2.SSAEvent(s.start_ms, s.end_ms, "one\\Ntwo") for s in found]
    labels = read(name, theirs.to_string(name))
    assert [span for each in labels for span in spans(each.regions)] == spans(found)
    assert {region.label for each in labels for region in each.regions} <= {"one\ntwo"}


@few
@given(made=outcomes(st.sampled_from(["a.wav", '"my" <talk> & 你好 🙂, 1.wav', "a\nb\t.wav"])))
def test_pympi_reads_our_eaf(made, place):
    path = place / "ours.eaf"
    made = replace(made, path=f"/corpus/{made.audio.file}", directory="/corpus/labels")
    path.write_bytes(written("eaf", [made]).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = Eaf(str(path))
    (media,) = document.media_descriptors
    assert media["RELATIVE_MEDIA_URL"] == f"../{made.audio.file}"
    names = [result.scores.audio.channel.replace("mix", "speech") for result in made.results]
    assert list(document.get_tier_names()) == names + ["overlap"] * made.is_apart
    for name, result in zip(names, made.results, strict=True):
        entries = sorted(document.get_annotation_data_for_tier(name))
        assert [entry[:2] for entry in entries] == spans(result.segments)
    if made.is_apart:
        entries = sorted(document.get_annotation_data_for_tier("overlap"))
        assert [entry[:2] for entry in entries] == list(made.overlap)


@few
@given(found=segments())
def test_we_read_pympis_eaf(found, place):
    path = place / "theirs.eaf"
    document = Eaf(author="somebody")
    document.add_linked_file("my talk.wav", relpath="./my talk.wav", mimetype="audio/x-wav")
    document.add_tier("words")
    for segment in found:
        document.add_annotation("words", segment.start_ms, segment.end_ms, "a < b")
    path.unlink(missing_ok=True)  # or it keeps a copy
    document.to_file(str(path))
    default, words = read_file(path)
    assert (default.track, default.regions) == ("default", ())
    assert (words.file, words.track) == ("my talk.wav", "words")
    assert words.regions == tuple(Region(*span, "a < b") for span in spans(found))


@few
@given(made=st.lists(outcomes(), max_size=4).map(one_of_each))
def test_kaldis_own_rules_hold(made):
    """Those of its validate_data_dir.sh: fields, order of bytes, recordings that are known."""
    streams = io.StringIO(newline=""), io.StringIO(newline="")
    made = [replace(each, path="/corpus/x.wav") for each in made]
    write_directory(FORMATS["kaldi"].checked(made), streams)
    lines, recordings = (
        [line.split(" ") for line in stream.getvalue().split("\n")[:-1]] for stream in streams
    )
    for key in (lines, recordings):
        ids = [line[0].encode() for line in key]
        assert ids == sorted(set(ids))
    assert all(len(line) == 4 and float(line[3]) > float(line[2]) for line in lines)
    assert {line[1] for line in lines} <= {line[0] for line in recordings}
    # Utterances are sorted with their recordings, and within one by time.
    assert all(line[0].startswith(f"{line[1]}-") for line in lines)
    times = [(line[1], float(line[2])) for line in lines]
    for recording in {name for name, _ in times}:
        starts = [start for name, start in times if name == recording]
        assert starts == sorted(starts)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="wav.scp's commands call ffmpeg")
def test_wav_scp_gives_kaldi_the_samples(tmp_path):
    samples = np.stack([np.arange(800), -np.arange(800)], axis=1).astype(np.int16)
    path = tmp_path / 'it\'s a "talk" $(1) 你好|.wav'
    soundfile.write(path, samples, 16_000, format="WAV")
    stereo = {"path": str(path), "channels": 2}
    both = {"left": samples[:, 0], "right": samples[:, 1], "mix": samples.mean(axis=1)}
    for channel, wanted in both.items():
        command = source_of(outcome_of((1, 2), channel=channel), **stereo)
        assert command.endswith("|")
        run = subprocess.run(["sh", "-c", command[:-1]], capture_output=True, check=True)
        (tmp_path / "kaldi.wav").write_bytes(run.stdout)
        assert run.stderr == b""
        found = np.frombuffer(run.stdout[run.stdout.index(b"data") + 8 :], np.int16)
        assert np.abs(found - wanted).max() <= (1 if channel == "mix" else 0)


def test_wav_scp_names_what_kaldi_can_read_itself():
    outcome = outcome_of((1, 2))
    assert source_of(outcome, path="/corpus/a.wav", channels=1) == "/corpus/a.wav"
    for path in ("/corpus/a b.wav", "/corpus/a.wav:12", "/corpus/a|", "a.wav"):
        assert source_of(outcome, path=path, channels=1).startswith("ffmpeg ")


def source_of(outcome, path: str, channels: int) -> str:
    """The second field of the only line of wav.scp."""
    (result,) = outcome.results
    audio = replace(result.scores.audio, channels=channels)
    outcome = replace(
        outcome,
        results=(replace(result, scores=replace(result.scores, audio=audio)),),
        path=path,
    )
    streams = io.StringIO(newline=""), io.StringIO(newline="")
    write_directory([outcome], streams)
    match = re.fullmatch(r"\S+ (.*)\n", streams[1].getvalue())
    assert match is not None
    return match[1]
