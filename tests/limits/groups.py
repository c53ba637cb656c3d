"""A container's wall: a memory control group of a test's own, where one can be made."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")
_ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
_SEEN = "from webui.control_groups import memory_limit as m; print(m() and m().limit_bytes)"
_PAGE_BYTES = 4096


@contextlib.contextmanager
def limited_group(limit_bytes: int) -> Iterator[list[str]]:
    """What to put before a command that is to have so much memory, with all below it.

    Skips the test where no group can be made and limited, of version 1 or 2.
    """
    path = _made()
    before = ["sh", "-c", _ENTER, str(path)]
    try:
        _limit(path, limit_bytes)
        seen = subprocess.run(
            [*before, sys.executable, "-c", _SEEN], capture_output=True, text=True, check=False
        ).stdout.strip()
        if not seen.isdecimal() or abs(int(seen) - limit_bytes) >= _PAGE_BYTES:
            pytest.skip("the group is not seen from within")
        yield before
    finally:
        give_up = time.monotonic() + 30
        while (path / "cgroup.procs").read_text():  # they are about to end
            assert time.monotonic() < give_up
            time.sleep(0.05)
        path.rmdir()


def _made() -> Path:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = {kinds: name for _, kinds, name in (line.split(":", 2) for line in lines)}
    parents = [_ROOT / "memory"]
    if "memory" not in own:
        parents = [_ROOT / own.get("", "").lstrip("/"), _ROOT]
    for parent in parents:
        path = parent / f"fsmn-vad-test-{os.getpid()}"
        with contextlib.suppress(OSError):
            path.mkdir()
            return path
    pytest.skip("no control group can be made here")


def _limit(path: Path, limit_bytes: int) -> None:
    is_v1 = (path / "memory.limit_in_bytes").exists()
    most, swap = ("limit_in_bytes", "memsw.limit_in_bytes") if is_v1 else ("max", "swap.max")
    try:
        (path / f"memory.{most}").write_text(str(limit_bytes))
        if (path / f"memory.{swap}").exists():
            (path / f"memory.{swap}").write_text(str(limit_bytes if is_v1 else 0))
    except OSError as error:
        pytest.skip(f"no control group can be limited here: {error}")
