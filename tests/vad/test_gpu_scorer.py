"""The funasr engine on a GPU. None is here, so the card is played; the network is the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from webui.engine import worker
from webui.engine.gpu import GpuMeter
from webui.engine.messages import Score
from webui.guard import Guard
from webui.memory_errors import MemoryExceededError
from webui.settings import Settings
from webui.vad import Detector
from webui.vad.fbank import BLOCK_FRAMES

pytestmark = pytest.mark.funasr
GB = 1_000_000_000
CARD = "cuda:0"


class Card:
    """A card: its memory, and the encoder that computes on it."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self.free_bytes, self.total_bytes = 6 * GB, 8 * GB
        self.most_frames = 1_000_000
        self.asked_for, self.device = "", CARD
        self.frames: list[int] = []
        self.kinds: set[Any] = set()
        self.cleared = 0
        self.encoder: Any = None

    # As torch.cuda has them.

    def mem_get_info(self, device: str) -> tuple[int, int]:
        assert device == CARD
        return self.free_bytes, self.total_bytes

    def empty_cache(self) -> None:
        self.cleared += 1

    # As FunASR's encoder has them.

    def parameters(self) -> Iterator[Any]:
        yield SimpleNamespace(device=self.device)

    @property
    def fsmn(self) -> Any:
        return self.encoder.fsmn

    def half(self) -> None:
        self.encoder.half()

    def __call__(self, batch: Any, cache: dict[str, Any]) -> Any:
        self.frames.append(batch.shape[1])
        self.kinds |= {batch.dtype, *(tensor.dtype for tensor in cache.values())}
        assert cache, "FunASR would fill in zeros of full precision"
        if batch.shape[1] > self.most_frames:
            raise self._torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.encoder(batch, cache=cache)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    import funasr
    import torch

    card = Card(torch)
    real_model, real_to = funasr.AutoModel, torch.Tensor.to

    def model(*, device: str, **given: Any) -> Any:
        card.asked_for = device
        session = real_model(device="cpu", **given)
        card.encoder, session.model.encoder = session.model.encoder, None
        return SimpleNamespace(
            kwargs=session.kwargs, model=SimpleNamespace(encoder=card), session=session
        )

    def to(tensor: Any, *given: Any, **named: Any) -> Any:
        return tensor if given[:1] == (card.device,) else real_to(tensor, *given, **named)

    monkeypatch.setattr(funasr, "AutoModel", model)
    monkeypatch.setattr(torch.Tensor, "to", to)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", card.mem_get_info)
    monkeypatch.setattr(torch.cuda, "empty_cache", card.empty_cache)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    return card


@pytest.fixture
def load(model_dir: Path) -> Callable[..., Detector]:
    def load(device: str = "auto", precision: str = "fp32", threads: int = 2) -> Detector:
        return Detector(
            "funasr",
            model_directory=model_dir,
            device=device,
            precision=precision,
            threads=threads,
        )

    return load


@pytest.fixture
def sound(root: Path) -> Path:
    return root / "assets/audio/english-clean.flac"


def test_auto_takes_the_card_and_the_scores_are_the_cpus(
    card: Card, load: Callable[..., Detector], sound: Path, model_dir: Path
) -> None:
    import torch

    detector = load()
    assert (card.asked_for, detector.receipt.device) == ("cuda:0", CARD)
    scores = detector.score(sound)
    assert card.kinds == {torch.float32}
    light = Detector("onnx", model_directory=model_dir).score(sound)
    np.testing.assert_allclose(scores.probabilities, light.probabilities, atol=1e-4)
    assert scores.segments() == light.segments()


def test_calls_are_as_long_as_the_cards_free_memory_allows(
    card: Card, load: Callable[..., Detector], sound: Path
) -> None:
    card.free_bytes = 30_000_000
    detector = load(threads=1)
    card.frames.clear()
    whole = detector.score(sound)
    assert max(card.frames) == 2 * BLOCK_FRAMES  # 15 MB, of 32 kB each
    card.free_bytes = 1_000_000
    narrow = load(threads=1)
    card.frames.clear()
    np.testing.assert_allclose(narrow.score(sound).probabilities, whole.probabilities, atol=1e-5)
    assert max(card.frames) == BLOCK_FRAMES
    # More threads share the same memory.
    card.free_bytes = 30_000_000
    assert load(threads=2)._scorer._call_frames == BLOCK_FRAMES  # type: ignore[attr-defined]


def test_half_precision_computes_in_halves_and_gives_floats(
    card: Card, load: Callable[..., Detector], sound: Path
) -> None:
    import torch

    exact = load().score(sound)
    card.kinds.clear()
    detector = load(precision="fp16")
    scores = detector.score(sound)
    assert card.kinds == {torch.float16}
    assert scores.probabilities.dtype == np.float32
    assert np.isfinite(scores.probabilities).all()
    # Halves have eleven bits; boundaries may move by a frame or two.
    assert np.abs(scores.probabilities - exact.probabilities).mean() < 0.005
    assert len(scores.segments()) == len(exact.segments())
    for one, other in zip(scores.segments(), exact.segments(), strict=True):
        assert abs(one.start_ms - other.start_ms) <= 50 and abs(one.end_ms - other.end_ms) <= 50
    # What is kept of a stream is in floats, whatever computes.
    state, _ = detector._scorer.feed(detector._scorer.start(), np.zeros(16_000, np.float32))
    assert {array.dtype for array in state.past.values()} == {np.dtype(np.float32)}


def test_half_precision_is_for_gpus_alone(load: Callable[..., Detector]) -> None:
    scorer: Any = load("cpu", "fp16")._scorer
    assert not scorer._is_half and scorer.device == "cpu"


def test_an_apple_gpu_is_taken_where_there_is_no_cuda(
    card: Card, load: Callable[..., Detector], sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    card.device = "mps:0"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 50_000_000)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 20_000_000)
    detector = load(threads=1)
    assert (card.asked_for, detector.receipt.device) == ("mps", "mps:0")
    card.frames.clear()
    assert len(detector.score(sound).segments()) == 4
    assert max(card.frames) == 2 * BLOCK_FRAMES


class Pipe:
    """Nobody says stop, and nobody listens."""

    def poll(self) -> bool:
        return False

    def send(self, message: object) -> None:
        pass


def scored(detector: Detector, sound: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Score as the engine's process does."""
    gpu = GpuMeter()
    gpu._device = CARD
    monkeypatch.setattr(GpuMeter, "read", lambda self: ())
    guard = Guard("funasr", Settings(threads=2))
    return worker._score(Pipe(), detector, Score(str(sound), "mix", None), gpu, guard)  # type: ignore[arg-type]


def test_a_card_that_runs_out_is_cleared_and_tried_once_more_in_small_blocks(
    card: Card, load: Callable[..., Detector], sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = load()
    expected = detector.score(sound)
    card.most_frames = 600  # of six seconds
    card.frames.clear()
    (track,) = scored(detector, sound, monkeypatch).tracks
    assert card.frames[0] > 600 and max(card.frames[-3:]) <= 600
    assert card.cleared == 1
    np.testing.assert_allclose(track.probabilities, expected.probabilities, atol=1e-5)


def test_a_card_without_room_for_the_smallest_block_is_that_jobs_error(
    card: Card, load: Callable[..., Detector], sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = load()
    card.most_frames = 100
    with pytest.raises(MemoryExceededError, match="CUDA out of memory"):
        scored(detector, sound, monkeypatch)
    card.most_frames = 1_000_000
    assert len(scored(detector, sound, monkeypatch).tracks[0].segments()) == 4
