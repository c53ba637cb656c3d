"""The benchmark runs, compares like with like, and says what it measured."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from webui.bench import report
from webui.bench.run import Subject, _summary
from webui.plots.fonts import chinese_family
from webui.process_memory import peak_rss_bytes
from webui.vad.scorers import missing_package
from webui.vad.scorers.team import cores


@pytest.fixture(scope="module")
def bench(root, model_dir, tmp_path_factory):
    output = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "webui", "bench", "--hours", "0.01", "--rounds", "2"]
    command += ["--lengths", "2", "8"]
    run = subprocess.run(
        [*command, "--output", str(output)],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=900,
        env={
            **os.environ,
            "PYTHONPATH": str(root),
            "FSMN_VAD_MODEL_DIR": str(model_dir),
            "FSMN_VAD_LANGUAGE": "en",
        },
    )
    return run, output, json.loads((output / "bench.json").read_text(encoding="utf-8"))


def test_every_installed_subject_is_measured(bench):
    measured = {subject["engine"] for subject in bench[2]["subjects"]}
    everything = {"automodel", "funasr", "onnx", "onnx-int8"}
    lite = bool(missing_package("funasr"))
    assert measured == (everything - {"automodel", "funasr"} if lite else everything)


def test_subjects_take_turns_each_in_a_process_of_its_own(bench):
    measured = bench[2]
    labels = [subject["label"] for subject in measured["subjects"]]
    assert len(set(labels)) == len(labels)
    runs = [(run["round"], run["label"]) for run in measured["runs"]]
    assert runs == [(turn, label) for turn in (1, 2) for label in labels]
    processes = {run["process_id"] for run in measured["runs"]}
    assert len(processes) == len(runs)


def test_onnx_is_measured_on_one_thread_too(bench):
    threads = {
        (subject["engine"], subject["threads"])
        for subject in bench[2]["subjects"]
        if subject["engine"].startswith("onnx")
    }
    assert threads == {(name, count) for name in ("onnx", "onnx-int8") for count in (1, cores())}


def test_exact_engines_find_the_segments_of_the_first_subject(bench):
    for subject in bench[2]["subjects"]:
        assert subject["segments"] > 0
        if subject["engine"] != "onnx-int8":
            assert subject["same_segments"] == 1


def test_figures_are_whole(bench):
    _, _, measured = bench
    for subject in measured["subjects"]:
        for key in ("load_s", "total_s", "peak_rss_bytes"):
            assert 0 < subject[key]["minimum"] <= subject[key]["median"] <= subject[key]["maximum"]
    assert [row["duration_s"] for row in measured["growth"]] == [2, 8]
    for row in (*measured["growth"], measured["command_5_s"]):
        for key in ("wall_s", "peak_rss_bytes"):
            assert 0 < row[key]["minimum"] <= row[key]["median"] <= row[key]["maximum"]
    assert measured["machine"]["cores"] == cores()
    # Two processes with Python and NumPy in each.
    assert all(30e6 < held_bytes < 1e9 for held_bytes in measured["page_uss_bytes"].values())
    assert 0 < measured["int8"]["mean"] < measured["int8"]["percentile_99"] < 0.2
    assert measured["int8"]["bytes"]["int8"] < 0.6 * measured["int8"]["bytes"]["fp32"]


def test_every_kind_of_change_is_decided_again(bench):
    retuned = bench[2]["retune_1_h_s"]
    took = retuned["changes"]
    assert took[retuned["slowest"]] == retuned["maximum"] >= retuned["median"] > 0
    assert {
        "dynamic_silence=True silence_schedule_step_ms=1000",
        "split_capped=True max_single_segment_time=2000",
        "pad_end_ms=5000 clamp_to_audio=False",
        "pad_end_ms=5000 clamp_to_audio=True",
        "sil_to_speech_time_thres=20 speech_to_sil_time_thres=200",
    } <= took.keys()
    moved = {change.partition("=")[0] for change in took}
    assert {"max_end_silence_time", "speech_noise_thres", "min_pause_ms"} <= moved
    # Without effect on such talk, as are longer segments than there are.
    assert not any(change.startswith("silence_schedule") for change in took)


def test_agreement_is_that_of_the_worst_round():
    subject, reference = Subject("onnx", "onnx", 1), Subject("FunASR", "automodel", 1)
    good, bad = [[0, 1000], [2000, 3000]], [[0, 1000], [2000, 3200]]
    runs = [
        {"label": label, "round": turn, "total_s": total_s, "segments": found}
        for label, turn, total_s, found in (
            ("FunASR", 1, 4.0, good),
            ("onnx", 1, 2.0, good),
            ("FunASR", 2, 6.0, good),
            ("onnx", 2, 3.0, bad),
        )
    ]
    summary = _summary(subject, reference, runs)
    assert summary["same_segments"] == pytest.approx(1 / 3)
    assert summary["near_segments"] == 0.5
    assert summary["times_faster"] == 2
    assert summary["total_s"] == {"median": 2.5, "minimum": 2, "maximum": 3}


def test_a_child_does_not_inherit_its_parents_peak():
    ballast = np.ones(300_000_000, dtype=np.uint8)
    code = "from webui.process_memory import peak_rss_bytes; print(peak_rss_bytes())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 5_000_000 < int(run.stdout) < 100_000_000
    assert peak_rss_bytes() > ballast.nbytes


def only_onnx(measured):
    """What is measured where FunASR is not installed."""
    subjects = [s for s in measured["subjects"] if s["engine"].startswith("onnx")]
    return {**measured, "subjects": subjects}


@pytest.mark.parametrize(
    ("language", "said", "head"),
    [
        ("en", "FunASR is not installed here", "times onnx's speed"),
        ("zh", "本机未安装 FunASR", "onnx 速度的倍数"),
    ],
)
def test_the_report_says_what_it_compares_with(bench, language, said, head):
    text = report.markdown(only_onnx(bench[2]), language)
    assert said in text and head in text
    assert "./run.sh --full bench" in text and "against `onnx`" in report.markdown(
        only_onnx(bench[2])
    )
    with_funasr = {**bench[2]["subjects"][0], "engine": "automodel"}
    text = report.markdown({**bench[2], "subjects": [with_funasr]}, language)
    assert said not in text and head.replace("onnx", "FunASR") in text


def test_the_report_is_in_the_users_language(bench):
    chinese = report.markdown(bench[2], "zh")
    assert "| onnx，1 线程 |" in chinese and "峰值内存" in chinese
    # Names and units apart: no two English words stand together.
    names = r"`[^`]*`|FunASR AutoModel\.generate|file -> segments|^.*Python.*$"
    assert not re.search("[a-z]{3,} [a-z]{3,}", re.sub(names, "", chinese, flags=re.M))
    # The same figures, in the same order.
    figures = [re.findall(r"\d+\.\d+", text) for text in (chinese, report.markdown(bench[2]))]
    assert sorted(figures[0]) == sorted(figures[1])
    pictures = [io.BytesIO() for _ in range(2)]
    for language, picture in zip(("en", "zh"), pictures, strict=True):
        report.save_figure(bench[2], picture, language)
    english, chinese_picture = (picture.getvalue() for picture in pictures)
    assert english.startswith(b"\x89PNG") and chinese_picture.startswith(b"\x89PNG")
    assert (english != chinese_picture) == (chinese_family() is not None)


def test_writes_what_it_prints_and_a_figure(bench):
    run, output, _ = bench
    assert (output / "bench.md").read_text(encoding="utf-8") == run.stdout
    assert (output / "bench.png").read_bytes().startswith(b"\x89PNG")
