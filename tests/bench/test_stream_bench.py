"""The benchmark of live streams runs, compares like with like, and says what it measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from webui.bench import stream_report
from webui.bench.streaming import most_streams
from webui.vad.scorers import missing_package

BENCH = ["bench", "--stream", "--hours", "0.01", "--rounds", "1", "--streams", "3"]
CHUNKS_MS = ("60", "200", "600")


def command(root, model_dir, *arguments, language="en"):
    return subprocess.run(
        [sys.executable, "-m", "webui", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=900,
        env={
            **os.environ,
            "PYTHONPATH": str(root),
            "FSMN_VAD_MODEL_DIR": str(model_dir),
            "FSMN_VAD_LANGUAGE": language,
        },
    )


@pytest.fixture(scope="module")
def bench(root, model_dir, tmp_path_factory):
    output = tmp_path_factory.mktemp("bench")
    run = command(root, model_dir, *BENCH, "--seconds", "1", "--output", output)
    assert run.returncode == 0, run.stderr
    return run, output, json.loads((output / "bench-stream.json").read_text(encoding="utf-8"))


def test_every_installed_subject_is_measured_in_a_process_of_its_own(bench):
    measured = bench[2]
    everything = ["automodel", "funasr", "onnx", "onnx-int8"]
    wanted = everything[2:] if missing_package("funasr") else everything
    assert [subject["engine"] for subject in measured["subjects"]] == wanted
    assert len({run["process_id"] for run in measured["runs"]}) == len(wanted)


def test_exact_engines_tell_the_events_of_the_first_subject(bench):
    for subject in bench[2]["subjects"]:
        assert tuple(subject["chunks"]) == CHUNKS_MS
        for row in subject["chunks"].values():
            assert row["events"] >= 10 and row["events"] % 2 == 0
            assert row["same_events"] or subject["engine"] == "onnx-int8"
            assert 0 < row["chunk_s"]["minimum"] <= row["chunk_s"]["median"]


def test_larger_chunks_are_told_later_and_never_before_they_can_be(bench):
    for subject in bench[2]["subjects"]:
        for edge in ("start", "end"):
            delays = [subject["chunks"][ms][f"speech_{edge}_delay_ms"] for ms in CHUNKS_MS]
            medians = [delay["median"] for delay in delays]
            assert medians == sorted(medians)
            assert all(delay["median"] <= delay["maximum"] for delay in delays)
    # A start is moved back by 400 ms, and more than half a second of silence ends a segment.
    small = bench[2]["subjects"][0]["chunks"]["60"]
    assert 400 <= small["speech_start_delay_ms"]["median"] <= 600
    assert 550 <= small["speech_end_delay_ms"]["median"] <= 700


def test_a_stream_needs_little(bench):
    for subject in bench[2]["subjects"]:
        sizes = subject["state_bytes"]
        assert bool(sizes) == (subject["engine"] != "automodel")
        assert all(10_000 < size <= 64_000 for size in sizes.values())
    soak = bench[2]["soak"]
    assert soak["hours"] == 0.01 and soak["first_h"] == 0.005
    assert soak["events"] > 10
    assert soak["engine_swing_bytes"] >= abs(soak["engine_growth_bytes"])
    assert soak["page_swing_bytes"] >= abs(soak["page_growth_bytes"])
    assert 10e6 < soak["engine_bytes"] < 1e9 and 10e6 < soak["page_bytes"] < 1e9


def test_streams_at_once_begin_with_one(bench):
    rows = bench[2]["crowd"]["streams"]
    assert [row["count"] for row in rows] == [1, 3]
    for row in rows:
        assert 0 < row["median_s"] <= row["percentile_95_s"] <= row["maximum_s"]
        assert row["processors"] > 0
    assert bench[2]["crowd"]["most"] in (1, 3)


def test_the_most_is_the_last_before_the_delay_doubles():
    def row(count, percentile_95_s):
        return {"count": count, "percentile_95_s": percentile_95_s}

    assert most_streams([row(1, 0.002), row(100, 0.004), row(200, 0.0041)]) == 100
    # What comes after does not count, however quick.
    assert most_streams([row(1, 0.002), row(100, 0.005), row(200, 0.001)]) == 1


def test_the_report_is_what_is_printed_in_the_users_language(bench):
    run, output, measured = bench
    assert (output / "bench-stream.md").read_text(encoding="utf-8") == run.stdout
    assert run.stdout == stream_report.markdown(measured)
    chinese = stream_report.markdown(measured, "zh")
    # Names and units apart: no two English words stand together.
    names = r"FunASR generate\(cache=\.\.\.\)|Hz x|`[^`]*`|^.*Python.*$"
    assert not re.search("[a-z]{3,} [a-z]{3,}", re.sub(names, "", chinese, flags=re.M))
    figures = [re.findall(r"\d+\.\d+", text) for text in (chinese, run.stdout)]
    assert sorted(figures[0]) == sorted(figures[1])


@pytest.mark.parametrize(
    ("option", "value", "span"),
    [
        ("--hours", "0", "0.01 to 1000"),
        ("--streams", "0", "1 to 10000"),
        ("--seconds", "nan", "1 to 600"),
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_is_measured(
    root, model_dir, option, value, span
):
    english, chinese = (
        command(root, model_dir, "bench", "--stream", option, value, language=language)
        for language in ("en", "zh")
    )
    assert english.returncode == chinese.returncode == 2
    assert english.stderr == f"fsmn-vad: {option}: {value} is outside {span}.\n"
    assert "超出范围" in chinese.stderr and english.stdout == chinese.stdout == ""
