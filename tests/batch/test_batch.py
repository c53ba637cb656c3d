"""The batch with real recordings, real processes, kills, bad files and full disks."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import time

import numpy as np
import praatio.textgrid
import psutil
import pytest
import soundfile
from pyannote.database.util import load_rttm
from pympi.Elan import Eaf

from webui.batch.naming import STATE

TWO = ("--format", "json", "--format", "rttm")


def tree(folder):
    """Every file's content, the journal's too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def summary(folder):
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def pairs(segments):
    return [(segment["start_ms"], segment["end_ms"]) for segment in segments]


def test_a_corpus_equals_detect_and_again_nothing_is_done(fsmn_vad, shared_data, tmp_path):
    given = ["batch", shared_data, "--output", tmp_path, "--format", "rttm",
             "--format", "textgrid", "--format", "json"]  # fmt: skip
    run = fsmn_vad(*given)
    assert run.returncode == 0, run.stderr
    recordings = sorted(shared_data.rglob("*.wav"))
    told = json.loads(run.stdout)
    assert (told["files"], told["done"]) == (len(recordings), len(recordings))
    noted = json.loads(fsmn_vad("history", "--json").stdout.splitlines()[0])
    assert (noted["source"], noted["segments"]) == ("batch", told["segments"])
    assert noted["file"] == f"{shared_data.name} -> {tmp_path.name} ({len(recordings)})"
    assert fsmn_vad("history", "--search", shared_data.name, "--json").stdout
    lines = fsmn_vad("detect", *recordings).stdout.splitlines()
    for recording, line in zip(recordings, lines, strict=True):
        wanted = json.loads(line)
        stem = tmp_path / recording.relative_to(shared_data).with_suffix("")
        found = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
        untold = {"timings_s", "real_time_factor", "threads"}
        assert found == {key: value for key, value in wanted.items() if key not in untold}
        annotation = load_rttm(stem.with_suffix(".rttm"))[recording.stem]
        heard = [(round(s.start * 1000), round(s.end * 1000)) for s in annotation.itersegments()]
        assert heard == pairs(wanted["segments"])
        grid = praatio.textgrid.openTextgrid(str(stem.with_suffix(".TextGrid")), False)
        speech = [(round(e.start * 1000), round(e.end * 1000))
                  for e in grid.getTier(grid.tierNames[0]).entries]  # fmt: skip
        assert speech == pairs(wanted["segments"])
        row = summary(tmp_path)[str(recording.relative_to(shared_data))]
        speech_ms = sum(end - start for start, end in pairs(wanted["segments"]))
        assert (int(row["speech_ms"]), int(row["duration_ms"])) == (
            speech_ms,
            wanted["duration_ms"],
        )
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    content = tree(tmp_path)
    run = fsmn_vad(*given)
    assert run.returncode == 0
    assert "nothing to do" in run.stderr
    assert json.loads(run.stdout)["skipped"] == len(recordings)
    assert tree(tmp_path) == content
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.fixture(scope="module")
def uninterrupted(fsmn_vad, demos, tmp_path_factory):
    """A folder of recordings, and all files of a batch over it that nothing disturbed."""
    place = tmp_path_factory.mktemp("uninterrupted")
    folder = shutil.copytree(demos, place / "in")
    for number in range(24):
        os.link(folder / "english-clean.flac", folder / f"more-{number}.flac")
    assert fsmn_vad("batch", folder, "--output", place / "out", *TWO).returncode == 0
    return folder, tree(place / "out")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_ended_in_the_middle_it_completes_with_the_same_bytes(
    command, environment, fsmn_vad, uninterrupted, tmp_path, ending
):
    folder, complete = uninterrupted
    broken = tmp_path / "broken"
    running = subprocess.Popen(
        command("batch", folder, "--output", broken, *TWO),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    while running.poll() is None and len(list(broken.glob("*.json"))) < 3:
        time.sleep(0.005)
    workers = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(ending)
    running.wait(30)
    done = {name: content for name, content in tree(broken).items() if STATE not in name}
    # What is there is whole, and not all of it is there.
    assert 3 <= len(done) < len(complete) - 3
    assert all(content == complete[name] for name, content in done.items()
               if name != "summary.csv")  # fmt: skip
    _, alive = psutil.wait_procs(workers, 20)
    assert not alive
    run = fsmn_vad("batch", folder, "--output", broken, *TWO)
    assert run.returncode == 0
    assert json.loads(run.stdout)["skipped"] >= 1
    assert tree(broken) == complete


def test_bad_files_stop_nothing_and_are_tried_again(fsmn_vad, demos, tmp_path):
    folder = tmp_path / "in"
    (folder / "讲座 🎧").mkdir(parents=True)
    good = next(demos.glob("*english-clean*"))
    shutil.copy(good, folder / "讲座 🎧" / "第 一.flac")
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("not audio")
    (folder / "damaged.flac").write_bytes(good.read_bytes()[:60])
    undecodable = os.fsencode(folder) + b"/\xff.flac"
    with open(undecodable, "wb") as file:  # noqa: PTH123
        file.write(good.read_bytes())
    run = fsmn_vad("batch", folder, tmp_path / "missing.wav", "--output", tmp_path / "out")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    told = json.loads(run.stdout)
    assert (told["files"], told["done"], told["failed"]) == (6, 1, 5)
    rows = summary(tmp_path / "out")
    assert rows["讲座 🎧/第 一.flac"]["status"] == "ok"
    assert {row["status"] for name, row in rows.items() if "第" not in name} == {"failed"}
    (folder / "two\nlines.wav").touch()
    said = fsmn_vad("batch", folder / "two\nlines.wav", "--output", tmp_path / "two").stderr
    assert f"fsmn-vad: {folder}/two lines.wav: " in said
    assert all(line.startswith("fsmn-vad: ") for line in said.splitlines())
    assert "recordings: 1, processes: 1, threads of each: " in said
    (folder / "two\nlines.wav").unlink()
    assert "is empty (0 bytes)" in rows["empty.wav"]["error"]
    assert "does not exist" in rows["missing.wav"]["error"]
    assert (tmp_path / "out" / "讲座 🎧" / "第 一.json").is_file()
    shutil.copy(good, folder / "empty.wav")
    run = fsmn_vad("batch", folder, tmp_path / "missing.wav", "--output", tmp_path / "out")
    told = json.loads(run.stdout)
    assert (told["done"], told["skipped"], told["failed"]) == (1, 1, 4)


def test_what_changes_is_done_anew_and_results_of_what_went_bad_go(fsmn_vad_here, demos, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    shutil.copy(next(demos.glob("*english-clean*")), folder / "a.flac")
    shutil.copy(next(demos.glob("*chinese-clean*")), folder / "b.flac")

    def done(*more):
        told = json.loads(fsmn_vad_here("batch", folder, "--output", out, *more).stdout)
        return told["done"], told["skipped"], told["failed"]

    assert done() == (2, 0, 0)
    assert done("--max-end-silence-time", "300") == (2, 0, 0)
    assert done("--max-end-silence-time", "300") == (0, 2, 0)
    assert done("--max-end-silence-time", "300", "--format", "csv") == (2, 0, 0)
    # The formats of before are of the same order still.
    assert done("--max-end-silence-time", "300", "--format", "csv", "--format", "json") == (0, 2, 0)
    assert done("--max-end-silence-time", "300", "--again") == (2, 0, 0)
    # Of another order, they would contradict the new ones.
    assert done("--max-end-silence-time", "400", "--format", "rttm") == (2, 0, 0)
    assert {path.suffix for path in out.glob("?.*")} == {".rttm"}
    assert done("--max-end-silence-time", "300") == (2, 0, 0)
    (out / "a.json").unlink()
    assert done("--max-end-silence-time", "300") == (1, 1, 0)
    os.utime(folder / "b.flac")
    run = fsmn_vad_here("batch", folder, "--output", out, "--max-end-silence-time", "300")
    assert json.loads(run.stdout)["done"] == 1 and "recordings: 1 of 2, " in run.stderr
    (folder / "b.flac").write_bytes(b"")
    assert done("--max-end-silence-time", "300") == (0, 1, 1)
    assert sorted(path.name for path in out.glob("b.*")) == []


def test_the_summary_speaks_one_language(fsmn_vad_here, demos, tmp_path, monkeypatch):
    """That of the command that writes it, of what was done before too."""
    good, bad = demos / "two-voices-telephone.flac", tmp_path / "missing.wav"
    for language, said in (("zh", "声道"), ("en", "channels"), ("zh", "声道")):
        monkeypatch.setenv("FSMN_VAD_LANGUAGE", language)
        fsmn_vad_here("batch", good, bad, "--output", tmp_path / "out")
        rows = summary(tmp_path / "out")
        assert said in rows[good.name]["notices"]
        assert rows[bad.name]["error"].isascii() == rows[good.name]["notices"].isascii()


def test_results_of_inputs_that_are_not_named_stay(fsmn_vad_here, demos, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in "ab":
        shutil.copy(demos / "english-clean.flac", folder / f"{name}.flac")
    assert fsmn_vad_here("batch", folder, "--output", out, *TWO).returncode == 0
    (folder / "a.flac").unlink()
    before = {name: content for name, content in tree(out).items() if name[:2] in ("a.", "b.")}
    # Fewer formats: the others stay, of both.
    run = fsmn_vad_here("batch", folder, "--output", out, "--format", "json")
    assert json.loads(run.stdout)["skipped"] == 1 and summary(out).keys() == {"b.flac"}
    assert before.keys() == {"a.json", "a.rttm", "b.json", "b.rttm"}
    assert before.items() <= tree(out).items()


def test_recordings_that_moved_are_known_by_their_content(fsmn_vad_here, demos, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(next(demos.glob("*english-clean*")), folder / "a.flac")
    out = tmp_path / "out"
    assert fsmn_vad_here("batch", folder, "--output", out, "--by-content").returncode == 0
    moved = folder.rename(tmp_path / "moved")
    os.utime(moved / "a.flac")
    told = json.loads(fsmn_vad_here("batch", moved, "--output", out, "--by-content").stdout)
    assert told["skipped"] == 1


def test_a_wav_scp_names_results_and_recordings(fsmn_vad_here, demos, tmp_path):
    table = tmp_path / "wav.scp"
    table.write_text(f"utt-7 {next(demos.glob('*english-clean*'))}\n")
    run = fsmn_vad_here("batch", table, "--output", tmp_path / "out", "--format", "rttm",
                   "--channel", "left")  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert list(load_rttm(tmp_path / "out" / "utt-7.rttm")) == ["utt-7"]


def test_a_line_of_a_wav_scp_that_cannot_be_followed_fails_alone(fsmn_vad_here, demos, tmp_path):
    call, out = demos / "two-voices-telephone.flac", tmp_path / "out"
    labels = tmp_path / "labels"
    labels.mkdir()
    run = fsmn_vad_here(
        "detect", call, "--channel", "left", "--format", "kaldi", "--output", labels
    )
    assert run.returncode == 0
    table = tmp_path / "wav.scp"
    ours = (labels / "wav.scp").read_text()
    assert ours.startswith("two-voices-telephone-left ffmpeg ")
    table.write_text(f"a {call}\n{ours}b touch {tmp_path}/ran; cat x |\nc\n")

    def ran(*more):
        run = fsmn_vad_here("batch", table, "--output", out, "--format", "rttm", *more)
        told = json.loads(run.stdout)
        return run, (told["done"], told["skipped"], told["failed"])

    run, counts = ran("--channel", "left")
    assert (run.returncode, counts) == (1, (2, 0, 2))
    rows = summary(out)
    assert [row["status"] for row in rows.values()] == ["ok", "ok", "failed", "failed"]
    assert "wav.scp, line 3: commands are not run" in rows["b"]["error"]
    assert "line 4: there is no path" in rows["c"]["error"] and rows["c"]["error"] in run.stderr
    assert not (tmp_path / "ran").exists()
    side = (out / "two-voices-telephone-left.rttm").read_text()
    assert side.count("SPEAKER") == (out / "a.rttm").read_text().count("SPEAKER") > 0
    run, counts = ran("--channel", "left")
    assert counts == (0, 2, 2)
    # Named as it was, and the side once.
    ran("--channel", "left", "--format", "kaldi")
    assert (out / "two-voices-telephone-left.wav.scp").read_text() == ours
    assert (out / "a.wav.scp").read_text().startswith("a-left ffmpeg ")
    # Of another side there are no results, and those of before would contradict the options.
    run, counts = ran()
    assert (run.returncode, counts) == (1, (1, 0, 3))
    assert "say --channel left" in summary(out)["two-voices-telephone-left.flac"]["error"]
    assert [path.name for path in out.glob("*.rttm")] == ["a.rttm"]
    run = fsmn_vad_here("batch", table, "--output", out, "--format", "rttm", "--workers", "0")
    assert run.returncode == 2  # other errors are what they were


def test_ids_of_a_wav_scp_come_out_as_they_stand(fsmn_vad_here, demos, shared_data, tmp_path):
    """Whoever wrote them; and again when what is written is the next batch's."""
    mono = next(shared_data.rglob("*.wav"))
    call = demos / "two-voices-telephone.flac"
    ids = ["my%20talk", "50%", 'a<b"c', "spk1/utt-1", "plain-left"]
    scp = tmp_path / "wav.scp"
    scp.write_text("".join(f"{id_} {mono}\n" for id_ in ids) + f"call {call}\n")
    for number in range(2):
        out = tmp_path / str(number)
        run = fsmn_vad_here("batch", scp, "--output", out, "--channel", "left",
                       "--format", "kaldi", "--format", "rttm")  # fmt: skip
        assert run.returncode == 0, run.stderr

        def first(pattern, field, out=out):
            text = "".join(path.read_text() for path in out.rglob(pattern))
            return {line.split()[field] for line in text.splitlines()}

        assert first("*.wav.scp", 0) == first("*.segments", 1) == {*ids, "call-left"}
        assert first("*.rttm", 1) == {*ids, "call"}
        scp = tmp_path / "again.scp"
        scp.write_text("".join(path.read_text() for path in out.rglob("*.wav.scp")))


@pytest.fixture
def corpus(demos, tmp_path):
    folder = tmp_path / "in"
    (folder / "讲座").mkdir(parents=True)
    shutil.copy(demos / "english-clean.flac", folder / "first talk.flac")
    shutil.copy(demos / "two-voices-telephone.flac", folder / "讲座" / "call.flac")
    return folder


def test_kaldi_gets_both_files_of_each_recording(fsmn_vad_here, corpus, tmp_path):
    out, together = tmp_path / "out", tmp_path / "together"
    given = ["--format", "kaldi", "--channel", "each"]
    assert fsmn_vad_here("batch", corpus, "--output", out, *given).returncode == 0
    made = {path.relative_to(out).as_posix() for path in out.rglob("*") if STATE not in str(path)}
    names = {f"{stem}.{file}" for stem in ("first talk", "讲座/call")
             for file in ("segments", "wav.scp")}  # fmt: skip
    assert made == names | {"summary.csv", "讲座"}
    together.mkdir()
    recordings = [corpus / "first talk.flac", corpus / "讲座" / "call.flac"]
    assert fsmn_vad_here("detect", *recordings, "--output", together, *given).returncode == 0
    for file in ("segments", "wav.scp"):
        joined = sorted(line for path in out.rglob(f"*.{file}")
                        for line in path.read_text("utf-8").splitlines())  # fmt: skip
        assert joined == (together / file).read_text("utf-8").splitlines() != []


def test_an_eaf_says_the_way_to_its_recording(fsmn_vad_here, corpus, tmp_path, monkeypatch):
    """From the directory of the batch, that of detect, and a file of its own."""
    monkeypatch.chdir(tmp_path)
    assert fsmn_vad_here("batch", "in", "--output", "out", "--format", "eaf").returncode == 0
    (tmp_path / "labels").mkdir()
    given = ["detect", "in/讲座/call.flac", "--format", "eaf"]
    assert fsmn_vad_here(*given, "--output", "labels").returncode == 0
    assert fsmn_vad_here(*given, "--output", "in/call.eaf").returncode == 0
    made = ["out/first talk.eaf", "out/讲座/call.eaf", "labels/call.eaf", "in/call.eaf"]
    for name in made:
        path = tmp_path / name
        (media,) = Eaf(str(path)).media_descriptors
        recording = corpus / ("first talk.flac" if "first" in name else "讲座/call.flac")
        way = media["RELATIVE_MEDIA_URL"]
        assert way.startswith(("./", "../")) and (path.parent / way).samefile(recording)
        assert media["MEDIA_URL"] == f"file://{recording}"
    said = fsmn_vad_here(*given).stdout
    assert "RELATIVE_MEDIA_URL" not in said and f'"file://{corpus}/讲座/call.flac"' in said


def test_both_of_kaldis_files_are_resumed_and_replaced_together(fsmn_vad_here, corpus, tmp_path):
    out = tmp_path / "out"

    def done(*more):
        run = fsmn_vad_here("batch", corpus, "--output", out, *more)
        return run.returncode or tuple(json.loads(run.stdout)[n] for n in ("done", "skipped"))

    scp = out / "讲座" / "call.wav.scp"
    scp.parent.mkdir(parents=True)
    scp.write_text("made by hand")
    assert done("--format", "kaldi") == 2 and scp.read_text() == "made by hand"
    scp.unlink()
    assert done("--format", "kaldi") == (2, 0)
    assert done("--format", "kaldi") == (0, 2)
    scp.unlink()
    assert done("--format", "kaldi") == (1, 1) and scp.is_file()
    assert done("--format", "rttm", "--max-end-silence-time", "300") == (2, 0)
    assert not [*out.rglob("*.segments"), *out.rglob("*.wav.scp")]
    assert done("--format", "kaldi", "--max-end-silence-time", "300") == (2, 0)
    (corpus / "讲座" / "call.flac").write_bytes(b"")
    assert done("--format", "kaldi", "--max-end-silence-time", "300") == 1
    assert [path.name for path in out.rglob("*.wav.scp")] == ["first talk.wav.scp"]


def test_results_beside_the_recordings_never_replace_an_input(fsmn_vad_here, demos, tmp_path):
    good = next(demos.glob("*english-clean*"))
    shutil.copy(good, tmp_path / "a.flac")
    assert fsmn_vad_here("batch", tmp_path, "--output", tmp_path).returncode == 0
    assert (tmp_path / "a.json").is_file()
    shutil.copy(good, tmp_path / "b.csv")
    given = ["batch", tmp_path, "--pattern", "*.csv", "--pattern", "*.flac"]
    run = fsmn_vad_here(*given, "--output", tmp_path, "--format", "csv", "--exclude", "summary.csv")
    assert run.returncode == 2
    assert "would be overwritten" in run.stderr
    assert (tmp_path / "b.csv").read_bytes() == good.read_bytes()
    listed = tmp_path / "a.json"
    listed.write_text('{"audio_filepath": "a.flac"}')
    run = fsmn_vad_here("batch", listed, "--output", tmp_path / ".." / tmp_path.name)
    assert run.returncode == 2 and "would be overwritten" in run.stderr
    assert listed.read_text() == '{"audio_filepath": "a.flac"}'


def test_what_no_batch_made_is_replaced_only_where_that_is_said(fsmn_vad_here, demos, tmp_path):
    shutil.copy(next(demos.glob("*english-clean*")), tmp_path / "a.flac")
    given = ["batch", tmp_path, "--output", tmp_path, "--format", "textgrid", "--format", "json"]
    for name in ("a.TextGrid", "summary.csv"):
        (tmp_path / name).write_text("made by hand")
        for _ in range(2):
            run = fsmn_vad_here(*given)
            assert run.returncode == 2
            assert f"{tmp_path / name} was not made by a batch" in run.stderr
        assert (tmp_path / name).read_text() == "made by hand"
        assert not (tmp_path / "a.json").exists()
        if name == "a.TextGrid":
            (tmp_path / name).unlink()
    assert fsmn_vad_here(*given, "--overwrite").returncode == 0
    assert (tmp_path / "summary.csv").read_text().startswith("file,")
    # Its own files it may replace, and the others still not.
    assert fsmn_vad_here(*given, "--again").returncode == 0
    (tmp_path / "a.csv").write_text("made by hand")
    run = fsmn_vad_here(*given, "--format", "csv")
    assert run.returncode == 2 and "a.csv was not made" in run.stderr
    assert fsmn_vad_here(*given).returncode == 0


def test_a_format_that_cannot_hold_a_recording_costs_no_other(fsmn_vad_here, demos, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    shutil.copy(next(demos.glob("*english-clean*")), folder / "a\x01.flac")
    given = ["batch", folder, "--output", out, "--format", "eaf", "--format", "json"]
    for _ in range(2):
        run = fsmn_vad_here(*given)
        told = json.loads(run.stdout)
        assert (run.returncode, told["done"], told["failed"]) == (1, 0, 1)
        assert told["segments"] and "cannot be written as ELAN" in run.stderr
        assert json.loads((out / "a\x01.json").read_text())["segments"]
        assert not list(out.glob("*.eaf"))
        row = summary(out)["a\x01.flac"]
        assert (row["result"], row["status"]) == ("a\x01", "failed")
        assert int(row["segments"]) == told["segments"] and "ELAN" in row["error"]
    told = json.loads(fsmn_vad_here(*given[:-4], "--format", "json").stdout)
    assert (told["skipped"], told["failed"]) == (1, 0)
    # None can hold it; those of before are of the same order, and stay.
    assert json.loads(fsmn_vad_here(*given[:-2]).stdout)["segments"] == 0
    assert summary(out)["a\x01.flac"]["result"] == ""
    assert (out / "a\x01.json").is_file()


def test_the_summary_of_a_batch_that_failed_is_its_own(fsmn_vad_here, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "empty.wav").touch()
    for _ in range(2):
        assert fsmn_vad_here("batch", tmp_path / "in", "--output", tmp_path / "out").returncode == 1


def test_a_worker_that_is_killed_is_replaced(command, environment, demos, tmp_path):
    """Twice the same recording would be told as failed; once it is only tried again."""
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000 * 60).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", np.tile(noise, 20), 16_000)
    running = subprocess.Popen(
        command("batch", tmp_path / "long.wav", *demos.glob("*.flac"), "--output",
                tmp_path / "out", "--workers", "2"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    while running.poll() is None and not list((tmp_path / "out").glob("*.json")):
        time.sleep(0.005)
    for child in psutil.Process(running.pid).children():
        if "popen_loky" in " ".join(child.cmdline()):
            child.kill()
    out, _ = running.communicate(timeout=60)
    told = json.loads(out)
    assert (running.returncode, told["done"], told["failed"]) == (0, 7, 0)


def test_wrong_usage(fsmn_vad_here, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for arguments, said in [
        ([tmp_path / "empty", "--output", tmp_path / "out"], "no recordings"),
        (["a.wav", "--output", tmp_path / "file"], "is not a directory"),
        (["a.wav", "--output", tmp_path / "out", "--workers", "0"], "outside 1 to"),
        (["a.wav", "--output", tmp_path / "out", "--backend", "dask"], "address of a scheduler"),
        (["a.wav", "--output", tmp_path / "out", "--scheduler", "x"], "--backend dask"),
        (["a.wav"], "--output"),
    ]:
        run = fsmn_vad_here("batch", *arguments)
        assert run.returncode == 2, arguments
        assert said in run.stderr and "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_one_batch_at_a_time_in_a_directory(fsmn_vad_here, demos, tmp_path):
    (tmp_path / STATE).mkdir()
    with (tmp_path / STATE / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = fsmn_vad_here("batch", demos, "--output", tmp_path)
    assert run.returncode == 1
    assert "Another batch writes" in run.stderr


def test_an_output_that_cannot_be_written(fsmn_vad_here, demos, tmp_path):
    run = fsmn_vad_here("batch", demos, "--output", "/proc/nowhere")
    assert run.returncode == 1
    assert "/proc/nowhere cannot be written" in run.stderr and "Traceback" not in run.stderr


def test_a_read_only_output(fsmn_vad, demos, tmp_path, small_disk):
    """Mounted read-only: the superuser cannot write there either."""
    out = tmp_path / "out"
    out.mkdir()
    script = 'mount -o remount,ro "$OUT" && exec "$@"'
    before = [*small_disk(out, 1_000_000), "sh", "-c", script, "sh"]
    run = fsmn_vad("batch", demos, "--output", out, before=before, OUT=str(out))
    assert run.returncode == 1
    assert "Read-only file system" in run.stderr and "Traceback" not in run.stderr


def test_a_full_disk_keeps_what_is_whole(fsmn_vad, demos, tmp_path, small_disk):
    folder, out = tmp_path / "in", tmp_path / "out"
    out.mkdir()
    shutil.copytree(demos, folder)
    for number in range(10):
        os.link(next(demos.glob("*clean*")), folder / f"more-{number}.flac")
    script = 'status=0; "$@" || status=$?; cp -r "$OUT" "$KEPT"; exit $status'
    before = [*small_disk(out, 49_152), "sh", "-c", script, "sh"]
    kept = tmp_path / "kept"
    run = fsmn_vad("batch", folder, "--output", out, before=before, OUT=str(out), KEPT=str(kept))
    assert run.returncode == 1
    assert "No space left on device" in run.stderr and "Traceback" not in run.stderr
    results = list(kept.glob("*.json"))
    assert results and all(json.loads(path.read_text())["segments"] for path in results)
    run = fsmn_vad("batch", folder, "--output", kept)
    assert run.returncode == 0
    assert json.loads(run.stdout)["skipped"] >= len(results) - 1


def test_progress_on_a_terminal_has_rate_and_remaining_time(command, environment, demos, tmp_path):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    running = subprocess.Popen(
        command("batch", demos, "--output", tmp_path),
        stdout=subprocess.PIPE, stderr=follower, env={**environment, "FSMN_VAD_LANGUAGE": "zh"},
    )  # fmt: skip
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:  # the end of a terminal
        pass
    out, _ = running.communicate(timeout=60)
    assert json.loads(out)["done"] == 6
    text = shown.decode("utf-8", "replace")
    assert "6/6，实时的" in text and "剩余 0:00" in text
