"""Which recordings are meant, and where their results go."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.batch.inputs import Source, collect
from webui.batch.naming import result_stems
from webui.errors import SettingsError
from webui.formats import FORMATS


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(sources):
    return [str(source.name) for source in sources]


def test_folders_are_walked_and_mirrored(tmp_path):
    put(tmp_path / "in", "b.wav", "讲座/a 1.MP3", "讲座/note.txt", ".hidden.wav", ".git/x.wav",
        "x/._a.wav")  # fmt: skip
    found = collect([str(tmp_path / "in")], output=tmp_path / "out")
    assert names(found) == ["b.wav", "讲座/a 1.MP3"]
    assert found[1].path == tmp_path / "in" / "讲座" / "a 1.MP3"


def test_several_folders_keep_their_names(tmp_path):
    put(tmp_path, "a/1.wav", "b/1.wav", "c.wav")
    given = [str(tmp_path / name) for name in ("a", "b", "c.wav")]
    assert names(collect(given, output=tmp_path / "out")) == ["a/1.wav", "b/1.wav", "c.wav"]


def test_patterns_and_excludes(tmp_path):
    put(tmp_path, "train/a.wav", "train/b.raw", "test/a.WAV")

    def found(**how):
        return names(collect([str(tmp_path)], output=tmp_path / "out", **how))

    assert found(patterns=["*.wav"]) == ["test/a.WAV", "train/a.wav"]
    assert found(patterns=["train/*", "*.none"]) == ["train/a.wav", "train/b.raw"]
    assert found(excludes=["test/*"]) == ["train/a.wav"]


def test_loops_of_links_end_and_pipes_are_left_out(tmp_path):
    folder = put(tmp_path / "in", "x/a.wav")
    (folder / "x" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "again").symlink_to(folder / "x", target_is_directory=True)
    (folder / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(folder / "pipe.wav")
    found = collect([str(folder)], output=tmp_path / "out")
    # Each real folder once; a link to nowhere is told as missing later on.
    assert len([name for name in names(found) if name.endswith("a.wav")]) == 1
    assert "gone.wav" in names(found) and "pipe.wav" not in names(found)


def test_the_output_inside_the_input_is_no_input(tmp_path):
    put(tmp_path, "a.wav", "results/old.wav")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "results", target_is_directory=True)
    assert names(collect([str(tmp_path)], output=tmp_path / "results")) == ["a.wav"]
    assert names(collect([str(tmp_path)], output=tmp_path)) != []


def test_an_empty_folder(tmp_path):
    assert collect([str(tmp_path)], output=tmp_path / "out") == []


def test_a_wav_scp(tmp_path, monkeypatch):
    put(tmp_path, "audio/one file.flac")
    table = tmp_path / "wav.scp"
    table.write_text("spk1/utt1 audio/one file.flac\n\nutt2\t/abs/two.wav\n../x /abs/x.wav\n")
    found = collect([str(table)], output=tmp_path / "out")
    assert names(found) == ["spk1/utt1.flac", "utt2.wav", "x.wav"]
    assert found[0].path == tmp_path / "audio" / "one file.flac"
    assert [source.recording_id for source in found] == ["spk1/utt1", "utt2", "../x"]


def test_lists_and_manifests(tmp_path):
    put(tmp_path, "a/1.wav", "b/2.wav")
    listed = tmp_path / "files.txt"
    listed.write_text("﻿a/1.wav\nb/2.wav\na/1.wav\n", encoding="utf-8")
    assert names(collect([str(listed)], output=tmp_path / "out")) == ["a/1.wav", "b/2.wav"]
    manifest = tmp_path / "m.json"
    lines = [{"audio_filepath": "a/1.wav", "offset": at, "duration": 1} for at in (0, 1)]
    manifest.write_text("\n".join(json.dumps(line) for line in lines))
    (found,) = collect([str(manifest)], output=tmp_path / "out")
    assert (found.path, str(found.name)) == (tmp_path / "a" / "1.wav", "1.wav")


@pytest.mark.parametrize(
    ("name", "text", "said", "said_zh"),
    [
        ("x.scp", "a 1.wav\nutt2\n", "x.scp:2: an id and a path", "应为标识和路径"),
        ("x.scp", "utt sox in.wav -t wav - |\n", "commands are not run", "不执行命令"),
        ("x.json", '{"audio": "x"}\n', "audio_filepath", "audio_filepath"),
        ("x.jsonl", "not json\n", "x.jsonl:1", "audio_filepath"),
    ],
)
def test_lines_that_are_none(tmp_path, name, text, said, said_zh):
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError) as refused:
        collect([str(tmp_path / name)], output=tmp_path / "out")
    assert said in refused.value.message("en") and said_zh in refused.value.message("zh")


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError) as refused:
        collect([str(tmp_path / "x.scp")], output=tmp_path / "out")
    assert "No such file" in str(refused.value)


def stems(*given, formats=("json", "csv")):
    return result_stems([Source(Path(name), PurePosixPath(name)) for name in given], formats)


def test_results_of_the_same_name():
    assert stems("a.wav", "a.mp3", "b.wav") == ["a.wav", "a.mp3", "b"]
    assert stems("A.wav", "a.wav") == ["A.wav", "a.wav-2"]
    assert stems("x/a.wav", "y/a.wav") == ["x/a", "y/a"]
    assert stems("a.wav", "a.wav", "a.wav-2.mp3")[:2] == ["a.wav", "a.wav-2"]
    # One written as NFC, one as NFD: one file on some systems.
    assert stems("é.wav", "é.wav") == ["é.wav", "é.wav-2"]
    assert stems("summary.wav") == ["summary.wav"]
    assert stems("summary.wav", formats=["json"]) == ["summary"]


@given(
    st.lists(
        st.builds(
            "{}{}{}".format,
            st.sampled_from(["", "x/", "X/"]),
            st.sampled_from(["a", "A", "b", "a.nemo", "a.wav", "summary", "a-2", "a.wav-2", "a.wav.scp"]),
            st.sampled_from(["", ".wav", ".mp3"]),
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from(sorted(FORMATS)), min_size=1, unique=True),
)
def test_no_two_recordings_share_a_file(given, formats):
    files = [stem + suffix for stem in stems(*given, formats=formats)
             for name in formats for suffix in FORMATS[name].suffixes]  # fmt: skip
    assert len({file.casefold() for file in [*files, "summary.csv"]}) == len(files) + 1
