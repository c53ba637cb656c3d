"""The engine's process: loads one scorer and obeys commands until its pipe closes.

Frameworks are imported here and nowhere else, so that the end of this process
gives back all that they took.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from webui import weights
from webui.engine.memory import share_arenas
from webui.engine.messages import (
    Answer,
    Cancel,
    Cleared,
    ClearGpuCache,
    Command,
    EngineConfig,
    Failed,
    GpuMemory,
    Progress,
    Ready,
    Score,
    Scored,
    Stage,
    StreamStep,
    StreamStepped,
)
from webui.errors import EngineError, EngineStartError, JobCancelledError, StudioError
from webui.vad.detector import Detector
from webui.vad.scorers import SCORERS
from webui.vad.stream import StreamScorer

_Answer = TypeVar("_Answer")


def main(pipe: Connection, streams: Connection, config: EngineConfig) -> None:
    """Serve commands from the one pipe, and live streams from the other, until they close."""
    # The page decides when to end; Ctrl-C in the terminal reaches the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Standard output belongs to results, whatever a framework prints.
    os.dup2(2, 1)
    share_arenas()
    try:
        _serve(pipe, streams, config)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the page's process is gone, and so is the need for this one


def _serve(pipe: Connection, streams: Connection, config: EngineConfig) -> None:
    def load() -> Answer:
        detector.append(_load(pipe, config))
        return Ready(detector[0].receipt, _gpu_memory(detector[0].receipt.device))

    detector: list[Detector] = []
    answer = _guarded(load, lambda reason: EngineStartError(engine=config.engine, reason=reason))
    pipe.send(answer)
    if isinstance(answer, Failed):
        return
    beside = (streams, detector[0].stream_scorer)
    threading.Thread(target=_serve_streams, args=beside, name="streams", daemon=True).start()
    while True:
        command: Command = pipe.recv()
        if isinstance(command, Score):
            pipe.send(_guarded(functools.partial(_score, pipe, detector[0], command)))
        elif isinstance(command, ClearGpuCache):
            device = detector[0].receipt.device
            pipe.send(_guarded(functools.partial(_clear_gpu_cache, device)))
        # A Cancel that arrives here comes too late: its command has been answered.


def _load(pipe: Connection, config: EngineConfig) -> Detector:
    settings = config.settings
    return Detector(
        config.engine,
        model_directory=weights.find(engine=SCORERS[config.engine].weights, settings=settings),
        prepared_directory=settings.prepared_directory,
        threads=settings.threads,
        device=settings.device,
        on_stage=lambda name: pipe.send(Stage(name)),
    )


def _score(pipe: Connection, detector: Detector, wanted: Score) -> Answer:
    device = detector.receipt.device

    def on_progress(position_s: float, duration_s: float | None) -> None:
        if pipe.poll() and isinstance(pipe.recv(), Cancel):
            raise JobCancelledError()
        pipe.send(Progress(position_s, duration_s, _gpu_memory(device)))

    tracks = detector.score_tracks(wanted.path, channel=wanted.channel, on_progress=on_progress)
    return Scored(tracks, _gpu_memory(device))


def _serve_streams(pipe: Connection, scorer: StreamScorer) -> None:
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            steps: tuple[StreamStep, ...] = pipe.recv()
            pipe.send(tuple(_guarded(functools.partial(_step, scorer, step)) for step in steps))


def _step(scorer: StreamScorer, step: StreamStep) -> StreamStepped:
    # These bytes come from a process of this kind, by way of the page's memory.
    state = scorer.start(step.format) if step.state is None else pickle.loads(step.state)
    scored = []
    for piece in step.pieces:
        state, completed = scorer.feed(state, piece)
        scored.append(completed)
    if step.is_last:
        scored.append(scorer.finish(state))
    return StreamStepped(pickle.dumps(state, pickle.HIGHEST_PROTOCOL), tuple(scored))


def _guarded(
    work: Callable[[], _Answer],
    describe: Callable[[str], StudioError] = lambda reason: EngineError(reason=reason),
) -> _Answer | Failed:
    """Turn whatever goes wrong into a typed answer: one bad job must not end the process."""
    try:
        return work()
    except StudioError as error:
        return Failed(error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        # For the log; the person gets one line.
        traceback.print_exc(file=sys.stderr)
        return Failed(describe(f"{type(error).__name__}: {error}"))


def _gpu_memory(device: str) -> tuple[GpuMemory, ...]:
    """Memory of the GPU that the scorer computes on; nothing where that is the CPU."""
    if not device.startswith("cuda"):
        return ()
    cuda = sys.modules["torch"].cuda
    return (
        GpuMemory(
            name=cuda.get_device_name(device),
            allocated_bytes=cuda.memory_allocated(device),
            reserved_bytes=cuda.memory_reserved(device),
            total_bytes=cuda.get_device_properties(device).total_memory,
        ),
    )


def _clear_gpu_cache(device: str) -> Answer:
    if device.startswith("cuda"):
        cuda = sys.modules["torch"].cuda
        cuda.synchronize(device)
        cuda.empty_cache()
    return Cleared(_gpu_memory(device))
