"""Which recordings: files, folders, and the lists that speech people keep."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from webui.audio.report import Channel, ChannelChoice, channel_text
from webui.batch_errors import BatchError, ListedError, UnreadableFolderError
from webui.errors import SettingsError
from webui.files import identity
from webui.formats.kaldi import command_source
from webui.system_errors import system_reason_zh

# What is taken of a folder where no patterns are given.
_USUAL = (
    "wav wave w64 aif aiff aifc caf au snd flac mp3 mp2 aac m4a m4b mp4 m4v mov mka mkv webm "
    "ogg oga ogv opus wma wmv asf avi flv amr 3gp ac3 eac3 ape tta wv mpg mpeg ts m2ts "
)
SUFFIXES = frozenset(f".{ending}" for ending in _USUAL.split())
_TABLES = frozenset({".scp"})
_MANIFESTS = frozenset({".json", ".jsonl", ".manifest"})
_LISTS = frozenset({".txt", ".lst", ".list"})


@dataclass(frozen=True)
class Source:
    """A recording, and what it is called in the batch.

    Attributes:
        path: where it is; it need not exist.
        name: where it stands among the others, relative, with its ending.
        recording_id: what a wav.scp calls it, None elsewhere.
        error: why the line of a list that names it cannot be followed, or the folder that it
            stands for cannot be read; None if it can.
        side: the channel with which it can all the same, None if with none.
    """

    path: Path
    name: PurePosixPath
    recording_id: str | None = None
    error: BatchError | None = None
    side: Channel | None = None

    @property
    def stem(self) -> PurePosixPath:
        """What its results are called, unless those of another recording are called so."""
        if self.recording_id is None:
            # Of what is no recording nothing is called by a part of its name.
            return self.name if self.error else self.name.with_suffix("")
        return _relative(self.recording_id)

    @property
    def shown_name(self) -> str | None:
        """What its results call it; None: as its file is called.

        Without the side that a wav.scp of our own has behind it: formats add it themselves.
        """
        if self.recording_id is None:
            return None
        stem = self.stem.name
        return (stem.removesuffix(f"-{self.side}") or stem) + self.name.name[len(stem) :]

    @property
    def word(self) -> str | None:
        """Its id without that side; None where no wav.scp has named it."""
        if self.recording_id is None:
            return None
        return self.recording_id.removesuffix(f"-{self.side}") or self.recording_id

    def problem(self, channel: ChannelChoice) -> BatchError | None:
        """Say why it is not worked on, given what is taken of the channels; None if it is."""
        return None if self.side == channel else self.error


def collect(
    inputs: Sequence[str],
    *,
    output: Path,
    patterns: Sequence[str] = (),
    excludes: Sequence[str] = (),
    may_follow: Callable[[Path], bool] = lambda link: True,
) -> list[Source]:
    """Find the recordings that inputs stand for, each once, in their order.

    A folder is walked, links to folders too, each real one once; links to a folder that they are
    in are not followed. Hidden files and folders are left out, and so is the output directory
    within it. A folder within it that cannot be read is a source with an error. Several folders
    keep their own names above what is in them. A ``.scp`` is a Kaldi table, a ``.json``,
    ``.jsonl`` or ``.manifest`` a NeMo manifest, a ``.txt``, ``.lst`` or ``.list`` a list of paths,
    where "#" begins a comment, and all else a recording.

    Args:
        inputs: paths.
        output: directory that results go to.
        patterns: of files in folders; "*.wav" is compared with names, "train/*.wav" with paths
            from the folder on. None: by the usual endings.
        excludes: of files that are left out, as ``patterns``.
        may_follow: says of a link within a folder whether what it leads to is part of it.

    Raises:
        SettingsError: a list or folder cannot be read, or no line of a manifest is one. Among
            others, a line that cannot be followed is a source with an error.
    """
    folders = [given for given in inputs if Path(given).is_dir()]
    found: list[Source] = []
    for given in inputs:
        path = Path(given)
        if path.is_dir():
            above = PurePosixPath(path.resolve().name if len(folders) > 1 else "")
            for name, error in _walk(path, output, patterns, excludes, may_follow):
                found.append(Source(path / name, above / name, error=error))
        elif path.suffix.lower() in _TABLES:
            found += _table(path)
        elif path.suffix.lower() in _MANIFESTS | _LISTS:
            found += _listed(path)
        else:
            found.append(Source(path, PurePosixPath(path.name)))
    return list(
        {(source.path.absolute(), source.recording_id): source for source in found}.values()
    )


def _walk(
    folder: Path,
    output: Path,
    patterns: Sequence[str],
    excludes: Sequence[str],
    may_follow: Callable[[Path], bool],
) -> Iterator[tuple[PurePosixPath, UnreadableFolderError | None]]:
    """Names of the recordings in a folder, from it on, sorted; and of folders that are not read."""
    seen: set[tuple[int, int]] = set()
    own = identity(output)
    if own == identity(folder):
        own = None  # results beside the recordings
    waiting = [PurePosixPath()]
    names: dict[PurePosixPath, UnreadableFolderError | None] = {}
    while waiting:
        at = waiting.pop()
        try:
            status = (folder / at).stat()
            known = status.st_dev, status.st_ino
            if known in seen or known == own:
                continue
            seen.add(known)
            entries = sorted(os.scandir(folder / at), key=lambda entry: entry.name)
        except OSError as error:
            if at == PurePosixPath():
                raise _unreadable(folder, error) from error
            names[at / "*"] = UnreadableFolderError(
                reason=error.strerror or str(error), reason_zh=system_reason_zh(error)
            )
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink() and not may_follow(Path(entry.path)):
                continue
            if _is_folder(entry):
                if entry.is_symlink() and _leads_up(Path(entry.path)):
                    continue
                waiting.append(at / entry.name)
            elif _is_wanted(at / entry.name, patterns, excludes) and _may_be_read(entry):
                names[at / entry.name] = None
    yield from sorted(names.items(), key=lambda pair: pair[0])


def _leads_up(link: Path) -> bool:
    """Whether a link leads to a folder that it is in itself."""
    return link.parent.resolve().is_relative_to(link.resolve())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder; of a link in a circle, or to where nobody may look, it is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _may_be_read(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link to nowhere, which is said; a pipe would never end."""
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return True


