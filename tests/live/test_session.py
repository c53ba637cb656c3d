"""One stream's decisions and what is kept of it, without a connection or an engine."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.live.test_kept import Shelf
from webui.audio.pcm import PcmFormat
from webui.live.kept import KeptAudio
from webui.live.protocol import Resume
from webui.live.result import scores_of, source_frames
from webui.live.session import LiveSession, Step
from webui.vad.options import VadOptions
from webui.vad.scores import EngineReceipt
from webui.vad.stream import Scored

PCM = PcmFormat(16_000)
RECEIPT = EngineReceipt("onnx", "fsmn-vad", "0" * 64, "cpu", 1, {})


class Source:
    receipt = RECEIPT
    state_bytes = 0

    def feed(self, data: bytes) -> Future[Scored]:
        return Future()

    finish = close = None


def session_of(directory: Path | None = None, **given: Any) -> LiveSession:
    kept = None if directory is None else KeptAudio(Shelf(directory), PCM, most_s=10)
    source: Any = Source()
    return LiveSession(source, PCM, VadOptions(), kept=kept, **given)


def fed(session: LiveSession, seconds: int) -> Step:
    return session.feed(b"\0" * PCM.bytes_per_s * seconds, 0.0)


def scored(frames: int, speech: float = 0.0) -> Scored:
    peaks = np.arange(2 * frames, dtype=np.int16).reshape(-1, 2)
    return Scored(np.full(frames, speech, np.float32), peaks)


def test_result_of_a_failure_begins_where_its_sound_does(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    first = fed(session, 8)
    session.absorb(first, scored(800))
    fed(session, 6)  # pushes out what is scored; no answer ever comes
    assert session.kept is not None and session.kept.from_s == 4
    scores = scores_of(session, "talk.wav", is_whole=False)
    assert scores is not None
    assert len(scores.probabilities) == len(scores.peaks) == 400
    assert scores.peaks.values[0, 0] == 800
    assert source_frames(session, scores) == scores.audio.samples
    session.kept.close()


def test_failure_of_which_nothing_scored_is_kept_has_no_result(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    session.absorb(fed(session, 2), scored(200))
    fed(session, 12)
    assert session.kept is not None and session.kept.from_s > 2
    assert scores_of(session, "talk.wav", is_whole=False) is None
    session.kept.close()


def test_last_events_were_not_possible_after_the_end() -> None:
    kinds = []
    # At some of these lengths it is the very last frame that tells.
    for speech in range(10, 40):
        session = session_of()
        session.absorb(fed(session, 1), scored(98 - speech))
        told = session.finish(Step(Future(), session.received_bytes, 0.0), scored(speech, 1.0))
        kinds += [each["type"] for each in told]
        assert all(each["possible_ms"] <= 1000 for each in told), speech
    assert kinds.count("speech_start") == kinds.count("speech_end") > 10


@pytest.mark.parametrize("from_frame", [0, 1234])
def test_missed_frames_are_those_of_the_moment_of_the_question(from_frame: int) -> None:
    session = session_of(with_frames=True)
    session.absorb(fed(session, 70), scored(6998))
    missed = session.missed(Resume("stream", "key", None, from_frame))
    session.absorb(fed(session, 70), scored(7000, 1.0))
    told = list(missed)
    assert [each["first"] for each in told] == list(range(from_frame, 6998, 6000))
    assert [value for each in told for value in each["speech"]] == [0.0] * (6998 - from_frame)
    peaks = np.array([value for each in told for value in each["peaks"]])
    np.testing.assert_array_equal(peaks, np.arange(2 * from_frame, 2 * 6998))
