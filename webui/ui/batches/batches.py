"""All batches of the page: begun, bounded, forgotten."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from webui.batch.inputs import Source, collect
from webui.batch.noted import noted
from webui.batch.order import Order
from webui.batch_errors import BatchOutputError, BatchRefusedError
from webui.system_errors import system_reason_zh
from webui.ui.batches.batch import Batch
from webui.ui.batches.row import Row
from webui.ui.workspace import Recording, base_name, safe_name

if TYPE_CHECKING:
    from webui.audio.report import ChannelChoice
    from webui.batch.run import Tally
    from webui.engine import Engine
    from webui.settings import Settings
    from webui.ui.runs import Runs
    from webui.ui.session import ScoreCache
    from webui.ui.workspace import Workspace
    from webui.vad.options import VadOptions

_CLOSE_S = 5.0


@dataclass(frozen=True)
class Wish:
    """What a visitor wants of a batch.

    Attributes:
        options: of the endpointer.
        channel: what is taken of the channels.
        engine: "auto" or the name of one.
        formats: names of `webui.formats.FORMATS`.
        files: name and size in bytes of each file that will be sent.
        folder: of this machine, in place of files; "" for none.
        language: of what is written into the summary.
    """

    options: VadOptions
    channel: ChannelChoice
    engine: str
    formats: tuple[str, ...]
    files: Sequence[tuple[str, int]] = ()
    folder: str = ""
    language: str = "en"


class Batches:
    """Batches by id. Its methods may be called from any thread.

    Args:
        settings: limits, and the folders that may be opened.
        engine: that scores.
        cache: where rows are opened.
        workspace: for files and results.
        runs: where batches are noted.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        cache: ScoreCache,
        workspace: Workspace,
        runs: Runs,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._cache = cache
        self._workspace = workspace
        self._runs = runs
        self._batches: OrderedDict[str, Batch] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, wish: Wish) -> Batch:
        """Begin a batch.

        Raises:
            BatchRefusedError: there is nothing to do, too much, or too many batches run.
            SettingsError: the folder cannot be read.
            ModelError, EngineUnavailableError: nothing can be scored so.
            BatchOutputError: there is no directory for its results.
        """
        self._check_count(len(wish.files))
        engine = "" if wish.engine == "auto" else wish.engine
        order = Order.of(self._settings, wish.options, wish.channel, wish.formats, engine)
        sources, rows = self._of_folder(wish.folder) if wish.folder else _of_files(wish.files)
        self._check_count(len(rows))
        if not rows:
            raise BatchRefusedError(
                reason="there are no audio or video files in it",
                reason_zh="其中没有音频或视频文件",
            )
        self._make_room()
        try:
            batch_id, place = self._workspace.place("batch")
        except OSError as error:
            raise BatchOutputError(
                file="batch",
                reason=error.strerror or str(error),
                reason_zh=system_reason_zh(error),
                is_hopeless=True,
            ) from error
        name = Path(wish.folder).name if wish.folder else _parts(wish.files[0][0])[0]
        batch = Batch(batch_id, place.parent, order, sources, rows, self._workspace)

        def ended(tally: Tally) -> None:
            if tally.done:
                pace = batch.pace
                worked_ms, spent_s = pace.audio_ms, pace.spent_s
                run = noted(
                    name,
                    order,
                    tally,
                    worked_ms=worked_ms,
                    spent_s=spent_s,
                    batch_id=batch_id,
                )
                self._runs.add(run)

        with self._lock:
            self._batches[batch_id] = batch
        batch.start(self._engine, self._settings, wish.language, ended)
        return batch

    def find(self, batch_id: str) -> Batch | None:
        """Return a batch; None if it is unknown or forgotten."""
        return self._batches.get(batch_id)

    def give(self, batch: Batch, row: Row, upload_id: str) -> bool:
        """Hand an upload in as the file of a row; False if there is none, or it is not wanted."""
        recording = self._workspace.take(upload_id)
        return recording is not None and batch.give(row, recording)

    def open(self, batch: Batch, row: Row) -> str:
        """Make the scores of a row a result of the page; its id, "" if they are gone."""
        if row.result_id and self._cache.get(row.result_id) is not None:
            return row.result_id
        tracks = batch.scores(row)
        if tracks is None or row.recording is None:
            return ""
        row.result_id = self._cache.put(row.recording, tracks)
        return row.result_id

    def remove(self, batch: Batch) -> None:
        """Stop a batch and delete all that is left of it."""
        with self._lock:
            self._batches.pop(batch.id, None)
        batch.stop()
        batch.join(_CLOSE_S)
        batch.discard()

    def sweep(self, age_s: float) -> None:
        """Forget batches that ended more than ``age_s`` seconds ago."""
        oldest = time.monotonic() - age_s
        for batch in list(self._batches.values()):
            ended_s = batch.pace.ended_s
            if ended_s is not None and (ended_s < oldest or not batch.is_kept):
                self.remove(batch)

    def close(self) -> None:
        """Stop all."""
        for batch in list(self._batches.values()):
            batch.stop()
        for batch in list(self._batches.values()):
            batch.join(_CLOSE_S)

    def _check_count(self, count: int) -> None:
        most = self._settings.batch_files
        if count > most:
            raise BatchRefusedError(
                reason=f"there are more than the {most} files that this server takes at once "
                "(FSMN_VAD_BATCH_FILES); do it in parts, or with fsmn-vad batch",
                reason_zh=f"文件数超过本服务器一次允许的 {most} 个（FSMN_VAD_BATCH_FILES），"
                "请分批处理或使用 fsmn-vad batch",
            )

    def _make_room(self) -> None:
        """Forget the oldest batches that have ended, so that there is room for one more.

        Raises:
            BatchRefusedError: all of them run.
        """
        while len(self._batches) >= self._settings.max_batches:
            over = next((batch for batch in self._batches.values() if batch.is_over), None)
            if over is None:
                raise BatchRefusedError(
                    reason="as many batches run as this server takes (FSMN_VAD_MAX_BATCHES); "
                    "wait for one to end",
                    reason_zh="运行中的批处理已达本服务器上限（FSMN_VAD_MAX_BATCHES），请等待其结束",
                )
            self.remove(over)

    def _of_folder(self, folder: str) -> tuple[list[Source], list[Row]]:
        path = Path(folder)
        # One answer, so that it does not tell what there is elsewhere.
        if not self._settings.may_open(path) or not _is_folder(path):
            raise BatchRefusedError(
                reason="there is no such folder among those that this page may open "
                "(FSMN_VAD_SERVER_FOLDERS)",
                reason_zh="允许本页面打开的文件夹（FSMN_VAD_SERVER_FOLDERS）中没有此文件夹",
            )
        real = path.resolve()
        may_open = self._settings.may_open
        sources = collect([str(real)], output=self._workspace.directory, may_follow=may_open)
        rows = [
            Row(
                number,
                str(source.name),
                _size(source.path),
                "waiting",
                Recording(source.path),
                place=str(source.name),
            )
            for number, source in enumerate(sources)
        ]
        return sources, rows


def _of_files(files: Sequence[tuple[str, int]]) -> tuple[list[Source], list[Row]]:
    """Name what will be sent; the folder that all have in common is left out, as of a folder."""
    names = [_parts(name) for name, _ in files]
    first = {parts[0] if len(parts) > 1 else "" for parts in names}
    if len(first) == 1 and "" not in first:
        names = [parts[1:] for parts in names]
    places = [PurePosixPath(*map(safe_name, parts)) for parts in names]
    # Where they lie is known once they are here; until then they are told apart by their numbers.
    sources = [Source(Path("/", str(n), place), place) for n, place in enumerate(places)]
    rows = [
        Row(number, "/".join(parts), size_bytes, place=str(places[number]))
        for number, (parts, (_, size_bytes)) in enumerate(zip(names, files, strict=True))
    ]
    return sources, rows


def _parts(name: str) -> list[str]:
    """Split a name that a page tells; no part of it leads anywhere."""
    parts = [part for part in map(base_name, name.split("/")) if part not in ("", ".", "..")]
    return parts or [safe_name("")]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # none can have so long a name
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
