"""What crosses the border between the page's process and the engine's: small, plain, pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webui.audio.pcm import PcmFormat
from webui.audio.report import ChannelChoice
from webui.errors import StudioError
from webui.memory_room import Room
from webui.settings import Settings
from webui.vad import stream
from webui.vad.scores import EngineReceipt, SpeechScores


@dataclass(frozen=True)
class GpuMemory:
    """Memory of one GPU as torch sees it from within the engine's process.

    Attributes:
        name: of the card.
        allocated_bytes: in tensors.
        reserved_bytes: that, and what torch keeps for later.
        peak_bytes: most that was ever allocated; None where torch does not tell.
        total_bytes: of the whole card, or what may be used of it.
        free_bytes: that no program uses.
        context_bytes: what the CUDA context and its libraries take beside that; None
            where it cannot be told.
    """

    name: str
    allocated_bytes: int
    reserved_bytes: int
    peak_bytes: int | None
    total_bytes: int
    free_bytes: int
    context_bytes: int | None


@dataclass(frozen=True)
class EngineConfig:
    """What a new engine process is told."""

    engine: str
    settings: Settings


# Commands, to the engine.


@dataclass(frozen=True)
class Score:
    """Score a recording; answered by Progress and then Scored or Failed.

    Attributes:
        path: of the recording.
        channel: what to take of its channels.
        page: what the page's own limits leave it; None without such limits.
        is_small: only in the smallest blocks.
    """

    path: str
    channel: ChannelChoice
    page: Room | None
    is_small: bool = False


@dataclass(frozen=True)
class ClearGpuCache:
    """Give cached GPU memory back to the driver; answered by Cleared."""


@dataclass(frozen=True)
class Cancel:
    """End the running command; answered by Failed, or by its result if it came first."""


# Answers, from the engine.


@dataclass(frozen=True)
class Stage:
    """A stage of loading has begun; one of `webui.vad.scorers.STAGES`."""

    name: str


@dataclass(frozen=True)
class Ready:
    """The model is loaded and warm.

    Attributes:
        receipt: of what is loaded.
        gpus: that it computes on.
        parts: what each step of loading took of this process's own memory, in bytes:
            interpreter, framework, model, warm_up.
    """

    receipt: EngineReceipt
    gpus: tuple[GpuMemory, ...]
    parts: Mapping[str, int]


@dataclass(frozen=True)
class Progress:
    """So much of the recording is scored."""

    position_s: float
    duration_s: float | None
    gpus: tuple[GpuMemory, ...]


@dataclass(frozen=True)
class Scored:
    """The recording is scored: one track, or one for each channel."""

    tracks: tuple[SpeechScores, ...]
    gpus: tuple[GpuMemory, ...]


@dataclass(frozen=True)
class Cleared:
    """The GPU cache was cleared; memory after it."""

    gpus: tuple[GpuMemory, ...]


@dataclass(frozen=True)
class Failed:
    """The command failed, with an error for the person who asked."""

    error: StudioError


# Over the pipe of the live streams: tuples of steps, answered by tuples of the same length.


@dataclass(frozen=True)
class StreamStep:
    """Go on with a stream.

    Attributes:
        format: of the pieces.
        state: the stream's past, as the answer before gave it; None at its beginning.
        pieces: what came since, in order.
        is_last: the stream ends after them.
    """

    format: PcmFormat
    state: bytes | None
    pieces: tuple[bytes, ...]
    is_last: bool

    @property
    def duration_s(self) -> float:
        """Length of the pieces."""
        return sum(map(len, self.pieces)) / self.format.bytes_per_s


@dataclass(frozen=True)
class StreamStepped:
    """The step is done.

    Attributes:
        state: the stream's past from now on; a pickle of `webui.vad.stream.StreamState`,
            since the page's process only keeps it.
        scored: for each piece what it completed, and for the end.
    """

    state: bytes
    scored: tuple[stream.Scored, ...]


Command = Score | ClearGpuCache | Cancel
Answer = Stage | Ready | Progress | Scored | Cleared | Failed