def _is_wanted(name: PurePosixPath, patterns: Sequence[str], excludes: Sequence[str]) -> bool:
    if any(_matches(name, pattern) for pattern in excludes):
        return False
    if not patterns:
        return name.suffix.lower() in SUFFIXES
    return any(_matches(name, pattern) for pattern in patterns)


def _matches(name: PurePosixPath, pattern: str) -> bool:
    compared = str(name) if "/" in pattern else name.name
    return fnmatchcase(compared.casefold(), pattern.casefold())


def _table(path: Path) -> Iterator[Source]:
    """A Kaldi wav.scp: on each line an id, and a path or a command that decodes one."""
    owners: dict[str, tuple[int, str]] = {}
    for number, line in _lines(path):
        recording_id, *after = re.split("[ \t]+", line, maxsplit=1)
        rest = "".join(after)
        first, named_first = owners.setdefault(recording_id, (number, rest))
        if named_first != rest:
            yield _no_recording(
                path,
                number,
                f"line {first} gives the id {recording_id} to another recording already",
                f"第 {first} 行已将标识 {recording_id} 用于另一个录音",
            )
            continue
        name = _relative(recording_id)
        known = command_source(rest) if rest.endswith("|") else (rest, "mix")
        if known is None or not rest:
            refused = _no_file(path, number, rest, recording_id)
            yield Source(Path(rest or recording_id), name, recording_id, refused)
            continue
        named, side = known
        found = _beside(path, named)
        name = name.with_name(name.name + found.suffix)
        if side == "mix":
            yield Source(found, name, recording_id)
        else:
            yield Source(found, name, recording_id, _one_side(path, number, found, side), side)


