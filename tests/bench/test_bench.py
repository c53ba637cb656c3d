"""The benchmark runs, compares like with like, and says what it measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from webui.vad.scorers import missing_package


@pytest.fixture(scope="module")
def bench(root, model_dir, tmp_path_factory):
    output = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "webui", "bench", "--hours", "0.01", "--rounds", "1"]
    run = subprocess.run(
        [*command, "--output", str(output)],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=300,
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
    assert [row["duration_s"] for row in measured["growth"]] == [1, 6, 36, 108]
    assert measured["machine"]["cores"] == os.cpu_count()
    # Two processes with Python and NumPy in each.
    assert all(30e6 < held_bytes < 1e9 for held_bytes in measured["page_uss_bytes"].values())
    assert 0 < measured["int8"]["mean"] < measured["int8"]["percentile_99"] < 0.2
    assert measured["int8"]["bytes"]["int8"] < 0.6 * measured["int8"]["bytes"]["fp32"]


def test_writes_what_it_prints_and_a_figure(bench):
    run, output, _ = bench
    assert (output / "bench.md").read_text(encoding="utf-8") == run.stdout
    assert (output / "bench.png").read_bytes().startswith(b"\x89PNG")
