"""``fsmn-vad detect`` in every format: pipes, files, directories, and what is refused."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from webui.cli import main
from webui.cli.outputs import destination
from webui.errors import SettingsError
from webui.formats import FORMATS
from webui.formats.files import read_file

ALONE = [name for name, form in FORMATS.items() if not form.holds_several]


@pytest.fixture(autouse=True)
def settings_of_the_test(monkeypatch, model_dir):
    monkeypatch.setenv("FSMN_VAD_ENGINE", "onnx")
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "en")
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(model_dir))


@pytest.fixture(scope="module")
def recordings(root, tmp_path_factory) -> list[Path]:
    directory = tmp_path_factory.mktemp("corpus")
    demos = {"english-clean.flac": "first talk.flac", "two-voices-telephone.flac": "第二.flac"}
    return [
        Path(shutil.copy(root / "assets" / "audio" / demo, directory / name))
        for demo, name in demos.items()
    ]


def spans(labels) -> list[tuple[str, int, int]]:
    return sorted((each.track, r.start_ms, r.end_ms) for each in labels for r in each.regions)


def test_every_format_gives_detects_segments(recordings, tmp_path):
    """One file for each recording, in a directory; the same segments in all."""
    found = {}
    for name, form in FORMATS.items():
        directory = tmp_path / name
        directory.mkdir()
        arguments = ["--channel", "each", "--format", name, "--output", str(directory)]
        assert main(["detect", *arguments, *map(str, recordings)]) == 0
        if name == "kaldi":
            continue
        names = [f"{recording.stem}{form.suffix}" for recording in recordings]
        assert sorted(path.name for path in directory.iterdir()) == sorted(names)
        found[name] = [spans(read_file(directory / each)) for each in names]
    of_json = found["json"]
    assert {track for track, *_ in of_json[1]} == {"left", "right"}
    assert all(each == of_json for each in found.values()), found
    check_kaldi(tmp_path / "kaldi", of_json, recordings)


def check_kaldi(directory: Path, wanted, recordings) -> None:
    assert sorted(path.name for path in directory.iterdir()) == ["segments", "wav.scp"]
    found = {each.file: each.regions for each in read_file(directory / "segments")}
    assert found.keys() == {"first talk", "第二-left", "第二-right"}
    assert sum(map(len, found.values())) == sum(map(len, wanted))
    lines = (directory / "wav.scp").read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["first%20talk", "第二-left", "第二-right"]
    assert str(recordings[0]) in lines[0]


def test_a_pipe(recordings, capfd):
    assert main(["detect", "--format", "rttm", *map(str, recordings)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert {line.split()[1] for line in lines} == {"first%20talk", "第二"}
    assert all(len(line.split()) == 10 for line in lines)


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("to_file", [False, True])
def test_a_format_for_one_recording_refuses_two_before_the_work(name, to_file, tmp_path, capsys):
    output = ["--output", str(tmp_path / "x")] if to_file else []
    # Files that are not there: nothing has tried to read them.
    assert main(["detect", "--format", name, *output, "a.wav", "b.wav"]) == 2
    run = capsys.readouterr()
    assert run.out == "" and run.err.count("\n") == 1
    assert f"--format {name}: such a file holds one recording" in run.err and "--output" in run.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "audio", "is_directory", "said", "said_zh"),
    [
        ("rttm", ["x/a.wav", "y/a.mp3"], False, "both be called a there", "在其中都叫 a"),
        ("kaldi", ["a.wav", "b/a.wav"], True, "both be called a there", "在其中都叫 a"),
        ("json", ["x/a.wav", "y/a.mp3"], True, "called a.json there", "在其中都叫 a.json"),
        ("srt", ["a.wav", "b.wav"], False, "name a directory", "指定一个已存在的目录"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(name, audio, is_directory, said, said_zh, tmp_path):
    output = str(tmp_path) if is_directory else None
    with pytest.raises(SettingsError) as caught:
        destination(FORMATS[name], output, audio)
    assert said in caught.value.message("en") and said_zh in caught.value.message("zh")


@pytest.mark.skipif(sys.platform == "win32", reason="such names are none there")
def test_a_recording_that_a_format_cannot_hold_does_not_stop_the_rest(recordings, tmp_path, capfd):
    bad = Path(shutil.copy(recordings[0], tmp_path / "bell\x07.flac"))
    output = tmp_path / "out"
    output.mkdir()
    # The archive holds labels, too.
    cuts = ["--cut", str(tmp_path / "cuts.zip")]
    arguments = [*cuts, "--format", "eaf", "--output", str(output), str(bad), str(recordings[1])]
    assert main(["detect", *arguments]) == 1
    errors = capfd.readouterr().err
    assert "bell\\x07.flac cannot be written as ELAN EAF" in errors and "U+0007" in errors
    assert [path.name for path in output.iterdir()] == ["第二.eaf"]
    with zipfile.ZipFile(tmp_path / "cuts.zip") as archive:
        assert [name for name in archive.namelist() if name.endswith(".eaf")] == ["第二.eaf"]


@pytest.mark.parametrize(
    ("output", "given", "told"),
    [
        *((f"x y{form.suffix}", [], name) for name, form in FORMATS.items()),
        ("talk.SRT", [], "srt"),
        ("segments", [], "kaldi"),
        ("talk.txt", [], "json"),
        ("talk", [], "json"),
        ("talk.srt", ["--format", "csv"], "csv"),
        ("folder.srt", [], "json"),
    ],
)
def test_the_ending_says_the_format_unless_the_format_is_said(
    output, given, told, tmp_path, monkeypatch
):
    (tmp_path / "folder.srt").mkdir()
    monkeypatch.chdir(tmp_path)
    asked = []

    def destination_of(form, output, recordings):
        asked.append(form.name)
        raise SettingsError(name="--output", reason="enough", reason_zh="够了")

    monkeypatch.setattr("webui.cli.detect.destination", destination_of)
    assert main(["detect", "a.wav", "--output", output, *given]) == 2
    assert asked == [told]


def test_an_ending_alone_writes_its_format(recordings, tmp_path):
    output = tmp_path / "talk.srt"
    assert main(["detect", str(recordings[0]), "--output", str(output)]) == 0
    assert output.read_text(encoding="utf-8").startswith("1\n00:00:")


def test_json_does_not_tell_where_a_recording_is(recordings, capfd):
    assert main(["detect", str(recordings[0])]) == 0
    assert json.loads(capfd.readouterr().out)["file"] == "first talk.flac"


def test_a_directory_that_is_not_there_is_no_file(tmp_path, capsys):
    wanted = tmp_path / "labels"
    assert main(["detect", "--format", "srt", "--output", f"{wanted}/", "a.wav"]) == 2
    assert f"there is no directory {wanted}; make it first" in capsys.readouterr().err
    assert not wanted.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a shell")
def test_the_examples_of_the_documentation(root, recordings, tmp_path):
    text = (root / "docs" / "formats.md").read_text(encoding="utf-8")
    bash = "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
    (python,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "corpus" / "day1").mkdir(parents=True)
    for name, recording in zip(("talk", "call"), recordings, strict=True):
        shutil.copy(recording, tmp_path / f"{name}.wav")
        shutil.copy(recording, tmp_path / "corpus" / "day1" / f"{name}.wav")
    command = tmp_path / "bin" / "fsmn-vad"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m webui "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(root)}
    ran = subprocess.run(
        ["sh", "-ec", bash], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    assert len(ran.stdout.splitlines()) == 1  # the batch's own: no two recordings share a name
    joined, together = tmp_path / "data", tmp_path / "labels"
    assert (joined / "segments").read_text() == (together / "segments").read_text() != ""
    assert len((joined / "wav.scp").read_text().splitlines()) == 2
    made = {path.name for path in [*tmp_path.iterdir(), *(tmp_path / "labels").iterdir()]}
    assert made >= {"talk.TextGrid", "corpus.rttm", "talk.eaf", "call.eaf", "segments", "wav.scp"}
    run = subprocess.run(
        [sys.executable, "-c", python],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    wanted = read_file(tmp_path / "corpus.rttm")
    assert len(run.stdout.splitlines()) == sum(len(labels.regions) for labels in wanted) > 4


def test_the_documentation_names_every_format(root):
    text = (root / "docs" / "formats.md").read_text(encoding="utf-8")
    for name, form in FORMATS.items():
        several = "several" if form.holds_several else "one"
        assert f"| `{name}` | {form.suffix} | {several}" in text


@pytest.mark.parametrize(
    ("wanted", "more"),
    [
        ("--output", ["talk.flac"]),
        ("--output", ["../in/talk.flac", "--format", "rttm"]),
        ("--speech-only", ["talk.flac"]),
        ("--cut", [".", "--cut-format", "flac", "--cut-name", "{stem}"]),
    ],
)
def test_no_recording_is_overwritten(wanted, more, recordings, tmp_path, monkeypatch, capsys):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    talk = Path(shutil.copy(recordings[0], "talk.flac"))
    # One segment, so that no two are called the same.
    assert main(["detect", str(talk), wanted, *more, "--max-end-silence-time", "6000"]) == 2
    assert f"{wanted}: " in (said := capsys.readouterr().err) and "would be overwritten" in said
    assert talk.read_bytes() == recordings[0].read_bytes()


def test_paths_in_files_have_no_detours(recordings, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t").mkdir()
    shutil.copy(recordings[0], tmp_path / "a.flac")
    assert main(["detect", "t/../a.flac", "--format", "nemo"]) == 0
    paths = {json.loads(line)["audio_filepath"] for line in capfd.readouterr().out.splitlines()}
    assert paths == {str(tmp_path / "a.flac")}
    assert main(["detect", "t/../a.flac", "--format", "eaf", "--output", "t"]) == 0
    assert "/t/../" not in (tmp_path / "t" / "a.eaf").read_text()


def test_errors_name_files_as_they_were_given(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.wav").touch()
    assert main(["detect", "a/x.wav", "b/x.wav", str(tmp_path / "x.wav")]) == 1
    said = capsys.readouterr().err
    assert "fsmn-vad: a/x.wav does not exist" in said and "b/x.wav is empty" in said
    assert f"{tmp_path}/x.wav does not exist" in said


@pytest.mark.parametrize(
    ("audio", "said"), [("", "a name is empty"), ("-", "`fsmn-vad stream` reads standard input")]
)
def test_what_names_no_file_is_refused_clearly(audio, said, capsys):
    assert main(["detect", "a.wav", audio]) == 2
    assert said in capsys.readouterr().err


def test_a_dash_is_standard_output(recordings, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["detect", str(recordings[0]), "--format", "rttm", "--output", "-"]) == 0
    assert capfd.readouterr().out.startswith("SPEAKER ")
    assert list(tmp_path.iterdir()) == []