def _no_file(path: Path, number: int, command: str, recording_id: str) -> ListedError:
    if not command:
        return ListedError(
            file=path.name,
            line=number,
            reason=f"there is no path after the id {recording_id}; a list of paths alone ends "
            "with .txt",
            reason_zh=f"标识 {recording_id} 之后没有路径；仅含路径的列表请以 .txt 结尾",
        )
    return ListedError(
        file=path.name,
        line=number,
        reason=f"commands are not run; name the file of {recording_id} itself, which may be in any "
        "format, or write the sound to a file first",
        reason_zh=f"不执行命令；请直接写出 {recording_id} 的文件（任何格式均可），"
        "或先把声音写成文件",
    )


def _one_side(path: Path, number: int, found: Path, side: Channel) -> ListedError:
    text = f"{found.name}: {channel_text(side, 'en')}", f"{found.name} 的{channel_text(side, 'zh')}"
    return ListedError(
        file=path.name,
        line=number,
        reason=f"it takes one side ({text[0]}); say --channel {side}",
        reason_zh=f"该行只取一个声道（{text[1]}），请使用 --channel {side}",
    )


def _listed(path: Path) -> list[Source]:
    """A list of paths, or a NeMo manifest; named from the folder on that all have in common."""
    is_manifest = path.suffix.lower() in _MANIFESTS
    paths: dict[Path, None] = {}
    bad: list[Source] = []
    for number, line in _lines(path):
        named = _audio_of(line) if is_manifest else line
        if named is None:
            wanted = "an object with audio_filepath is wanted on each line"
            bad.append(_no_recording(path, number, wanted, "每行应为含 audio_filepath 的对象"))
            continue
        found = _beside(path, named)
        if not is_manifest and line.startswith("#") and not identity(found):
            continue  # a comment; a file may be called so
        # Several lines of a manifest may be of one recording.
        paths[Path(os.path.normpath(found.absolute()))] = None
    if not paths:
        if bad and bad[0].error is not None:
            raise SettingsError(name=str(bad[0].path), **_reasons(bad[0].error))
        return []
    common = os.path.commonpath([found.parent for found in paths])
    named_so = (PurePosixPath(found.relative_to(common).as_posix()) for found in paths)
    return [*map(Source, paths, named_so), *bad]


def _audio_of(line: str) -> str | None:
    """The recording that a line of a manifest names; None where it is no such line."""
    try:
        entry = json.loads(line)
        named = entry["audio_filepath"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return named if isinstance(named, str) and named else None


def _no_recording(path: Path, number: int, reason: str, reason_zh: str) -> Source:
    """What stands for a line of a list that gives no recording."""
    error = ListedError(file=path.name, line=number, reason=reason, reason_zh=reason_zh)
    name = f"{path.name}:{number}"
    return Source(path.with_name(name), PurePosixPath(name), error=error)


def _reasons(error: BatchError) -> dict[str, object]:
    return {name: error.details[name] for name in ("reason", "reason_zh")}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a list that are not empty, with their numbers."""
    try:
        # Names that are no text are kept as they are.
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise _unreadable(path, error) from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.strip()


def _beside(path: Path, named: str) -> Path:
    """A path that a list names: from the list's folder on if it is there, else as it stands."""
    if "\0" in named:
        named = named.replace("\0", "�")  # no file has it; the recording is told as missing
    beside = path.parent / named
    return beside if identity(beside) else Path(named)


def _relative(name: str) -> PurePosixPath:
    """A name of a table as a path that stays below the output."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return PurePosixPath(*parts or ["_"])


def _unreadable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        name=str(path),
        reason=f"it cannot be read: {error.strerror or error}",
        reason_zh=f"无法读取（{system_reason_zh(error)}）",
    )
