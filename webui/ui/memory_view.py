"""A reading of memory in words and shares, for the component "system"."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webui.engine import MemoryChange, MemoryReading
from webui.process_memory import ProcessMemory
from webui.ui import words
from webui.ui.i18n import Texts
from webui.ui.studio import TREND_S, Studio, TrendPoint

PARTS = (
    *("interpreter", "framework", "model", "warm_up", "working"),
    *("pages", "results", "rest", "helpers"),
)
"""Where memory may be: of the engine's process, of the page's, of the others."""

_TREND_WIDTH, _TREND_HEIGHT = 300.0, 44.0
_LEAST_SCALE_BYTES = 250_000_000
# Less than this would be told as nothing.
_SHOWN_BYTES = 500_000


@dataclass(frozen=True)
class _Part:
    """Where some of a process's memory is.

    Attributes:
        kind: "engine", "page" or "helpers".
        name: key of its text.
        size_bytes: own memory.
    """

    kind: str
    name: str
    size_bytes: int


def view(studio: Studio, reading: MemoryReading, texts: Texts) -> dict[str, Any]:
    """Return what the panel shows of a reading, as plain values for JSON."""
    trend = studio.sampler.trend()
    parts = [*_engine_parts(reading), *_page_parts(studio, reading), *_helper_parts(reading)]
    own_bytes = max(1, sum(part.size_bytes for part in parts))
    return {
        "texts": _texts(studio, reading, texts),
        "has": {"helpers": reading.helpers.processes > 0, "gpu": bool(reading.gpus)},
        "own": [
            {
                "kind": part.kind,
                "share": round(part.size_bytes / own_bytes, 4),
                "label": _labelled(part, texts),
            }
            for part in parts
            if part.size_bytes > 0
        ],
        "whole": _whole(reading, texts),
        "processes": [
            _process(kind, memory, [part for part in parts if part.kind == kind], texts)
            for kind, memory in _processes(reading).items()
            if memory.processes
        ],
        "facts": [*_machine_facts(reading, texts), *_gpu_facts(reading, texts)],
        "caches": _caches(studio, texts),
        "trend": _curves(trend),
    }


def left(studio: Studio, reading: MemoryReading) -> Mapping[str, int]:
    """What this program has in memory beside the engine, in bytes by part (of `PARTS`)."""
    parts = [*_page_parts(studio, reading), *_helper_parts(reading)]
    return {part.name: part.size_bytes for part in parts if part.size_bytes > 0}


def unloaded(studio: Studio, change: MemoryChange, texts: Texts, *, is_idle: bool = False) -> str:
    """Say what unloading gave back, and what is left.

    Args:
        studio: what all sessions share.
        change: what it did.
        texts: the page's language.
        is_idle: nobody asked for it.
    """
    parts = left(studio, change.after).items()
    return texts(
        "system.unloaded",
        how=texts("system.unloaded_idle" if is_idle else "system.unloaded_asked"),
        before=engine_bytes(change.before),
        after=engine_bytes(change.after),
        freed=words.size(max(0, change.freed_engine_bytes)),
        left=words.size(sum(size_bytes for _, size_bytes in parts)),
        parts=texts("system.and").join(
            texts("system.left_part", name=texts(f"system.part_{name}"), size=words.size(n))
            for name, n in parts
            if n >= _SHOWN_BYTES
        ),
    )


def engine_bytes(reading: MemoryReading) -> str:
    """The engine's own memory in words."""
    return words.size(reading.engine.own_bytes)


def reserved(reading: MemoryReading) -> str:
    """What torch has reserved on all GPUs, in words."""
    return words.size(sum(gpu.reserved_bytes for gpu in reading.gpus))


def _processes(reading: MemoryReading) -> Mapping[str, ProcessMemory]:
    return {"engine": reading.engine, "page": reading.page, "helpers": reading.helpers}


def _engine_parts(reading: MemoryReading) -> list[_Part]:
    return _with_rest("engine", reading.engine, reading.engine_parts, "working")


def _page_parts(studio: Studio, reading: MemoryReading) -> list[_Part]:
    known = {**studio.growth.parts, "results": studio.cache.size_bytes}
    return _with_rest("page", reading.page, known, "rest")


def _helper_parts(reading: MemoryReading) -> list[_Part]:
    return [_Part("helpers", "helpers", reading.helpers.own_bytes)]


def _with_rest(
    kind: str, memory: ProcessMemory, known: Mapping[str, int], rest: str
) -> list[_Part]:
    """What is known of a process's memory, never more than it has, and the rest."""
    left_bytes = memory.own_bytes
    parts = []
    for name, size_bytes in known.items():
        parts.append(_Part(kind, name, min(size_bytes, left_bytes)))
        left_bytes -= parts[-1].size_bytes
    return [*parts, _Part(kind, rest, left_bytes)]


def _labelled(part: _Part, texts: Texts) -> str:
    name = texts(f"system.part_{part.name}")
    process = texts(f"system.{part.kind}")
    size = words.size(part.size_bytes)
    return f"{process}: {size}" if part.kind == "helpers" else f"{process}, {name}: {size}"


