"""Which recordings are meant, and where their results go."""

from __future__ import annotations

import errno
import json
import os
import shlex
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.batch.inputs import Source, collect
from webui.batch.naming import result_stems
from webui.batch_errors import SomeFormatsError
from webui.errors import NotRepresentableError, SettingsError
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
    (folder / "circle.wav").symlink_to("circle.wav")
    os.mkfifo(folder / "pipe.wav")
    found = collect([str(folder)], output=tmp_path / "out")
    # Each real folder once; a link to nowhere is told as missing later on.
    assert len([name for name in names(found) if name.endswith("a.wav")]) == 1
    assert {"gone.wav", "circle.wav"} <= {*names(found)} and "pipe.wav" not in names(found)


def test_links_upwards_are_not_followed(tmp_path):
    """They would bring in what was not named."""
    folder = put(tmp_path / "in", "x/a.wav")
    put(tmp_path, "private.wav", "far/b.wav")
    (folder / "loop").symlink_to("..", target_is_directory=True)
    (folder / "x" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (folder / "far").symlink_to(tmp_path / "far", target_is_directory=True)
    assert names(collect([str(folder)], output=tmp_path / "out")) == ["far/b.wav", "x/a.wav"]


def test_a_folder_that_cannot_be_read_fails_alone(tmp_path, monkeypatch):
    folder = put(tmp_path / "in", "a.wav", "a/b.wav", "shut/c.wav")
    scandir = os.scandir

    def refusing(path):  # whoever runs this as root may read all
        if Path(path).name == "shut":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = collect([str(folder)], output=tmp_path / "out")
    assert names(found) == ["a/b.wav", "a.wav", "shut/*"]
    assert [source.error is None for source in found] == [True, True, False]
    assert "Permission denied" in found[2].problem("mix").message("en")
    assert "没有权限" in found[2].problem("mix").message("zh")
    assert result_stems(found, ["json"]) == ["a/b", "a", "shut/*"]
    with pytest.raises(SettingsError):
        collect([str(folder / "shut")], output=tmp_path / "out")


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


def test_commands_of_our_own_name_their_file(tmp_path):
    """Those that detect writes; they are read, and never run."""
    put(tmp_path, "it's a talk.flac")
    command = "ffmpeg -nostdin -v error -i {} {}-vn -ac 1 -ar 16000 -f wav - |"
    talk = shlex.quote(f"file:{tmp_path}/it's a talk.flac")
    left, right = ("-af 'pan=mono|c0=c0' ", "-af 'pan=mono|c0=c1' ")
    lines = [
        f"talk.1 {command.format(talk, '')}",
        f"call-left\t{command.format('file:/x/call.wav', left)}",
        f"call-right {command.format('file:/x/call.wav', right)}",
        "plain.2 /x/no-ending",
    ]
    (tmp_path / "wav.scp").write_text("\n".join(lines))
    found = collect([str(tmp_path / "wav.scp")], output=tmp_path / "out")
    assert [str(source.path) for source in found] == [
        str(tmp_path / "it's a talk.flac"), "/x/call.wav", "/x/call.wav", "/x/no-ending"
    ]  # fmt: skip
    assert names(found) == ["talk.1.flac", "call-left.wav", "call-right.wav", "plain.2"]
    assert result_stems(found, ["json"]) == ["talk.1", "call-left", "call-right", "plain.2"]
    talk, left, right, plain = found
    for channel in ("mix", "left", "right", "each"):
        assert talk.problem(channel) is plain.problem(channel) is None
        assert (left.problem(channel) is None) == (channel == "left")
        assert (right.problem(channel) is None) == (channel == "right")
    said = right.problem("each")
    assert "line 3" in said.message("en") and "--channel right" in said.message("en")
    assert "第 3 行" in said.message("zh") and "--channel right" in said.message("zh")


@pytest.mark.parametrize(
    "command",
    [
        "sox in.wav -t wav - |",
        "ffmpeg -i file:/x.wav -f wav - |",
        "ffmpeg -nostdin -v error -i /x.wav -vn -ac 1 -ar 16000 -f wav - |",
        "ffmpeg -nostdin -v error -i file:/x.wav -vn -ac 1 -ar 8000 -f wav - |",
        "ffmpeg -nostdin -v error -i file:/x.wav -vn -ac 1 -ar 16000 -f wav - ; rm x |",
        "cat 'x.wav |",
        "|",
    ],
)
def test_other_commands_fail_alone(tmp_path, command):
    (tmp_path / "x.scp").write_text(f"a 1.wav\ns/utt.1 {command}\nb 2.wav\n")
    first, other, last = collect([str(tmp_path / "x.scp")], output=tmp_path / "out")
    assert first.error is last.error is None and str(other.stem) == "s/utt.1"
    for channel in ("mix", "left"):
        said = other.problem(channel)
        assert "x.scp, line 2: commands are not run" in said.message("en")
        assert "不执行命令" in said.message("zh")


def test_a_line_without_a_path_fails_alone(tmp_path):
    (tmp_path / "x.scp").write_text("a 1.wav\nutt2\n")
    first, other = collect([str(tmp_path / "x.scp")], output=tmp_path / "out")
    assert first.error is None and str(other.stem) == "utt2"
    assert "x.scp, line 2: there is no path after the id utt2" in other.error.message("en")
    assert "没有路径" in other.error.message("zh")


def test_an_id_that_two_recordings_have_fails_at_the_second(tmp_path):
    (tmp_path / "x.scp").write_text("a 1.wav\nb 2.wav\na 3.wav\na 1.wav\n")
    first, b, second = collect([str(tmp_path / "x.scp")], output=tmp_path / "out")
    assert first.error is b.error is None
    assert "x.scp, line 3: line 1 gives the id a to another" in second.error.message("en")
    assert "第 1 行" in second.error.message("zh")
    assert result_stems([first, b, second], ["json"]) == ["a", "b", "x.scp:3"]


def test_comments_in_a_list_of_paths(tmp_path):
    put(tmp_path, "a.wav", "#1.wav")
    (tmp_path / "x.txt").write_text("# from the archive\na.wav\n#1.wav\n#a.wav\n")
    assert names(collect([str(tmp_path / "x.txt")], output=tmp_path)) == ["a.wav", "#1.wav"]


def test_bad_lines_of_a_manifest_fail_alone(tmp_path):
    lines = ['{"audio_filepath": "a.wav"}', "not json", '{"audio": 1}', '{"audio_filepath": ""}']
    (tmp_path / "m.json").write_text("\n".join(lines))
    good, *bad = collect([str(tmp_path / "m.json")], output=tmp_path / "out")
    assert (str(good.name), good.error) == ("a.wav", None)
    assert [each.error.details["line"] for each in bad] == [2, 3, 4]
    assert "m.json, line 2: an object with audio_filepath" in bad[0].error.message("en")
    assert result_stems([good, *bad], ["json"]) == ["a", "m.json:2", "m.json:3", "m.json:4"]


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
            st.sampled_from(
                ["a", "A", "b", "a.nemo", "a.wav", "summary", "a-2", "a.wav-2", "a.wav.scp"]
            ),
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


def test_what_all_formats_refuse_is_said_once():
    undecodable = {"file": "bad.wav", "reason": "its name is no text", "reason_zh": "名称无效"}
    late = {"file": "bad.wav", "reason": "it has no length", "reason_zh": "长度为零"}
    refusals = [NotRepresentableError(format=name, **undecodable) for name in ("JSON", "CSV")]
    error = SomeFormatsError.of([*refusals, NotRepresentableError(format="EAF", **late)])
    assert error.message("en") == (
        "bad.wav cannot be written as JSON, CSV: its name is no text. "
        "bad.wav cannot be written as EAF: it has no length."
    )
    assert "JSON、CSV 格式：名称无效。" in error.message("zh")
