"""A stream for hours: nothing grows.

FSMN_VAD_TEST_SOAK_HOURS=24 runs the full length; by default it is half an hour of sound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from webui.bench import recording

HOURS = float(os.environ.get("FSMN_VAD_TEST_SOAK_HOURS", "0.5"))


@pytest.mark.parametrize("name", ["onnx", pytest.param("funasr", marks=pytest.mark.funasr)])
def test_neither_process_grows_after_the_first_hour(root, model_dir, tmp_path, name):
    if name == "funasr" and HOURS < 1:
        pytest.skip("torch takes long to settle; FSMN_VAD_TEST_SOAK_HOURS asks for more")
    demos = sorted((root / "assets" / "audio").glob("*.flac"))
    samples = recording.read(demos)
    path = recording.write(tmp_path / "talk.wav", samples, len(samples) / 16_000)
    run = subprocess.run(
        [sys.executable, "-m", "webui.bench.soak", name, str(HOURS), str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root), "FSMN_VAD_MODEL_DIR": str(model_dir)},
    )
    soak = json.loads(run.stdout.splitlines()[-1])
    assert soak["engine_growth_bytes"] <= 1_000_000
    assert soak["page_growth_bytes"] <= 1_000_000
    assert soak["state_bytes"] <= 64_000
    # It has heard all of it.
    seconds = len(samples) / 16_000
    assert soak["events"] > HOURS * 3600 / seconds * 4
    np.testing.assert_allclose(soak["hours"], HOURS)
