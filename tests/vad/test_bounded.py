"""What a stream keeps does not grow with its length, whichever engine scores it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from webui.audio import SAMPLE_RATE_HZ
from webui.vad.scorers import load_scorer

BLOCK_S = 10
BLOCKS = 10 * 60 // BLOCK_S


@pytest.mark.parametrize("engine", ["onnx", pytest.param("funasr", marks=pytest.mark.funasr)])
def test_ten_minutes_leave_the_state_as_large_as_seconds(engine, model_dir, tmp_path):
    scorer = load_scorer(engine, model_dir, prepared_directory=tmp_path)
    random = np.random.default_rng(5)
    state, frames, sizes_bytes = scorer.start(), 0, []
    for _ in range(BLOCKS):
        block = random.standard_normal(BLOCK_S * SAMPLE_RATE_HZ).astype(np.float32) * 0.1
        state, probabilities = scorer.feed(state, block)
        frames += len(probabilities)
        sizes_bytes.append(len(pickle.dumps(state)))
    # The first block has no past; from then on every block leaves as much.
    assert len(set(sizes_bytes[1:])) == 1
    # What four layers of 128 floats look back, and less than 100 ms of samples.
    assert sizes_bytes[-1] < 4 * 19 * 128 * 4 + 10_000
    assert frames + len(scorer.finish(state)) == 10 * 60 * 100 - 2
