"""Figures: what is drawn follows the result, and the work does not grow with the duration."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui import plots
from webui.audio.peaks import Peaks
from webui.ui.picture import picture
from webui.vad.options import VadOptions
from webui.vad.scores import EngineReceipt, SpeechScores
from webui.vad.segment import EndReason, Segment


def scores(duration_s: float, file: str = "a.wav") -> SpeechScores:
    generator = np.random.default_rng(1)
    frames = round(duration_s * 100)
    probabilities = np.clip(np.sin(np.arange(frames) / 90) * 0.7 + 0.5, 0, 1).astype(np.float32)
    loud = (generator.random((frames, 1)) * 12_000 * probabilities[:, None]).astype(np.int16)
    audio: Any = SimpleNamespace(file=file, duration_ms=frames * 10)
    receipt = EngineReceipt("onnx", "m", "0" * 64, "cpu", 1, {})
    return SpeechScores(probabilities, Peaks(np.hstack([-loud, loud])), audio, receipt, {})


def svg(duration_s: float, width_px: int = 900, **options: Any) -> str:
    chosen = VadOptions(**options)
    made = scores(duration_s)
    return picture(made, made.segments(chosen), chosen, width_px=width_px, height_px=300)[0]


def test_size_of_the_picture_does_not_grow_with_the_duration() -> None:
    hour, day = svg(3600), svg(24 * 3600)
    assert len(day) < 1.3 * len(hour)


def test_picture_is_one_element_without_words_styles_or_fixed_colours() -> None:
    text = svg(30)
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg") and root.get("width") is None
    assert "<style" not in text and "<?xml" not in text
    colours = set(re.findall(r"#[0-9a-f]{6}", text))
    assert colours <= {"#000000", "#ffffff"}
    for name in ("ink", "grid", "wave", "segment", "probability", "threshold"):
        assert f"var(--vad-{name})" in text
    words = " ".join(node.text or "" for node in root.iter() if node.tag.endswith("text"))
    assert not re.search(r"[A-Za-z]{2,}", words)


def test_threshold_line_stands_at_the_probability_that_is_asked_for() -> None:
    def height(thres: float) -> float:
        line = re.search(
            r'd="M [\d.]+ ([\d.]+) \n?L[^"]*"[^>]*var\(--vad-threshold\)',
            svg(30, speech_noise_thres=thres),
        )
        assert line
        return float(line[1])

    zero, half, one = height(-1.0), height(0.0), height(1.0)
    assert zero > half > one
    assert half == pytest.approx((zero + one) / 2, abs=0.1)


def test_lanes_tell_where_the_time_axis_lies() -> None:
    made = scores(60)
    text, lanes = picture(made, [], VadOptions(), width_px=1000, height_px=300)
    assert lanes.duration_ms == 60_000
    ticks = [float(x) for x in re.findall(r'd="M ([\d.]+) [\d.]+ \n?L \1 ', text)]
    assert min(ticks) == pytest.approx(1000 * lanes.left, abs=0.01)
    assert max(ticks) == pytest.approx(1000 * lanes.right, abs=0.01)


@pytest.mark.parametrize("duration_s", [0, 0.03, 0.4, 3, 70, 5000, 3 * 3600])
@pytest.mark.parametrize("width_px", [240, 1400])
def test_every_duration_can_be_drawn(duration_s: float, width_px: int) -> None:
    root = ElementTree.fromstring(svg(duration_s, width_px))
    labels = [n.text for n in root.iter() if n.tag.endswith("text") and n.text]
    assert len(labels) >= 3


def test_thousands_of_segments_stay_readable() -> None:
    made = scores(3600)
    segments = [Segment(n * 1000, n * 1000 + 600, 0.9, EndReason.SILENCE) for n in range(3600)]
    text, _ = picture(made, segments, VadOptions(), width_px=900, height_px=300)
    few, _ = picture(made, segments[:3], VadOptions(), width_px=900, height_px=300)
    assert text.count("var(--vad-edge)") <= 2  # neither edges nor numbers, the waveform alone
    assert few.count("var(--vad-edge)") > 2
    assert len(text) < 400_000


def test_forced_ends_are_marked() -> None:
    segments = [
        Segment(0, 5000, 0.9, EndReason.MAX_LENGTH),
        Segment(5000, 8000, 0.9, EndReason.SILENCE),
    ]
    made = scores(10)
    marked, _ = picture(made, segments, VadOptions(), width_px=900, height_px=300)
    plain, _ = picture(made, segments[1:], VadOptions(), width_px=900, height_px=300)
    assert "var(--vad-cut)" in marked and "var(--vad-cut)" not in plain


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_export(language: str, suffix: str) -> None:
    made = scores(20, "录音 $x_1$ & <b>.wav")
    figure = plots.draw(made, made.segments(), VadOptions(), language=language)
    content = plots.encode(figure, suffix)
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    assert content.startswith(starts[suffix])
    if suffix == "svg":
        text = content.decode()
        assert "$x_1$" in text and "&lt;b&gt;" in text
        ElementTree.fromstring(text)


def test_same_result_same_bytes_from_any_thread() -> None:
    drawn: list[str] = []
    threads = [threading.Thread(target=lambda: drawn.append(svg(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 4 and len(set(drawn)) == 1


@given(st.floats(0.05, 100_000), st.floats(100, 3000))
def test_ticks_have_room(duration_s: float, pixels: float) -> None:
    step = plots.tick_step_s(duration_s, pixels)
    assert duration_s / step <= max(2, pixels / 84) + 1e-6 or step == 86_400


@pytest.mark.parametrize(
    ("seconds", "step", "longest", "text"),
    [
        (2.5, 0.5, 30, "2.5 s"),
        (2, 1, 30, "2 s"),
        (90, 30, 600, "1:30"),
        (59.96, 0.1, 70, "1:00.0"),
        (3750, 600, 7200, "1:02:30"),
        (0, 600, 7200, "0:00:00"),
    ],
)
def test_clock(seconds: float, step: float, longest: float, text: str) -> None:
    assert plots.clock(seconds, step, longest) == text
