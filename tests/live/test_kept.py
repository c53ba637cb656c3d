"""Sound on disk: bounded, in whole seconds, byte by byte what was sent."""

from __future__ import annotations

import itertools
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.audio.pcm import PcmFormat
from webui.live.kept import KeptAudio, read_spans
from webui.live.rolling import Rolling

RATE_HZ = 1000
PCM = PcmFormat(RATE_HZ)  # 2000 bytes a second


class Shelf:
    def __init__(self, directory: Path, most_bytes: int = 10**9) -> None:
        self.path = directory / "whole.wav"
        self.size_bytes = 0
        self.most_bytes = most_bytes

    def grow(self, more_bytes: int) -> bool:
        if more_bytes > 0 and self.size_bytes + more_bytes > self.most_bytes:
            return False
        self.size_bytes += more_bytes
        return True

    def on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.path.parent.iterdir())


def sound(seconds: float) -> bytes:
    return np.random.default_rng(1).bytes(round(seconds * PCM.bytes_per_s))


def fed(kept: KeptAudio, data: bytes, sizes: tuple[int, ...] = (1, 333, 4000, 777)) -> None:
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            return
        kept.append(data[at : at + size])
        at += size


def read(kept: KeptAudio, first: int, end: int) -> bytes | None:
    spans = kept.spans(first, end)
    return None if spans is None else b"".join(read_spans(spans))


def test_oldest_goes_in_whole_seconds(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept = KeptAudio(shelf, PCM, most_s=5)
    data = sound(23.4)
    for at in range(0, len(data), 700):
        kept.append(data[at : at + 700])
        assert kept.size_bytes == shelf.size_bytes == shelf.on_disk() <= 5 * PCM.bytes_per_s
        first = kept.from_s * PCM.bytes_per_s
        assert min(at + 700, len(data)) - first == kept.size_bytes
    assert kept.from_s == 19
    assert read(kept, 19 * 2000, len(data)) == data[19 * 2000 :]
    assert read(kept, 40_001, 40_003) == data[40_001:40_002]  # whole samples
    assert read(kept, 19 * 2000 - 2, 19 * 2000 + 2) is None
    assert read(kept, len(data) - 10, len(data) + 10) == data[-10:]
    assert read(kept, len(data), len(data) + 10) is None
    kept.close()


def test_recording_is_made_of_what_is_left(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept = KeptAudio(shelf, PCM, most_s=3)
    data = sound(7.5) + b"x"
    fed(kept, data)
    from_s = kept.from_s
    frames = (len(data) - from_s * 2000) // 2
    kept.collect(frames)
    with wave.open(str(shelf.path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (1000, 1, 2)
        assert file.readframes(frames + 1) == data[from_s * 2000 : -1]
    assert shelf.on_disk() == shelf.size_bytes == shelf.path.stat().st_size
    kept.close()


def test_no_room_at_all_keeps_nothing_and_goes_on_when_there_is_some(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, most_bytes=3000)
    kept = KeptAudio(shelf, PCM, most_s=600)  # in pieces of a minute
    data = sound(130)
    kept.append(data[:2000])
    assert kept.from_s == 0 and kept.size_bytes == 2000
    kept.append(data[2000:4000])
    assert kept.from_s == 60 and kept.size_bytes == shelf.size_bytes == shelf.on_disk() == 0
    kept.append(data[4000 : 60 * 2000])
    assert shelf.on_disk() == 0
    shelf.most_bytes = 10**9
    kept.append(data[60 * 2000 :])
    assert kept.from_s == 60
    assert read(kept, 60 * 2000, len(data)) == data[60 * 2000 :]
    kept.close()


def test_who_asks_for_the_size_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    asked: list[int] = []

    class Slow(Shelf):
        def grow(self, more_bytes: int) -> bool:
            # Meanwhile somebody else asks.
            asker = threading.Thread(target=lambda: asked.append(kept.size_bytes), daemon=True)
            asker.start()
            asker.join(10)
            return super().grow(more_bytes)

    kept = KeptAudio(Slow(tmp_path), PCM, most_s=10)
    kept.append(sound(0.5))
    kept.append(sound(0.5))
    assert asked == [0, 1000]
    kept.close()


def test_full_disk_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path / "missing")
    kept = KeptAudio(shelf, PCM, most_s=10)
    kept.append(sound(0.5))
    assert kept.from_s == 1 and shelf.size_bytes == 0
    shelf.path.parent.mkdir()
    kept.append(sound(1))
    assert kept.size_bytes == 1000
    kept.close()


@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 1500)), max_size=12),
    st.integers(0, 50),
)
def test_rolling_is_a_list_whose_head_was_cut(
    steps: list[tuple[int, int]], before_first: int
) -> None:
    rolling = Rolling(np.zeros((0, 2), np.int16))
    rows = np.zeros((0, 2), np.int16)
    first = 0
    for count, drop_before in steps:
        fresh = np.arange(count * 2, dtype=np.int16).reshape(-1, 2) + len(rows)
        rolling.append(fresh)
        rows = np.concatenate((rows, fresh))
        rolling.drop_before(drop_before)
        first = max(first, min(drop_before, len(rows)))
        assert (rolling.first, rolling.end) == (first, len(rows))
        np.testing.assert_array_equal(rolling.since(0), rows[first:])
        later = first + before_first
        np.testing.assert_array_equal(rolling.since(later), rows[later:])


def test_rolling_does_not_grow_for_ever() -> None:
    rolling = Rolling(np.zeros(0, np.float32))
    for number in range(20_000):
        rolling.append(np.full(20, number, np.float32))
        rolling.drop_before(rolling.end - 1000)
        assert rolling.size_bytes < 8000
