"""The demo recordings hold what their README and reference say."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from tests.audio.recordings import RATE_HZ, Samples, read

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "audio"
NAMES = sorted(path.stem for path in FOLDER.glob("*.flac"))


def turns() -> dict[str, list[tuple[float, float, str]]]:
    """Start and end in seconds and language of each utterance, by recording."""
    found = defaultdict(list)
    for line in (FOLDER / "reference.rttm").read_text(encoding="utf-8").splitlines():
        _, name, _, start, duration, _, _, language, _, _ = line.split()
        found[name].append((float(start), float(start) + float(duration), language))
    return found


def level(samples: Samples, start_s: float, end_s: float) -> float:
    piece = samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
    return float(np.sqrt(np.mean(np.square(piece, dtype=np.float64))))


def test_there_are_recordings_each_with_a_reference() -> None:
    assert len(NAMES) == 6
    assert set(NAMES) == set(turns())
    assert sum(path.stat().st_size for path in FOLDER.glob("*.flac")) < 3_000_000


@pytest.mark.parametrize("name", NAMES)
def test_speech_stands_where_the_reference_says(name: str) -> None:
    samples, report = read(FOLDER / f"{name}.flac")
    assert 10_000 < report.duration_ms < 40_000
    silence_starts_s = 0.0
    # The bands that the telephone cuts off ring for a moment around speech.
    margin_s = 0.05
    ratio = 1.4 if name.endswith("noisy") else 20
    for start_s, end_s, _ in turns()[name]:
        silence = level(samples, silence_starts_s + margin_s, start_s - margin_s)
        assert level(samples, start_s, end_s) > ratio * silence
        silence_starts_s = end_s


def test_the_telephone_has_each_voice_in_its_own_channel() -> None:
    path = FOLDER / "two-voices-telephone.flac"
    left, report = read(path, "left")
    right = read(path, "right")[0]
    assert (report.sample_rate_hz, report.channels) == (8_000, 2)
    for start_s, end_s, language in turns()[path.stem]:
        ratio = level(left, start_s, end_s) / level(right, start_s, end_s)
        assert ratio > 20 if language == "en" else ratio < 1 / 20