def _texts(studio: Studio, reading: MemoryReading, texts: Texts) -> dict[str, str]:
    engine, page, helpers = _processes(reading).values()
    group, machine = reading.machine.group, reading.machine
    used_bytes = group.used_bytes if group else machine.used_bytes
    total_bytes = group.limit_bytes if group else machine.total_bytes
    own_bytes = engine.own_bytes + page.own_bytes + helpers.own_bytes
    return {
        "short": texts(
            "system.short",
            engine=words.size(engine.own_bytes),
            page=words.size(page.own_bytes),
        ),
        "own": words.size(own_bytes),
        "own_peak": texts("system.peak", size=words.size(studio.sampler.peak_bytes)),
        "engine": words.size(engine.own_bytes),
        "page": words.size(page.own_bytes),
        "helpers": words.size(helpers.own_bytes),
        "gpu": words.size(sum(gpu.reserved_bytes for gpu in reading.gpus)),
        "whole_name": texts("system.container" if group else "system.machine"),
        "whole": words.size(used_bytes),
        "whole_of": texts("system.of", size=words.size(total_bytes)),
    }


def _whole(reading: MemoryReading, texts: Texts) -> list[dict[str, Any]]:
    """This program, others and what is free, of the machine or of the container's limit."""
    group, machine = reading.machine.group, reading.machine
    total_bytes = group.limit_bytes if group else machine.total_bytes
    used_bytes = group.used_bytes if group else machine.used_bytes
    own_bytes = sum(memory.own_bytes for memory in _processes(reading).values())
    shares = (
        ("program", "system.whole_program", own_bytes),
        ("others", "system.whole_others", max(0, used_bytes - own_bytes)),
        ("free", "system.whole_free", max(0, total_bytes - max(used_bytes, own_bytes))),
    )
    return [
        {
            "kind": kind,
            "share": round(size_bytes / total_bytes, 4),
            "label": texts(key, size=words.size(size_bytes)),
        }
        for kind, key, size_bytes in shares
    ]


def _process(
    kind: str, memory: ProcessMemory, parts: Sequence[_Part], texts: Texts
) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": texts(f"system.{kind}"),
        "figures": [
            [texts("system.uss"), words.size(memory.uss_bytes), texts("system.uss_help")],
            [texts("system.pss"), words.size(memory.pss_bytes), texts("system.pss_help")],
            [texts("system.rss"), words.size(memory.rss_bytes), texts("system.rss_help")],
            [
                texts("system.peak_rss"),
                words.size(memory.peak_rss_bytes),
                texts("system.peak_rss_help"),
            ],
        ],
        "parts": [
            [texts(f"system.part_{part.name}"), words.size(part.size_bytes)]
            for part in parts
            if part.kind != "helpers"
        ],
    }


def _machine_facts(reading: MemoryReading, texts: Texts) -> list[list[str]]:
    machine = reading.machine
    facts = [[texts("system.available"), words.size(machine.available_bytes), ""]]
    if machine.group is not None:
        free = words.size(machine.group.free_bytes)
        limit = texts("system.of", size=words.size(machine.group.limit_bytes))
        facts.append([texts("system.container_free"), free, limit])
    if machine.swap_total_bytes:
        total = texts("system.of", size=words.size(machine.swap_total_bytes))
        facts.append([texts("system.swap"), words.size(machine.swap_used_bytes), total])
    return facts


def _gpu_facts(reading: MemoryReading, texts: Texts) -> list[list[str]]:
    if not reading.gpus:
        return [[texts("system.gpu"), texts(f"system.gpu_{reading.gpu_state}"), ""]]
    facts = []
    for gpu in reading.gpus:
        name = texts("system.gpu_named", name=gpu.name)
        facts.append([name, *_sizes(texts, "system.gpu_allocated", gpu.allocated_bytes), ""])
        total = texts("system.of", size=words.size(gpu.total_bytes))
        facts.append(["", *_sizes(texts, "system.gpu_reserved", gpu.reserved_bytes), total])
        if gpu.peak_bytes is not None:
            facts.append(["", *_sizes(texts, "system.gpu_peak", gpu.peak_bytes), ""])
        if gpu.context_bytes is not None:
            facts.append(["", *_sizes(texts, "system.gpu_context", gpu.context_bytes), ""])
    return facts


def _sizes(texts: Texts, key: str, size_bytes: int) -> list[str]:
    return [texts(key, size=words.size(size_bytes))]


def _caches(studio: Studio, texts: Texts) -> list[dict[str, Any]]:
    """What is kept for later, with its bound."""
    cache, disk = studio.cache, studio.workspace
    kept = (
        ("system.kept", "system.kept_help", cache.size_bytes, cache.max_bytes),
        ("system.uploads", "system.uploads_help", disk.size_bytes, studio.settings.workspace_bytes),
    )
    return [
        {
            "name": texts(name),
            "help": texts(about),
            "size": words.size(size_bytes),
            "most": texts("system.at_most", size=words.size(most_bytes)),
            "share": round(size_bytes / most_bytes, 4),
        }
        for name, about, size_bytes, most_bytes in kept
    ]


def _curves(trend: Sequence[TrendPoint]) -> dict[str, str]:
    scale = max(
        _LEAST_SCALE_BYTES,
        *(max(point.page_bytes, point.engine_bytes) for point in trend),
    )
    return {
        "page": _line(trend, [point.page_bytes for point in trend], scale),
        "engine": _line(trend, [point.engine_bytes for point in trend], scale),
    }


def _line(trend: Sequence[TrendPoint], values: Sequence[int], scale: int) -> str:
    """Path of a small curve; the last ten minutes fill its width."""
    now = time.monotonic()
    points = [
        (
            _TREND_WIDTH * (1 - (now - point.time_s) / TREND_S),
            _TREND_HEIGHT - 2 - (_TREND_HEIGHT - 4) * value / scale,
        )
        for point, value in zip(trend, values, strict=True)
        if now - point.time_s <= TREND_S
    ]
    return "".join(f"{'L' if n else 'M'}{x:.1f} {y:.1f}" for n, (x, y) in enumerate(points))
