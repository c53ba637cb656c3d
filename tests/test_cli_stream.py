"""``fsmn-vad stream`` at the end of a real pipe."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import wave

import numpy as np
import pytest

from webui.audio.pcm import PcmFormat
from webui.audio.reader import open_audio
from webui.audio.wav_pipe import wav_head
from webui.vad import Detector, VadOptions

EXACT = ("start_ms", "end_ms", "confidence", "end_reason")


@pytest.fixture(scope="module")
def talk(root):
    """Talk with pauses, 14 s, 16 kHz."""
    with open_audio(root / "assets" / "audio" / "two-voices-with-pauses.flac") as blocks:
        return np.concatenate(list(blocks))[: 14 * 16_000]


@pytest.fixture(scope="module")
def recording(talk, model_dir, tmp_path_factory):
    """The talk as raw samples, 8 kHz stereo, with the segments of its WAV."""
    mono = np.rint(talk[::2] * 32_767).astype("<i2")
    raw = np.stack([mono, mono // 2], axis=1).tobytes()
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(raw)
    detector = Detector("onnx", model_directory=model_dir, threads=1)
    return raw, detector.score(path)


FORMAT = PcmFormat(8000, 2)
RAW = ("--rate", "8000", "--channels", "2", "--sample-format", "s16")


@pytest.fixture
def stream(environment):
    """Start the command; whatever is left of it ends with the test."""
    started = []

    def start(*arguments, **changes):
        process = subprocess.Popen(
            [sys.executable, "-m", "webui", "stream", *map(str, arguments)],
            stdin=changes.pop("stdin", subprocess.PIPE),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, **changes},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # what it no longer takes
                    pipe.close()


def run(process, data: bytes):
    out, errors = process.communicate(data, timeout=120)
    return process.returncode, [json.loads(line) for line in out.splitlines()], errors.decode()


def ends(events):
    assert [event["event"] for event in events[::2]] == ["speech_start"] * (len(events) // 2)
    found = [event for event in events if event["event"] == "speech_end"]
    return [tuple(event[name] for name in EXACT) for event in found]


def expected(scores, options=None):
    return [tuple(s.as_dict()[name] for name in EXACT) for s in scores.segments(options)]


def test_raw_samples(stream, recording):
    raw, scores = recording
    code, events, errors = run(stream(*RAW), raw)
    assert code == 0 and ends(events) == expected(scores)
    assert "14.0 s received" in errors and "Traceback" not in errors
    for event in events:
        boundary_ms = event.get("end_ms", event["start_ms"])
        assert event["possible_after_ms"] == event["possible_ms"] - boundary_ms
        # It is made with samples that are there: at the earliest when it is possible.
        assert event["made_after_ms"] >= event["possible_after_ms"] - 1


@pytest.mark.parametrize("size_bytes", [None, 0, 0xFFFF_FFFF])
def test_a_wav_through_a_pipe(stream, recording, size_bytes):
    raw, scores = recording
    head = wav_head(FORMAT, len(raw) if size_bytes is None else size_bytes)
    # What follows the announced samples is no sound.
    tail = b"LIST" + bytes(40_000) if size_bytes is None else b""
    code, events, errors = run(
        stream("--preset", "quick", "--pad-end-ms", "100"), head + raw + tail
    )
    assert code == 0 and "14.0 s received" in errors and "before" not in errors
    options = VadOptions(max_end_silence_time=300, pad_end_ms=100)
    assert ends(events) == expected(scores, options)


def test_an_input_that_ends_too_soon_is_said(stream, recording):
    raw, _ = recording
    code, _, errors = run(stream(), wav_head(FORMAT, len(raw)) + raw[:-40_001])
    assert code == 0 and "before the length of its header" in errors


def test_events_come_while_the_input_goes_on(stream, recording):
    raw, scores = recording
    process = stream(*RAW)
    first = scores.segments()[0]
    # Up to where the end is decided, and a chunk.
    process.stdin.write(raw[: (first.end_ms + 575 + 40) * 32])
    process.stdin.flush()
    start, end = (json.loads(process.stdout.readline()) for _ in range(2))
    assert (start["event"], end["event"]) == ("speech_start", "speech_end")
    assert (end["start_ms"], end["end_ms"]) == (first.start_ms, first.end_ms)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_stream_as_its_end_does(stream, recording, number):
    raw, scores = recording
    process = stream(*RAW)
    first = scores.segments()[0]
    middle_ms = (first.start_ms + first.end_ms) // 2 + 500
    process.stdin.write(raw[: middle_ms * 32])
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["event"] == "speech_start"
    process.send_signal(number)
    end = json.loads(process.stdout.readline())
    assert (end["event"], end["end_reason"]) == ("speech_end", "end_of_audio")
    assert process.stdout.read() == b"" and process.wait(timeout=60) == 0
    assert b"segments: 1" in process.stderr.read()


def test_who_takes_events_slowly_holds_up_the_input_and_loses_none(stream):
    # All is speech, cut every second: the events of half an hour fill any pipe.
    seconds = 2000
    process = stream(
        "--rate", "8000", "--sample-format", "u8", "--speech-noise-thres", "-1",
        "--max-single-segment-time", "1000",
    )  # fmt: skip
    written = 0

    def write() -> None:
        nonlocal written
        for _ in range(seconds):
            process.stdin.write(b"\x80" * 8000)
            written += 1
        process.stdin.close()

    writer = threading.Thread(target=write)
    writer.start()
    before = -1
    while before != written:  # until it stands still
        before = written
        time.sleep(1)
    assert written < seconds
    lines = process.stdout.read().splitlines()
    writer.join()
    assert process.wait(timeout=60) == 0
    ends_ms = [json.loads(line).get("end_ms") for line in lines][1::2]
    assert len(ends_ms) * 1000 == pytest.approx(seconds * 1000, rel=0.02)
    assert ends_ms[-1] == pytest.approx(seconds * 1000, abs=40)


def test_a_reader_that_has_enough(stream, recording):
    raw, _ = recording
    process = stream(*RAW)
    process.stdout.close()
    process.stdin.write(raw)
    process.stdin.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""


def test_segments_are_saved_sample_by_sample(stream, recording, tmp_path):
    raw, scores = recording
    code, events, _ = run(stream(*RAW, "--save-segments", tmp_path / "cuts"), raw)
    assert code == 0 and ends(events) == expected(scores)
    files = [event["file"] for event in events if "file" in event]
    assert sorted(files) == sorted(str(path) for path in (tmp_path / "cuts").iterdir())
    for file, segment in zip(files, scores.segments(), strict=True):
        assert f"_{segment.start_ms}_{segment.end_ms}.wav" in file
        with wave.open(file) as saved:
            assert saved.getparams()[:3] == (2, 2, 8000)
            found = saved.readframes(saved.getnframes())
        assert found == raw[segment.start_ms * 32 : segment.end_ms * 32]


@pytest.mark.parametrize(
    ("arguments", "said", "said_zh"),
    [
        (["--rate", "5"], "--rate = 5: must be", "--rate = 5：必须"),
        (["--channels", "0"], "--channels = 0: must be", "--channels = 0：必须"),
        (
            ["--sample-format", "mp3"],
            "--sample-format = mp3: is not",
            "--sample-format = mp3：未知",
        ),
        (["--chunk-ms", "1"], "--chunk-ms: 1 is outside 10 to", "--chunk-ms：1 超出"),
        (["--save-segments", "/no/such/place"], "make it first", "请先创建"),
        (["--max-end-silence-time", "1"], "max_end_silence_time = 1", "max_end_silence_time = 1"),
        (["--rate", "8000"], "--rate: 8000 was given, but", "--rate：给定了 8000"),
        (["talk.wav"], "fsmn-vad stream < talk.wav", "fsmn-vad stream < talk.wav"),
        (["--save-segments", ""], "--save-segments: a directory", "--save-segments：需要"),
        (["--engine", "nonsense"], "invalid choice", "无效，可选"),
    ],
)
def test_wrong_usage(arguments, said, said_zh, environment, monkeypatch, capsys, tmp_path):
    from webui.cli import main

    (tmp_path / "in.wav").write_bytes(wav_head(PcmFormat(16_000), 32_000) + bytes(32_000))
    for name in ("FSMN_VAD_MODEL_DIR", "FSMN_VAD_ENGINE"):
        monkeypatch.setenv(name, environment[name])
    for language, wanted in (("en", said), ("zh", said_zh)):
        monkeypatch.setenv("FSMN_VAD_LANGUAGE", language)
        with (tmp_path / "in.wav").open() as source:
            monkeypatch.setattr("sys.stdin", source)
            try:
                code = main(["stream", *arguments])
            except SystemExit as error:
                code = error.code
        assert code == 2
        written = capsys.readouterr()
        assert wanted in written.err and written.out == ""


def test_nothing_comes_from_a_terminal(stream):
    controller, terminal = pty.openpty()
    code, events, errors = run(stream(stdin=terminal), None)
    os.close(controller)
    os.close(terminal)
    assert (code, events) == (2, []) and "pipe audio in" in errors


def test_what_is_no_plain_samples(stream, root):
    flac = (root / "assets" / "audio" / "two-voices-telephone.flac").read_bytes()
    code, events, errors = run(stream(FSMN_VAD_LANGUAGE="zh"), flac[:100_000])
    assert (code, events) == (1, [])
    assert "标准输入 是压缩或封装格式" in errors and "Traceback" not in errors
    code, _, errors = run(stream(), b"RIFF\0\0")
    assert code == 1 and "within the WAV header" in errors


def test_an_empty_input_has_no_speech(stream):
    code, events, errors = run(stream(), b"")
    assert (code, events) == (0, []) and "0.0 s received, segments: 0" in errors


def test_a_header_without_its_sound_fails(stream):
    code, events, errors = run(stream(), wav_head(FORMAT, 32_000))
    assert (code, events) == (1, []) and "before the length of its header" in errors


def test_what_cannot_be_saved_is_still_told(stream, recording, tmp_path):
    raw, scores = recording
    process = stream(*RAW, "--save-segments", tmp_path / "cuts")
    process.stdin.write(raw[:32_000])
    process.stdin.flush()
    while not (tmp_path / "cuts").is_dir():
        time.sleep(0.01)
    time.sleep(0.5)  # the numbers that are there have been looked up
    (tmp_path / "cuts").rmdir()
    code, events, errors = run(process, raw[32_000:])
    assert code == 1 and ends(events) == expected(scores)
    assert "there is no directory" in errors and not any("file" in event for event in events)


def test_a_second_run_overwrites_nothing(stream, recording, tmp_path):
    raw, scores = recording
    for runs in (1, 2):
        code, events, _ = run(stream(*RAW, "--save-segments", tmp_path), raw)
        assert code == 0 and len(list(tmp_path.iterdir())) == runs * len(scores.segments())
        numbers = [
            event["file"].rpartition("stream_")[2][:4] for event in events if "file" in event
        ]
        assert int(numbers[0]) == (runs - 1) * len(scores.segments()) + 1


@pytest.mark.parametrize("command", ["stream <{wav}", "detect {wav}", "doctor", "detect --help"])
@pytest.mark.parametrize(("output", "language"), [("/dev/full", "en"), ("&-", "zh")])
def test_output_that_takes_nothing(command, output, language, environment, root, tmp_path):
    wav = tmp_path / "talk.wav"
    wav.write_bytes(wav_head(PcmFormat(16_000), 0) + bytes(3200))
    if command.startswith("stream"):
        with open_audio(root / "assets" / "audio" / "english-clean.flac") as blocks:
            talk = np.concatenate(list(blocks))[: 16_000 * 4]
        wav.write_bytes(
            wav_head(PcmFormat(16_000), 0) + np.rint(talk * 32_767).astype("<i2").tobytes()
        )
    line = f"{sys.executable} -m webui {command.format(wav=wav)} >{output}"
    changed = {**environment, "FSMN_VAD_LANGUAGE": language}
    done = subprocess.run(["bash", "-c", line], capture_output=True, encoding="utf-8", env=changed)
    said = {"en": "standard output cannot be written: No space", "zh": "无法写入标准输出（已关闭"}
    if "--help" in command and output == "&-":
        return  # nobody to help
    assert done.returncode == 1 and said[language] in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_help_in_both_languages(environment):
    def helped(language):
        command = [sys.executable, "-m", "webui", "stream", "--help"]
        changed = {**environment, "FSMN_VAD_LANGUAGE": language, "COLUMNS": "300"}
        return subprocess.run(command, capture_output=True, encoding="utf-8", env=changed).stdout

    english, chinese = helped("en"), helped("zh")
    for flag in ("--rate", "--sample-format", "--save-segments", "--min-pause-ms", "--chunk-ms"):
        assert flag in english and flag in chinese
    assert "samples a second of raw input (1000 to 384000; default: 16000)" in english
    assert "原始输入的采样率" in chinese and "管道" in chinese
