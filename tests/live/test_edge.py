"""Deciding anew where the sound has been dropped that a finished segment begins in."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import numpy as np

from tests.live.test_kept import Shelf
from webui.audio.pcm import PcmFormat
from webui.live.kept import KeptAudio
from webui.live.protocol import Resume, Tune
from webui.live.result import scores_of
from webui.live.session import LiveSession, Told
from webui.vad.options import VadOptions
from webui.vad.scores import EngineReceipt
from webui.vad.stream import Scored

PCM = PcmFormat(16_000)
SECOND = 32_000


class Source:
    """Scores what its script says, a second each time."""

    def __init__(self, speech: list[bool]) -> None:
        self._speech = iter(speech)
        self.receipt = EngineReceipt("onnx", "fsmn-vad", "", "cpu", 1, {})
        self.state_bytes = 0

    def feed(self, data: bytes) -> Future[Scored]:
        answer: Future[Scored] = Future()
        rows = np.full(100, float(next(self._speech)), np.float32)
        answer.set_result(Scored(rows, np.ones((100, 2), np.int16), 0.5))
        return answer

    def finish(self) -> Future[Scored]:
        answer: Future[Scored] = Future()
        answer.set_result(Scored(np.zeros(0, np.float32), np.zeros((0, 2), np.int16), 0.0))
        return answer

    def close(self) -> None:
        pass


def spoken(tmp_path: Path, speech: str) -> tuple[LiveSession, list[Told]]:
    """A session that keeps 8 s, and what it told of so many seconds."""
    source = Source([letter == "x" for letter in speech])
    session = LiveSession(source, PCM, VadOptions(), kept=KeptAudio(Shelf(tmp_path), PCM, 8))
    told: list[Told] = []
    for _ in speech:
        step = session.feed(bytes(SECOND), 0.0)
        told += session.absorb(step, step.scored.result())
    session.close()  # the files
    return session, told


def test_segment_across_the_edge_stays(tmp_path: Path) -> None:
    # Of 19 s, the first 11 are gone; the segment begins in the 6th and ends in the 13th.
    session, told = spoken(tmp_path, ".....xxxxxxx..x....")
    across, _ = (m for m in told if m["type"] == "speech_end")
    edge_ms = session.kept.from_s * 1000 if session.kept else 0
    assert across["start_ms"] < edge_ms < across["end_ms"]
    for past in (True, True):
        tuned = session.tune(Tune(VadOptions(max_end_silence_time=500, pad_start_ms=3000), past))
        assert across["end_ms"] <= tuned["from_ms"] < across["end_ms"] + 10
        [again] = tuned["segments"]
        assert across["end_ms"] <= again["start_ms"] < again["end_ms"]
    # Whoever comes back replaces all from here on: the one across must be told once.
    *_, missed = session.missed(Resume("s", "k", events=0))
    assert [s["start_ms"] for s in missed["segments"]] == [across["start_ms"], again["start_ms"]]
    assert missed["from_ms"] == across["start_ms"]
    assert session.end()["segments"] == 2


def test_real_time_factor_is_that_of_the_session(tmp_path: Path) -> None:
    session, _ = spoken(tmp_path, "x" * 20)
    scores = scores_of(session, "live.wav", is_whole=True)
    assert scores is not None and scores.duration_ms < 9000
    factor = scores.timings_s["total"] * 1000 / scores.duration_ms
    np.testing.assert_allclose(factor, 0.5, rtol=1e-6)
