"""This machine: room, rights, memory, the port and the browser."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from webui.doctor.finding import Finding, Level, found, told
from webui.errors import HistoryError
from webui.history import History
from webui.memory_room import tightest
from webui.settings import PROFILES, Settings
from webui.system_errors import system_reason_zh

_MB = 1_000_000
_LEAST_DISK_BYTES = 200 * _MB
# What page and engine take together after an hour's recording, with the larger engine.
_ENOUGH_MEMORY_BYTES = 1000 * _MB
_LEAST_MEMORY_BYTES = 350 * _MB


def profile(settings: Settings) -> Iterator[Finding]:
    """Say which presets are in force."""
    name = settings.profile
    text = (
        f"{name} (of {', '.join(PROFILES)}: --profile, or FSMN_VAD_PROFILE)",
        f"{name}（可选 {'、'.join(PROFILES)}：--profile 或 FSMN_VAD_PROFILE）",
    )
    yield found("profile", "ok", *text)


def workspace(settings: Settings) -> Iterator[Finding]:
    """Check that uploads can be stored, and have room."""
    directory = settings.workspace_directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".doctor-{secrets.token_hex(8)}"
        probe.write_bytes(b"0")
        probe.unlink()
    except OSError as error:
        yield found(
            "workspace",
            "fail",
            f"{directory} cannot be written: {error.strerror or error}",
            f"无法写入 {directory}（{system_reason_zh(error)}）",
            advice=(
                "Give yourself the right to write there, "
                "or name another directory in FSMN_VAD_WORKSPACE_DIRECTORY.",
                "请取得写入权限，或用 FSMN_VAD_WORKSPACE_DIRECTORY 指定其他目录。",
            ),
        )
    else:
        yield found("workspace", "ok", f"{directory} is writable", f"{directory} 可写")


def disk(settings: Settings) -> Iterator[Finding]:
    """Check the room for uploads."""
    free_bytes = shutil.disk_usage(_existing(settings.workspace_directory)).free
    free = f"{free_bytes / 1e9:.1f} GB"
    if free_bytes >= settings.workspace_bytes:
        yield found("disk", "ok", f"{free} free for uploads", f"可用于上传的空间 {free}")
        return
    most = f"{settings.workspace_bytes / 1e9:.1f} GB"
    advice = (
        "Free some space, name a directory on another disk in FSMN_VAD_WORKSPACE_DIRECTORY, or "
        "lower FSMN_VAD_WORKSPACE_BYTES and FSMN_VAD_MAX_UPLOAD_BYTES.",
        "请腾出空间，用 FSMN_VAD_WORKSPACE_DIRECTORY 指定其他磁盘上的目录，或调低 "
        "FSMN_VAD_WORKSPACE_BYTES 与 FSMN_VAD_MAX_UPLOAD_BYTES。",
    )
    text = (
        f"{free} free, while uploads may take {most}",
        f"仅剩 {free}，而上传文件最多可占 {most}",
    )
    level: Level = "warn" if free_bytes > _LEAST_DISK_BYTES else "fail"
    yield found("disk", level, *text, advice=advice)


def memory(settings: Settings) -> Iterator[Finding]:
    """Check that page and engine fit, also below the limits of a container or of ``ulimit``."""
    free_bytes = tightest(1).left_bytes(1)
    free = f"{free_bytes / 1e9:.1f} GB"
    text = f"{free} available", f"可用 {free}"
    if free_bytes >= _ENOUGH_MEMORY_BYTES:
        yield found("memory", "ok", *text)
        return
    advice = (
        "End other programs, or use the engine onnx: it needs a third of what funasr takes.",
        "请关闭其他程序，或使用 onnx 引擎：其内存占用约为 funasr 的三分之一。",
    )
    level: Level = "warn" if free_bytes >= _LEAST_MEMORY_BYTES else "fail"
    yield found("memory", level, *text, advice=advice)


def history(settings: Settings) -> Iterator[Finding]:
    """Check that the history can be read."""
    if not settings.history_runs:
        text = "none is kept (FSMN_VAD_HISTORY_RUNS=0)", "未启用（FSMN_VAD_HISTORY_RUNS=0）"
        yield found("history", "ok", *text)
        return
    try:
        count = len(History.of(settings).runs())
    except HistoryError as error:
        yield told("history", "warn", error)
    else:
        most = settings.history_runs
        yield found("history", "ok", f"{count} of {most} runs", f"{count} 条，最多 {most} 条")


def browser(settings: Settings) -> Iterator[Finding]:
    """Say where to open the page."""
    address = f"http://{settings.host}:{settings.port}"
    with contextlib.suppress(webbrowser.Error):
        webbrowser.get()
        text = (
            f"open {address} in a current Chrome, Edge, Firefox or Safari",
            f"请用较新的 Chrome、Edge、Firefox 或 Safari 打开 {address}",
        )
        yield found("browser", "ok", *text)
        return
    port = settings.port
    text = (
        f"none on this machine; from another: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE, "
        f"then open http://127.0.0.1:{port} there",
        f"本机没有浏览器；可在另一台机器上运行 ssh -L {port}:127.0.0.1:{port} 本机，"
        f"再打开 http://127.0.0.1:{port}",
    )
    yield found("browser", "ok", *text)


def _existing(path: Path) -> Path:
    """Return the nearest directory above that exists."""
    return next((each for each in (path, *path.parents) if each.exists()), Path())
