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
from webui.audio.resample import keep_filters
from webui.engine.gpu import GpuMeter
from webui.engine.memory import share_arenas
from webui.engine.messages import (
    Answer,
    Cancel,
    Cleared,
    ClearGpuCache,
    Command,
    EngineConfig,
    Failed,
    Progress,
    Ready,
    Score,
    Scored,
    Stage,
    StreamStep,
    StreamStepped,
)
from webui.errors import EngineError, EngineStartError, JobCancelledError, StudioError
from webui.guard import Guard, is_out_of_memory, short_at_start
from webui.memory_room import limit_data
from webui.process_memory import Growth
from webui.vad.detector import Detector, Plan
from webui.vad.scorers import SCORERS
from webui.vad.scores import SpeechScores
from webui.vad.stream import StreamScorer

_Answer = TypeVar("_Answer")
# Which part of the process's memory a stage of loading belongs to.
_STEPS = {
    "import_torch": "framework",
    "import_funasr": "framework",
    "import_onnxruntime": "framework",
    "load_weights": "model",
    "warm_up": "warm_up",
}


def main(pipe: Connection, streams: Connection, config: EngineConfig) -> None:
    """Serve commands from the one pipe, and live streams from the other, until they close."""
    # The page decides when to end; Ctrl-C in the terminal reaches the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Standard output belongs to results, whatever a framework prints.
    os.dup2(2, 1)
    share_arenas()
    keep_filters(config.settings.max_streams)
    try:
        _serve(pipe, streams, config)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the page's process is gone, and so is the need for this one


def _serve(pipe: Connection, streams: Connection, config: EngineConfig) -> None:
    growth, gpu = Growth(), GpuMeter()
    if config.settings.engine_memory_bytes:
        limit_data(config.settings.engine_memory_bytes)
    guard = Guard(config.engine, config.settings)

    def load() -> Answer:
        detector.append(_load(pipe, config, growth))
        gpu.loaded(detector[0].receipt.device)
        return Ready(detector[0].receipt, gpu.read(), growth.parts)

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
            pipe.send(_guarded(functools.partial(_score, pipe, detector[0], command, gpu, guard)))
        elif isinstance(command, ClearGpuCache):
            pipe.send(_guarded(functools.partial(_clear_gpu_cache, gpu)))
        # A Cancel that arrives here comes too late: its command has been answered.


def _load(pipe: Connection, config: EngineConfig, growth: Growth) -> Detector:
    settings = config.settings
    step = "interpreter"

    def on_stage(name: str) -> None:
        nonlocal step
        # What came until now belongs to the step that ends.
        growth.note(step)
        step = _STEPS[name]
        pipe.send(Stage(name))

    directory = weights.find(engine=SCORERS[config.engine].weights, settings=settings)
    try:
        detector = Detector(
            config.engine,
            model_directory=directory,
            prepared_directory=settings.prepared_directory,
            threads=settings.threads,
            device=settings.device,
            precision=settings.precision,
            on_stage=on_stage,
        )
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise short_at_start(config.engine, error, settings.engine_memory_bytes) from error
    growth.note(step)
    return detector


def _score(
    pipe: Connection, detector: Detector, wanted: Score, gpu: GpuMeter, guard: Guard
) -> Answer:
    def on_progress(position_s: float, duration_s: float | None) -> None:
        if pipe.poll() and isinstance(pipe.recv(), Cancel):
            raise JobCancelledError()
        pipe.send(Progress(position_s, duration_s, gpu.read()))

    def score(plan: Plan) -> tuple[SpeechScores, ...]:
        return detector.score_tracks(
            wanted.path, channel=wanted.channel, plan=plan, on_progress=on_progress
        )

    tracks = guard.scored(
        score, page=wanted.page, give_back=gpu.clear_cache, is_small=wanted.is_small
    )
    return Scored(tracks, gpu.read())


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
        # For the log, unless it was foreseen; the person gets one line.
        if not is_out_of_memory(error):
            traceback.print_exc(file=sys.stderr)
        return Failed(describe(f"{type(error).__name__}: {error}".rstrip(": ")))


def _clear_gpu_cache(gpu: GpuMeter) -> Answer:
    gpu.clear_cache()
    return Cleared(gpu.read())
