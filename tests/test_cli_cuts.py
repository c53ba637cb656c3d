"""`detect --cut` and `--speech-only` as a shell sees them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile

from webui.cli import main


@pytest.fixture(scope="module")
def detect(environment):
    def run(*arguments, before=(), **changes):
        return subprocess.run(
            [*before, sys.executable, "-m", "webui", "detect", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            env={**environment, **changes},
        )

    return run


@pytest.fixture(scope="module")
def recordings(root):
    return sorted((root / "assets" / "audio").glob("*.flac"))


def test_pieces_of_a_real_recording_put_back_are_its_samples(detect, recordings, tmp_path):
    source, rate_hz = soundfile.read(recordings[0], dtype="int32", always_2d=True)
    run = detect(recordings[0], "--cut", tmp_path / "out", "--cut-format", "flac")
    assert (run.returncode, run.stderr) == (0, "")
    segments = json.loads(run.stdout)["segments"]
    with (tmp_path / "out" / "cuts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    end_ms = json.loads(run.stdout)["duration_ms"]
    assert [(int(r["start_ms"]), int(r["end_ms"])) for r in rows] == [
        (s["start_ms"], min(s["end_ms"], end_ms)) for s in segments
    ]
    back = np.zeros_like(source)
    inside = np.zeros(len(source), bool)
    for row in rows:
        piece, piece_rate_hz = soundfile.read(
            tmp_path / "out" / row["name"], dtype="int32", always_2d=True
        )
        first = int(row["first_sample"])
        assert (len(piece), piece_rate_hz) == (int(row["samples"]), rate_hz)
        back[first : first + len(piece)] = piece
        inside[first : first + len(piece)] = True
    assert inside.any() and not inside.all()
    assert np.array_equal(back[inside], source[inside])
    named = {row["name"] for row in rows} | {"cuts.csv"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == named


def test_both_sides_of_a_call_in_a_zip(detect, recordings, tmp_path):
    call = next(path for path in recordings if "telephone" in path.name)
    archive = tmp_path / "cuts.zip"
    run = detect(call, "--channel", "each", "--cut", archive, "--cut-name", "{channel}_{index}")
    result = json.loads(run.stdout)
    source = soundfile.read(call, dtype="int16", always_2d=True)[0]
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert json.loads(opened.read(f"{call.stem}.json"))["segments"] == result["segments"]
        table = opened.read("cuts.csv").decode()
        rows = list(csv.DictReader(io.StringIO(table, newline="")))
        assert {row["channel"] for row in rows} == {"left", "right"}
        assert len(rows) == len(result["segments"])
        for row in rows:
            piece = soundfile.read(io.BytesIO(opened.read(row["name"])), dtype="int16")[0]
            first, count = int(row["first_sample"]), int(row["samples"])
            side = source[first : first + count, ("left", "right").index(row["channel"])]
            assert count and np.array_equal(piece, side)


def test_speech_in_a_row_of_each_recording(detect, recordings, tmp_path):
    some = recordings[:2]
    wanted = tmp_path / "{name}-speech.flac"
    run = detect(*some, "--speech-only", wanted, "--max-pause", "200", "--cut-rate", "16k")
    assert (run.returncode, run.stderr) == (0, "")
    for recording, line in zip(some, run.stdout.splitlines(), strict=True):
        segments = json.loads(line)["segments"]
        speech_ms = sum(s["end_ms"] - s["start_ms"] for s in segments)
        info = soundfile.info(tmp_path / f"{recording.stem}-speech.flac")
        kept_ms = info.frames * 1000 / info.samplerate
        assert speech_ms < kept_ms <= speech_ms + 200 * (len(segments) + 1)


def test_what_cannot_be_cut_stops_nothing_else(detect, recordings, tmp_path):
    many = tmp_path / "many.wav"
    noise = np.random.default_rng(0).normal(0, 0.2, (16_000, 12))
    soundfile.write(many, noise, 16_000)
    run = detect(many, recordings[0], "--cut", tmp_path / "out", "--cut-format", "flac",
                 "--speech-only", tmp_path / "{name}.flac")  # fmt: skip
    assert run.returncode == 1
    assert "many.wav cannot be cut: FLAC cannot hold 12 channels" in run.stderr
    assert len(run.stdout.splitlines()) == 2
    assert (tmp_path / f"{recordings[0].stem}.flac").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cut", "out", "--cut-name", "{name}"], "there is no field {name}"),
        (["--cut", "no/such/cuts.zip"], "make it first"),
        (["--speech-only", "out.mp3"], "must end with one of .wav, .flac"),
        (["--speech-only", "out.wav", "--max-pause", "-1"], "outside 0 to"),
        (["x/a.wav", "--cut", "out"], "cut each into a directory of its own"),
        (["--max-pause", "0"], "--max-pause: it has no effect without --speech-only"),
        (["--cut", "out", "--max-pause", "200"], "no effect without --speech-only"),
        (["--cut-rate", "source"], "--cut-rate: it has no effect without --cut or --speech-only"),
        (["--speech-only", "out.wav", "--cut-format", "flac"], "no effect without --cut"),
        (["--cut-name", "{index}"], "--cut-name: it has no effect without --cut"),
    ],
)
def test_wrong_usage_is_found_before_the_work(detect, arguments, said, tmp_path):
    run = detect(tmp_path / "a.wav", *arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert said in run.stderr and "Traceback" not in run.stderr


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_full_disk_leaves_no_half_file(detect, recordings, tmp_path, small_disk, kind):
    out = tmp_path / "disk"
    out.mkdir()
    script = 'status=0; "$@" || status=$?; ls -A "$OUT" >&2; exit $status'
    before = [*small_disk(out, 128_000), "sh", "-c", script, "sh"]
    run = detect(recordings[0], "--cut", out, "--cut-format", kind, before=before, OUT=str(out))
    assert run.returncode == 2
    assert "No space left on device" in run.stderr and "Traceback" not in run.stderr
    left = [line for line in run.stderr.splitlines() if not line.startswith("fsmn-vad: ")]
    assert all(name.endswith(f".{kind}") for name in left if name != "cuts.csv")


def table(directory):
    with (directory / "cuts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sounds(directory):
    return {file.name for file in directory.iterdir()} - {"cuts.csv"}


@pytest.fixture
def cut(recordings, model_dir, monkeypatch, capsys):
    """Cut in this process, which is quicker than a process for each."""
    monkeypatch.setenv("FSMN_VAD_MODEL_DIR", str(model_dir))
    monkeypatch.setenv("FSMN_VAD_ENGINE", "onnx")
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "en")
    monkeypatch.setenv("FSMN_VAD_HISTORY_RUNS", "0")

    def run(recording, directory, *more):
        code = main(["detect", str(recording), *more, "--cut", str(directory)])
        return code, capsys.readouterr().err

    return run


def test_a_recording_that_is_cut_again_leaves_no_former_piece(cut, recordings, tmp_path):
    out = tmp_path / "out"
    first, second = recordings[:2]
    assert cut(first, out, "--max-end-silence-time", "200") == (0, "")
    former = sounds(out)
    assert cut(second, out) == (0, "")
    others = [row for row in table(out) if row["file"] == second.name]
    assert others and {row["file"] for row in table(out)} == {first.name, second.name}
    code, said = cut(first, out, "--max-end-silence-time", "2000")
    rows = table(out)
    assert code == 0 and [row for row in rows if row["file"] == second.name] == others
    assert sounds(out) == {row["name"] for row in rows}
    mine = {row["name"] for row in rows if row["file"] == first.name}
    gone = former - mine
    assert (
        gone and f"{first.name}: pieces of its former cut removed from {out}: {len(gone)}" in said
    )
    same = table(out)
    assert cut(first, out, "--max-end-silence-time", "2000") == (0, "")
    assert sorted(map(str, table(out))) == sorted(map(str, same))


def test_padding_beyond_the_end_is_in_no_name(cut, recordings, tmp_path):
    code, said = cut(recordings[0], tmp_path, "--pad-end-ms", "1000", "--pad-start-ms", "1000")
    assert (code, said) == (0, "")
    rows = table(tmp_path)
    for row in rows:
        info = soundfile.info(tmp_path / row["name"])
        start_ms, end_ms = map(int, row["name"].removesuffix(".wav").split("_")[-2:])
        assert (start_ms, end_ms) == (int(row["start_ms"]), int(row["end_ms"]))
        assert abs(info.frames * 1000 / info.samplerate - (end_ms - start_ms)) <= 1
    whole = soundfile.info(recordings[0])
    assert end_ms == round(whole.frames * 1000 / whole.samplerate)  # the last one reached beyond


def test_only_pieces_in_the_directory_are_removed(cut, recordings, tmp_path):
    out = tmp_path / "out"
    assert cut(recordings[0], out) == (0, "")
    kept = [tmp_path / "beside.wav", out / "notes.txt", out / "unlisted.wav", out / "sub" / "a.wav"]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
    listed = ["../beside.wav", str(kept[0]), "notes.txt", "sub/a.wav", "..", "missing.wav"]
    with (out / "cuts.csv").open("a", encoding="utf-8", newline="") as file:
        rest = [recordings[0].name, "mix", 0, 1, 0, 1, 16_000, ""]
        csv.writer(file).writerows([name, *rest] for name in listed)
    assert cut(recordings[0], out, "--cut-name", "{stem}-{index}")[0] == 0
    assert all(path.read_bytes() == b"mine" for path in kept)
    names = {row["name"] for row in table(out)}
    assert names == sounds(out) - {"notes.txt", "unlisted.wav", "sub"}


def test_a_file_that_is_no_piece_of_the_recording_is_not_overwritten(cut, recordings, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    mine = out / "2.wav"
    mine.write_bytes(b"mine")
    code, said = cut(recordings[0], out, "--cut-name", "{index}")
    assert code == 2 and f"{mine} is there already" in said
    assert mine.read_bytes() == b"mine" and sounds(out) == {"2.wav"}
    mine.unlink()
    assert cut(recordings[0], out, "--cut-name", "{index}") == (0, "")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, said = cut(recordings[1], out, "--cut-name", "{index}")
    assert code == 2 and f"{out / '1.wav'} is there already" in said
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_was_cut_before_an_error_is_listed(cut, recordings, tmp_path):
    out = tmp_path / "out"
    long = shutil.copy(recordings[1], tmp_path / f"{'x' * 245}.flac")  # too long for its pieces
    code, said = cut(recordings[0], out, str(long))
    assert code == 2 and "leave something out" in said
    assert {row["name"] for row in table(out)} == sounds(out)
    assert {row["file"] for row in table(out)} == {recordings[0].name}


@pytest.mark.parametrize("content", [b"", b"name,text\n1.wav,hello\n", b'name,"fi', b"\xff\xfe"])
def test_a_table_of_something_else_is_not_overwritten(cut, recordings, tmp_path, content):
    (tmp_path / "cuts.csv").write_bytes(content)
    code, said = cut(recordings[0], tmp_path)
    assert code == 2 and "is no table of pieces" in said
    assert (tmp_path / "cuts.csv").read_bytes() == content and sounds(tmp_path) == set()


def test_names_that_recordings_would_share_are_refused_before_the_work(
    recordings, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "en")
    given = [str(path) for path in recordings[:2]]
    for template in ("{index}", "{channel}-{duration_ms}", "piece"):
        out = tmp_path / "out"
        assert main(["detect", *given, "--cut", str(out), "--cut-name", template]) == 2
        assert "would have the same names; add {stem}" in capsys.readouterr().err
        assert not out.exists()


@pytest.mark.parametrize("place", ["out", "out.zip"])
def test_names_that_turn_out_to_be_shared_fail_that_recording(detect, recordings, tmp_path, place):
    again = shutil.copy(recordings[0], tmp_path / "again.flac")
    name = "{start_ms}"
    run = detect(recordings[0], again, "--cut", tmp_path / place, "--cut-name", name,
                 FSMN_VAD_LANGUAGE="en")  # fmt: skip
    assert run.returncode == 1 and f"{again} cannot be cut: " in run.stderr
    assert len(run.stdout.splitlines()) == 2  # both have results
    if place == "out":
        files = {row["file"] for row in table(tmp_path / place)}
    else:
        with zipfile.ZipFile(tmp_path / place) as archive:
            assert len(set(archive.namelist())) == len(archive.namelist()) > 2
            lines = io.StringIO(archive.read("cuts.csv").decode("utf-8"))
            files = {row["file"] for row in csv.DictReader(lines)}
    assert files == {recordings[0].name}
