"""``fsmn-vad doctor --memory``: what this program takes here, with the model loaded and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from webui.choice import Choice, choose
from webui.engine import Engine, MemoryReading
from webui.memory_errors import WALLS
from webui.memory_room import Room, engine_room, tightest
from webui.process_memory import ProcessMemory
from webui.settings import Settings

_MB = 1_000_000

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "profile": "profile: {profile}",
        "machine": "machine: {used} of {total} MB in use, {available} MB available; "
        "swap: {swap_used} of {swap} MB",
        "group": "container limit: {used} of {limit} MB in use, {free} MB free",
        "room": "new jobs may take {left} MB, up to {percent} % of {wall} ({limit} MB)",
        "choice": "engine: {engine} ({reason})",
        "process": "{name}: USS {uss} MB, PSS {pss} MB, RSS {rss} MB, peak RSS {peak} MB",
        "this": "this command",
        "engine": "engine process",
        "parts": "  where: {parts}",
        "gpu": "GPU {name}: {allocated} MB allocated, {reserved} MB reserved, peak {peak} MB, "
        "CUDA context {context} MB, {free} of {total} MB free",
        "no_gpu": "GPU: none in use",
        "unloaded": "unloaded: engine process {before} MB -> {after} MB, {freed} MB given back",
        "interpreter": "Python and own code",
        "framework": "framework",
        "model": "model and session",
        "warm_up": "warm-up",
    },
    "zh": {
        "profile": "预设（profile）：{profile}",
        "machine": "整机：已用 {used} / {total} MB，可用 {available} MB；"
        "交换空间：{swap_used} / {swap} MB",
        "group": "容器上限：已用 {used} / {limit} MB，剩余 {free} MB",
        "room": "新任务还可使用 {left} MB（至{wall} {limit} MB 的 {percent} %）",
        "choice": "引擎：{engine}（{reason}）",
        "process": "{name}：USS {uss} MB，PSS {pss} MB，RSS {rss} MB，峰值 RSS {peak} MB",
        "this": "本命令",
        "engine": "引擎进程",
        "parts": "  分布：{parts}",
        "gpu": "GPU {name}：已分配 {allocated} MB，已预留 {reserved} MB，峰值 {peak} MB，"
        "CUDA 上下文 {context} MB，空闲 {free} / {total} MB",
        "no_gpu": "GPU：未使用",
        "unloaded": "已卸载：引擎进程 {before} MB -> {after} MB，释放 {freed} MB",
        "interpreter": "Python 与自身代码",
        "framework": "框架",
        "model": "模型与会话",
        "warm_up": "预热",
    },
}


def examine_memory(settings: Settings) -> dict[str, Any]:
    """Load the model in a process of its own, measure, unload, and measure again.

    Returns:
        Plain values for JSON: "choice", "room", "loaded" and "unloaded" readings in bytes.

    Raises:
        EngineError, ModelError: the model cannot be loaded.
    """
    share = settings.memory_share
    choice = choose(settings.engine, settings)
    engine = Engine(settings)
    try:
        status = engine.load(choice.engine).result()
        own = engine_room(status.pid, settings.engine_memory_bytes)
        rooms = [tightest(share)] if own is None else [tightest(share), own]
        room = min(rooms, key=lambda each: each.left_bytes(share))
        change = engine.unload()
    finally:
        engine.close()
    return {
        "profile": settings.profile,
        "choice": asdict(choice),
        "room": {**asdict(room), "left_bytes": room.left_bytes(share), "share": share},
        "loaded": asdict(change.before),
        "unloaded": asdict(change.after),
        "lines": {
            language: [
                TEXTS[language]["profile"].format(profile=settings.profile),
                *_lines(choice, room, share, change.before, language),
                _unloaded(change.before, change.after, texts),
            ]
            for language, texts in TEXTS.items()
        },
    }


def _lines(
    choice: Choice,
    room: Room,
    share: float,
    reading: MemoryReading,
    language: str,
) -> Iterator[str]:
    texts = TEXTS[language]
    machine = reading.machine
    yield texts["machine"].format(
        used=_mb(machine.used_bytes),
        total=_mb(machine.total_bytes),
        available=_mb(machine.available_bytes),
        swap_used=_mb(machine.swap_used_bytes),
        swap=_mb(machine.swap_total_bytes),
    )
    if machine.group is not None:
        group = machine.group
        yield texts["group"].format(
            used=_mb(group.used_bytes), limit=_mb(group.limit_bytes), free=_mb(group.free_bytes)
        )
    yield texts["room"].format(
        left=_mb(max(0, room.left_bytes(share))),
        percent=100 if room.is_own else round(100 * share),
        wall=WALLS[room.wall][language],
        limit=_mb(room.limit_bytes),
    )
    yield texts["choice"].format(engine=choice.engine, reason=choice.reason[language])
    yield _process("this", reading.page, texts)
    yield _process("engine", reading.engine, texts)
    parts = reading.engine_parts.items()
    yield texts["parts"].format(parts=", ".join(f"{texts[name]} {_mb(n)} MB" for name, n in parts))
    for gpu in reading.gpus:
        yield texts["gpu"].format(
            name=gpu.name,
            allocated=_mb(gpu.allocated_bytes),
            reserved=_mb(gpu.reserved_bytes),
            peak=_mb(gpu.peak_bytes),
            context=_mb(gpu.context_bytes),
            free=_mb(gpu.free_bytes),
            total=_mb(gpu.total_bytes),
        )
    if not reading.gpus:
        yield texts["no_gpu"]


def _unloaded(before: MemoryReading, after: MemoryReading, texts: Mapping[str, str]) -> str:
    had_bytes, has_bytes = before.engine.own_bytes, after.engine.own_bytes
    freed = _mb(had_bytes - has_bytes)
    return texts["unloaded"].format(before=_mb(had_bytes), after=_mb(has_bytes), freed=freed)


def _process(name: str, memory: ProcessMemory, texts: Mapping[str, str]) -> str:
    return texts["process"].format(
        name=texts[name],
        uss=_mb(memory.uss_bytes),
        pss=_mb(memory.pss_bytes),
        rss=_mb(memory.rss_bytes),
        peak=_mb(memory.peak_rss_bytes),
    )


def _mb(size_bytes: int | None) -> str:
    return "-" if size_bytes is None else f"{size_bytes / _MB:.0f}"
