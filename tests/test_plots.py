"""Figures: what is drawn follows the result, and the work does not grow with the duration."""

from __future__ import annotations

import json
import re
import threading
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from webui.audio.peaks import Peaks
from webui.audio.report import AudioReport, Channel
from webui.formats import Outcome, Result
from webui.plots import figure as plots
from webui.vad.edited import Edits
from webui.vad.options import VadOptions
from webui.vad.scores import EngineReceipt, SpeechScores
from webui.vad.segment import EndReason, Segment

PALETTE = plots.PRINT
AXIS = json.loads((ROOT / "tests" / "golden" / "axis.json").read_text(encoding="utf-8"))["cases"]


def scores(duration_s: float, file: str = "a.wav", channel: Channel = "mix") -> SpeechScores:
    generator = np.random.default_rng(1)
    frames = round(duration_s * 100)
    shift = 140 if channel == "right" else 0
    wave = np.sin((np.arange(frames) + shift) / 90)
    probabilities = np.clip(wave * 0.7 + 0.5, 0, 1).astype(np.float32)
    loud = (generator.random((frames, 1)) * 12_000 * probabilities[:, None]).astype(np.int16)
    audio = AudioReport(
        *(file, "wav", "pcm_s16le", 16_000, 2, channel, "s16", frames * 10, frames * 160)
    )
    receipt = EngineReceipt("onnx", "m", "0" * 64, "cpu", 1, {})
    return SpeechScores(probabilities, Peaks(np.hstack([-loud, loud])), audio, receipt, {})


def outcome(duration_s: float, channels: tuple[Channel, ...] = ("mix",), **options: Any) -> Outcome:
    tracks = [scores(duration_s, channel=channel) for channel in channels]
    return Outcome.of(tracks, VadOptions(**options))


def svg(drawn: Outcome, **choices: Any) -> str:
    return plots.encode(plots.draw(drawn, **choices), "svg").decode()


def of_segments(duration_s: float, segments: list[Segment]) -> Outcome:
    return Outcome((Result(scores(duration_s), VadOptions(), tuple(segments)),))


def marks(text: str, colour: str) -> int:
    """How many shapes of the figure have a colour, the words and the legend left out."""
    tree = ElementTree.fromstring(text)
    shapes = [n for n in tree.iter() if n.tag.endswith(("path", "use"))]
    return sum(colour in node.get("style", "") for node in shapes)


def words(text: str) -> list[str]:
    return [n.text or "" for n in ElementTree.fromstring(text).iter() if n.tag.endswith("text")]


@pytest.mark.parametrize("channels", [("mix",), ("left", "right")])
def test_size_does_not_grow_with_the_duration(channels: tuple[Channel, ...]) -> None:
    hour, day = svg(outcome(3600, channels)), svg(outcome(24 * 3600, channels))
    assert len(day) < 1.3 * len(hour)


def test_threshold_line_stands_at_the_probability_that_is_asked_for() -> None:
    def height(thres: float) -> float:
        line = re.search(
            rf'd="M [\d.]+ ([\d.]+) \n?L[^"]*"[^>]*{PALETTE.threshold}',
            svg(outcome(30, speech_noise_thres=thres)),
        )
        assert line
        return float(line[1])

    zero, half, one = height(-1.0), height(0.0), height(1.0)
    assert zero > half > one
    assert half == pytest.approx((zero + one) / 2, abs=0.1)


@pytest.mark.parametrize("channels", [("mix",), ("left", "right")])
def test_lanes_share_one_time_axis(channels: tuple[Channel, ...]) -> None:
    text = svg(outcome(60, channels), width_px=1000)
    ticks = [float(x) for x in re.findall(r'd="M ([\d.]+) [\d.]+ \n?L \1 ', text)]
    assert min(ticks) == pytest.approx(plots.LEFT_PX, abs=0.01)
    assert max(ticks) == pytest.approx(1000 - plots.RIGHT_PX, abs=0.01)
    assert words(text).count("0:30") == 1  # written below the lowest lane, once


@pytest.mark.parametrize("duration_s", [0, 0.03, 0.4, 3, 70, 5000, 3 * 3600])
@pytest.mark.parametrize("width_px", [240, 1400])
@pytest.mark.parametrize("channels", [("mix",), ("left", "right")])
def test_every_duration_can_be_drawn(
    duration_s: float, width_px: int, channels: tuple[Channel, ...]
) -> None:
    assert len(words(svg(outcome(duration_s, channels), width_px=width_px))) >= 3


def test_thousands_of_segments_stay_readable() -> None:
    segments = [Segment(n * 1000, n * 1000 + 600, 0.9, EndReason.SILENCE) for n in range(3600)]
    many, few = svg(of_segments(3600, segments)), svg(of_segments(3600, segments[:3]))
    assert marks(many, PALETTE.edge) == 1  # neither edges nor numbers, the waveform alone
    assert marks(few, PALETTE.edge) > 2
    assert len(many) < 500_000


def test_forced_ends_are_marked() -> None:
    segments = [
        Segment(0, 5000, 0.9, EndReason.MAX_LENGTH),
        Segment(5000, 8000, 0.9, EndReason.SILENCE),
    ]
    cut, uncut = svg(of_segments(10, segments)), svg(of_segments(10, segments[1:]))
    assert marks(cut, PALETTE.cut) and "cut at the longest length" in words(cut)
    assert not marks(uncut, PALETTE.cut) and "cut at the longest length" not in words(uncut)


