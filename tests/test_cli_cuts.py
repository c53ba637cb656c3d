"""`detect --cut` and `--speech-only` as a shell sees them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="module")
def environment(root, model_dir):
    return {
        **os.environ,
        "PYTHONPATH": str(root),
        "FSMN_VAD_MODEL_DIR": str(model_dir),
        "FSMN_VAD_ENGINE": "onnx",
        "FSMN_VAD_LANGUAGE": "en",
    }


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
    assert [(int(r["start_ms"]), int(r["end_ms"])) for r in rows] == [
        (s["start_ms"], s["end_ms"]) for s in segments
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
        (["x/a.wav", "--cut", "out"], "cut them one by one"),
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
    assert all(name.endswith(f".{kind}") for name in left)
