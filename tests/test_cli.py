"""The command line as a shell sees it: standard output, standard error, exit codes."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import shutil
import subprocess
import sys

import pytest

from webui.cli import _parsed, main
from webui.vad.scorers import missing_package

TWELVE = [
    [70, 2340], [2620, 6200], [6480, 23670], [23950, 26250], [26780, 28990], [29950, 31430],
    [31750, 37600], [38210, 46900], [47310, 49630], [49910, 56460], [56740, 59540], [59820, 70450],
]  # fmt: skip


@pytest.fixture(scope="module")
def fsmn_vad(environment):
    def run(*arguments, **changes):
        return subprocess.run(
            [sys.executable, "-m", "webui", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            env={**environment, **changes},
        )

    return run


@pytest.fixture(scope="module")
def recording(root):
    return next(iter(sorted((root / "assets" / "audio").glob("*clean*"))))


def test_what_a_command_starts_has_its_profile(environment):
    code = (
        "import os, sys; from webui.cli import main; main(); "
        "print(os.environ['FSMN_VAD_PROFILE'], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "history", "--profile", "board"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert run.returncode == 0 and run.stderr.endswith("board\n")


def test_a_profile_is_told_by_its_option_and_refused_where_it_is_nothing(fsmn_vad):
    wrong = fsmn_vad("detect", "--profile", "desk", "x.wav")
    assert wrong.returncode == 2
    assert wrong.stderr == "fsmn-vad: --profile: desk is not one of board, laptop, server.\n"
    senseless = fsmn_vad("models", "list", "--profile", "board")
    assert senseless.returncode == 2 and "--profile" in senseless.stderr
    for command in ("detect", "batch", "stream", "doctor"):
        assert "--profile {board,laptop,server}" in fsmn_vad(command, "--help").stdout


def test_the_twelve_segments(fsmn_vad, shared_data):
    run = fsmn_vad("detect", shared_data / "vad_example.wav")
    assert (run.returncode, run.stderr) == (0, "")
    line, rest = run.stdout.split("\n", 1)
    assert rest == ""
    found = [[s["start_ms"], s["end_ms"]] for s in json.loads(line)["segments"]]
    assert found == TWELVE


@pytest.mark.funasr
def test_funasr_keeps_standard_output_clean(fsmn_vad, recording):
    run = fsmn_vad("detect", "--engine", "funasr", recording)
    assert run.returncode == 0
    assert json.loads(run.stdout)["engine"] == "funasr"


def test_one_bad_file_does_not_stop_the_rest(fsmn_vad, recording, tmp_path):
    text = tmp_path / "note.wav"
    text.write_text("not audio")
    run = fsmn_vad("detect", tmp_path / "missing.wav", text, recording)
    assert run.returncode == 1
    assert json.loads(run.stdout)["file"] == recording.name
    assert "missing.wav" in run.stderr
    assert "note.wav" in run.stderr
    assert "Traceback" not in run.stderr


def test_csv_of_several_files_has_one_header(fsmn_vad, recording):
    run = fsmn_vad("detect", "--format", "csv", recording, recording)
    rows = list(csv.reader(io.StringIO(run.stdout)))
    assert rows[0][:3] == ["file", "start_ms", "end_ms"]
    assert len(rows) >= 3
    assert len(rows) % 2 == 1
    assert all(row[0] == recording.name for row in rows[1:])


def test_options_and_presets_reach_the_endpointer(fsmn_vad, recording):
    run = fsmn_vad(
        "detect", "--preset", "meeting", "--max-end-silence-time", "300", "--channel", "left",
        recording,
    )  # fmt: skip
    options = json.loads(run.stdout)["options"]
    assert (options["max_end_silence_time"], options["speech_noise_thres"]) == (300, 0.3)


def test_switches_and_tables_reach_the_result_and_its_receipt(fsmn_vad, recording):
    plain = json.loads(fsmn_vad("detect", recording).stdout)
    run = fsmn_vad(
        "detect", "--pad-start-ms", "100", "--pad-end-ms", "50", "--clamp-to-audio",
        "--no-split-capped", "--silence-schedule", "1000: 500, inf:100", recording,
    )  # fmt: skip
    padded = json.loads(run.stdout)
    options = padded["options"]
    assert (options["pad_start_ms"], options["pad_end_ms"]) == (100, 50)
    assert options["clamp_to_audio"] is True
    assert options["split_capped"] is options["dynamic_silence"] is False
    assert options["silence_schedule"] == "1000:500,inf:100"
    pairs = zip(plain["segments"], padded["segments"], strict=True)
    assert all(
        (a["start_ms"] - b["start_ms"], b["end_ms"] - a["end_ms"]) == (100, 50) for a, b in pairs
    )
    dynamic = json.loads(fsmn_vad("detect", "--dynamic-silence", recording).stdout)
    assert dynamic["options"]["dynamic_silence"] is True
    assert dynamic["segments"] != plain["segments"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["detect", "--silence-schedule", "1000:500", "a.wav"],
        ["detect", "--split-capped=yes", "a.wav"],
        ["detect"],
        ["detect", "--speech-noise-thres", "3", "a.wav"],
        ["detect", "--max-end-silence-time", "soon", "a.wav"],
        ["detect", "--threads", "-1", "a.wav"],
        ["detect", "--output", "/no/such/directory/x.json", "a.wav"],
        ["nonsense"],
    ],
)
def test_wrong_usage(fsmn_vad, arguments):
    run = fsmn_vad(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["a", "--format", "rttm", "b"], ["a", "b"]),
        (
            ["--format", "rttm", "a", "--speech-noise-thres", "-0.5", "b", "c", "--clamp", "d"],
            "abcd",
        ),
        (
            ["a", "--format=rttm", "b", "--", "-c", "--", "--format"],
            ["a", "b", "-c", "--", "--format"],
        ),
        (["--format", "rttm", "--", "-a", "b"], ["-a", "b"]),
        (["a", "--format", "rttm", "-"], ["a", "-"]),
    ],
)
def test_options_may_stand_between_the_files(arguments, files):
    for command, name in (("detect", "audio"), ("batch", "inputs")):
        more = ["--output", "out"] if command == "batch" else []
        chosen = _parsed([command, *more, *arguments], "en")
        assert getattr(chosen, name) == [*files]
        assert chosen.format == "rttm" if command == "detect" else chosen.formats == ["rttm"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["detect", "a", "--nonsense", "b"], "unrecognized arguments: --nonsense\n"),
        (["detect", "a", "--clamp-to-audio", "b", "-x"], "unrecognized arguments: -x\n"),
        (["models", "verify", "a", "b"], "unrecognized arguments: b\n"),
        (["history", "--clear", "a"], "unrecognized arguments: a\n"),
        (["detect", "--clamp-to-audio"], "required: AUDIO\n"),
    ],
)
def test_what_no_command_takes_is_told(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        _parsed(arguments, "en")
    assert ended.value.code == 2 and capsys.readouterr().err.endswith(said)


def test_output_file_appears_when_it_is_complete(fsmn_vad, recording, tmp_path):
    output = tmp_path / "结果 1.json"
    run = fsmn_vad("detect", "--output", output, recording)
    assert (run.returncode, run.stdout) == (0, "")
    assert json.loads(output.read_text(encoding="utf-8"))["segments"]
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_a_reader_that_has_enough(environment, recording):
    command = [sys.executable, "-m", "webui", "detect", str(recording), str(recording)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    # Nobody reads from here on; the results come only after the model is loaded.
    process.stdout.close()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 141
    assert errors == ""


@pytest.mark.skipif(sys.platform == "win32", reason="the pipe is a shell's")
@pytest.mark.parametrize(
    "command", ["history --help", "--help", "--version", "completion bash", "models list"]
)
def test_nobody_reads_what_is_said(environment, command):
    """Neither does Python complain at its end."""
    # The reader is gone before anything is written.
    script = f'(sleep 0.2; "$0" -m webui {command}; echo "code $?" >&2) | true'
    run = subprocess.run(
        ["sh", "-c", script, sys.executable],
        env={**environment, "PYTHONUNBUFFERED": ""}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.stderr == "code 141\n"


def test_says_why_nothing_was_found_in_the_users_language(fsmn_vad, recording):
    arguments = ["detect", "--speech-noise-thres", "1", recording]
    english = fsmn_vad(*arguments).stderr
    chinese = fsmn_vad(*arguments, FSMN_VAD_LANGUAGE="auto", LC_ALL="zh_CN.UTF-8").stderr
    assert "no speech" in english
    assert "没有语音" in chinese


def test_models(fsmn_vad, tmp_path):
    listed = fsmn_vad("models", "list")
    assert "fsmn-vad-16k-zh" in listed.stdout
    assert fsmn_vad("models", "verify").returncode == 0
    unknown = fsmn_vad("models", "verify", "nonsense")
    assert unknown.returncode == 1
    assert "fsmn-vad-16k-zh" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "said", "said_zh"),
    [
        (
            ["detect", "--threads", "-1", "a.wav"],
            "--threads: -1 is outside 0 to",
            "--threads：-1 超",
        ),
        (["detect", "--device", "tpu", "a.wav"], "--device: tpu is not", "--device：tpu 不是"),
        (["serve", "--port", "0"], "--port: 0 is outside 1 to 65535", "--port：0 超出范围 1 至"),
    ],
)
def test_an_option_is_named_as_it_was_given(fsmn_vad, arguments, said, said_zh):
    english = fsmn_vad(*arguments)
    chinese = fsmn_vad(*arguments, FSMN_VAD_LANGUAGE="zh")
    assert (english.returncode, chinese.returncode) == (2, 2)
    assert said in english.stderr and said_zh in chinese.stderr
    assert "FSMN_VAD" not in english.stderr + chinese.stderr


def test_a_variable_is_named_as_it_was_set(fsmn_vad):
    run = fsmn_vad("detect", "a.wav", FSMN_VAD_THREADS="-1")
    assert run.returncode == 2
    assert "FSMN_VAD_THREADS: -1 is outside" in run.stderr


@pytest.fixture
def own_model(model_dir, tmp_path):
    directory = tmp_path / "model"
    shutil.copytree(model_dir, directory)
    return directory


def test_models_list_shows_the_engines_that_can_run(fsmn_vad, own_model):
    def listed(**changes):
        run = fsmn_vad("models", "list", FSMN_VAD_MODEL_DIR=str(own_model), **changes)
        first, *rest = run.stdout.splitlines()
        return first.split("\t")[1:3], "\n".join(rest)

    has_funasr = missing_package("funasr") is None
    whole = ["funasr"] * has_funasr + ["onnx", "onnx-int8"]
    (state, engines), rest = listed()
    assert (state, engines.split(",")) == ("external", whole)
    assert ("funasr cannot run: " in rest) != has_funasr

    (own_model / "model.onnx").unlink()
    (_, engines), rest = listed()
    assert engines == ("funasr" if has_funasr else "-")
    assert "onnx cannot run: model.onnx is missing" in rest
    assert "onnx-int8 无法运行：缺少 model.onnx" in listed(FSMN_VAD_LANGUAGE="zh")[1]


def test_models_list_in_the_light_install(own_model, root, tmp_path, monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name in ("torch", "funasr") else found(name, *more),
    )
    own_model.rename(tmp_path / "fsmn-vad-16k-zh")
    monkeypatch.delenv("FSMN_VAD_MODEL_DIR", raising=False)
    monkeypatch.setenv("FSMN_VAD_MODELS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("FSMN_VAD_LANGUAGE", "en")

    def listed():
        assert main(["models", "list"]) == 0
        return capsys.readouterr().out

    assert "\tready\tonnx,onnx-int8\t" in listed()
    model = tmp_path / "fsmn-vad-16k-zh" / "model.onnx"
    model.write_bytes(b"altered")
    text = listed()
    assert "\taltered\t-\t" in text
    assert "onnx cannot run: model.onnx is not the published file" in text
    assert "funasr cannot run: torch is not installed" in text
    model.unlink()
    assert "\tno engine can run it\t-\t" in listed()


@pytest.fixture
def read_only_store(tmp_path):
    """A store in whose place a file stands: nobody can write there, the superuser neither."""
    store = tmp_path / "store"
    store.touch()
    return store


def test_a_graph_that_cannot_be_kept_is_said(fsmn_vad, read_only_store):
    prepare = ("models", "prepare")
    run = fsmn_vad(*prepare, FSMN_VAD_MODELS_DIRECTORY=str(read_only_store))
    assert run.returncode == 1
    assert f"fp32 was made but cannot be kept in {read_only_store}" in run.stderr
    assert "Not a directory" in run.stderr and "ready" not in run.stderr
    chinese = fsmn_vad(
        *prepare, FSMN_VAD_MODELS_DIRECTORY=str(read_only_store), FSMN_VAD_LANGUAGE="zh"
    )
    assert "（不是目录）" in chinese.stderr and "已就绪" not in chinese.stderr


def test_a_directory_in_the_place_of_a_graph_fills_no_disk(fsmn_vad, recording, tmp_path):
    store = {"FSMN_VAD_MODELS_DIRECTORY": str(tmp_path)}
    assert fsmn_vad("models", "prepare", **store).returncode == 0
    (graph,) = tmp_path.glob("prepared/*/fp32.onnx")
    graph.unlink()
    graph.mkdir()
    before = sorted(graph.parent.iterdir())
    assert fsmn_vad("detect", recording, **store).returncode == 0
    assert sorted(graph.parent.iterdir()) == before
    assert "Is a directory" in fsmn_vad("models", "prepare", **store).stderr


def test_version_and_help(fsmn_vad):
    assert fsmn_vad("--version").stdout.startswith("fsmn-vad ")
    helped = fsmn_vad("detect", "--help").stdout
    assert "--max-end-silence-time" in helped
    assert "150 to 6000 ms" in helped
    assert "0 means one for each core" in " ".join(helped.split())


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_a_figure_of_each_file(fsmn_vad, root, recording, tmp_path, suffix, start):
    other = root / "assets" / "audio" / "two-voices-telephone.flac"
    wanted = tmp_path / f"{{name}}.{suffix}"
    run = fsmn_vad("detect", "--channel", "each", "--figure", wanted, other, recording)
    assert run.returncode == 0, run.stderr
    for audio in (other, recording):
        assert (tmp_path / f"{audio.stem}.{suffix}").read_bytes().startswith(start)
    first, second = map(json.loads, run.stdout.splitlines())
    assert {segment["channel"] for segment in first["segments"]} == {"left", "right"}
    assert first["overlap"] and first["audio"]["channel"] == "each"
    # A recording with one channel has that one, as ever.
    assert "overlap" not in second and second["audio"]["channel"] != "each"
    if suffix == "svg":
        assert "both speak" in (tmp_path / f"{other.stem}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wanted", "audio", "said", "said_zh"),
    [
        ("out.gif", ["a.wav"], "must end with one of .svg, .png, .pdf", "扩展名必须是"),
        ("out", ["a.wav"], "must end with one of .svg, .png, .pdf", "扩展名必须是"),
        ("out.svg", ["a.wav", "b.wav"], "{name}-out.svg", "{name}-out.svg"),
        ("{name}.svg", ["x/a.wav", "y/a.wav"], "do them one by one", "请分别处理"),
        ("nowhere/out.svg", ["a.wav"], "make it first", "请先创建"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_before_the_work(
    wanted, audio, said, said_zh, tmp_path, monkeypatch
):
    from webui.cli.figures import OPTION, SUFFIXES
    from webui.cli.files import each_path
    from webui.errors import SettingsError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        each_path(OPTION, wanted, audio, SUFFIXES)
    assert said in caught.value.message("en") and said_zh in caught.value.message("zh")