def test_each_channel_has_its_lanes_and_overlap_goes_through_all() -> None:
    apart = outcome(60, ("left", "right"))
    assert apart.overlap
    both = svg(apart)
    assert {"left", "right", "both speak"} <= set(words(both))
    # A waveform outside and within speech, a line of probabilities and a threshold for each.
    for colour in (PALETTE.wave, PALETTE.threshold):
        assert marks(both, colour) == 2
    assert marks(both, PALETTE.overlap) == 4
    left, right = apart.results
    in_turn = (
        replace(left, segments=left.segments[:1]),
        replace(right, segments=right.segments[-1:]),
    )
    alone = svg(Outcome(in_turn))
    assert marks(alone, PALETTE.overlap) == 0 and "both speak" not in words(alone)
    one = svg(outcome(60))
    assert not {"left", "right"} & set(words(one)) and marks(one, PALETTE.wave) == 1


def test_lanes_of_tracks_do_not_meet() -> None:
    figure = plots.draw(outcome(60, ("left", "right")))
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 4
    for upper, lower in pairwise(boxes):
        assert upper.y0 > lower.y1
    assert boxes[0].height == pytest.approx(boxes[2].height, abs=0.01)


def test_regions_by_hand_are_marked() -> None:
    made = scores(60)
    detected = made.segments()
    spans = [[10, 100], *([s.start_ms, s.end_ms] for s in detected)]
    edits = Edits.of(spans, VadOptions(), made)
    text = svg(Outcome.of([made], VadOptions(), {"mix": edits}))
    assert marks(text, PALETTE.by_hand) == 2 and "by hand" in words(text)
    text = svg(Outcome.of([made], VadOptions()))
    assert marks(text, PALETTE.by_hand) == 0 and "by hand" not in words(text)


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("en", "threshold left 80%, right 60%"),
        ("zh", "阈值 左声道 80%、右声道 60%"),
    ],
)
def test_the_legend_names_the_threshold_of_each_channel(language: str, wanted: str) -> None:
    tracks = [scores(60, channel=channel) for channel in ("left", "right")]
    edits = Edits.of([[10, 100]], VadOptions(), tracks[0])
    now = VadOptions(speech_noise_thres=0.2)
    if plots.chinese_family() is None:
        language, wanted = "en", "threshold left 80%, right 60%"
    told = words(svg(Outcome.of(tracks, now, {"left": edits}), language=language))
    assert wanted in told
    # Other options may differ and the thresholds be alike.
    alike = replace(VadOptions(), max_end_silence_time=300)
    told = words(svg(Outcome.of(tracks, alike, {"left": edits})))
    assert "threshold 80%" in told


@pytest.mark.parametrize("channels", [("mix",), ("left", "right")])
def test_a_has_a_lane_beside_each_track(channels: tuple[Channel, ...]) -> None:
    now, kept = outcome(60, channels), outcome(60, channels, speech_noise_thres=0.2)
    text = svg(now, kept=kept)
    # The shade of its segments, and their edges.
    assert marks(text, PALETTE.kept) >= 2 * len(channels)
    assert words(text).count("A") == len(channels) and "segments of A" in words(text)
    alone = svg(now)
    assert marks(alone, PALETTE.kept) == 0 and not {"A", "segments of A"} & set(words(alone))
    boxes = [axes.get_position() for axes in plots.draw(now, kept=kept).axes]
    assert len(boxes) == 3 * len(channels)
    for upper, lower in pairwise(boxes):
        assert upper.y0 > lower.y1


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
@pytest.mark.parametrize("channels", [("mix",), ("left", "right")])
def test_export(language: str, suffix: str, channels: tuple[Channel, ...]) -> None:
    tracks = [scores(20, "录音 $x_1$ & <b>.wav", channel) for channel in channels]
    figure = plots.draw(Outcome.of(tracks, VadOptions()), language=language)
    content = plots.encode(figure, suffix)
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    assert content.startswith(starts[suffix])
    if suffix == "svg":
        text = content.decode()
        assert "$x_1$" in text and "&lt;b&gt;" in text
        ElementTree.fromstring(text)


def test_same_result_same_bytes_from_any_thread() -> None:
    drawn: list[str] = []
    threads = [threading.Thread(target=lambda: drawn.append(svg(outcome(20)))) for _ in range(4)]
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


@pytest.mark.parametrize("case", AXIS)
def test_ticks_are_named_as_in_the_view(case: dict[str, Any]) -> None:
    shown_s = (case["end_ms"] - case["start_ms"]) / 1000
    step_s = plots.tick_step_s(shown_s, case["width_px"])
    assert step_s == case["step_s"]
    longest_s = case["duration_ms"] / 1000
    for ms, label in case["ticks"]:
        assert plots.clock(ms / 1000, step_s, longest_s) == label


@pytest.mark.parametrize(
    "case",
    [case for case in AXIS if (case["start_ms"], case["end_ms"]) == (0, case["duration_ms"])],
)
def test_the_figure_has_the_ticks_of_the_whole_view(case: dict[str, Any]) -> None:
    drawn = outcome(0.05)
    audio = replace(drawn.audio, duration_ms=case["duration_ms"])
    result = replace(drawn.results[0], scores=replace(drawn.results[0].scores, audio=audio))
    figure = plots.draw(
        Outcome((result,)), width_px=case["width_px"] + plots.LEFT_PX + plots.RIGHT_PX
    )
    lowest = figure.axes[-1]
    ticks = [round(tick * 1000, 6) for tick in lowest.get_xticks()]
    labels = [label.get_text() for label in lowest.get_xticklabels()]
    assert ticks == [ms for ms, _ in case["ticks"]]
    # A label at the very end would be cut off, and is left out.
    inside = [label for ms, label in case["ticks"] if ms < case["end_ms"]]
    assert labels in (inside, inside[:-1])
