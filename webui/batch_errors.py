"""The branch of the tree in `webui.errors` that batches have.

::

    BatchError
    ├── BatchRefusedError  the page does not take it
    ├── BatchOutputError   a result cannot be written
    ├── BatchBusyError     another batch writes to the same directory
    ├── ListedError        a line of a list names nothing that can be worked on
    ├── SomeFormatsError   some of the formats cannot hold a recording
    ├── UnforeseenError    one recording failed in a way that nobody thought of
    └── ClusterError       a Dask cluster cannot be used
"""

from __future__ import annotations

from collections.abc import Sequence

from webui.errors import StudioError


class BatchError(StudioError):
    """A batch cannot begin or go on."""


class BatchRefusedError(BatchError):
    """The page does not take a batch."""

    texts = {
        "en": "This batch cannot begin: {reason}.",
        "zh": "无法开始批处理：{reason_zh}。",
    }


class BatchOutputError(BatchError):
    """A result cannot be written; with ``is_hopeless``, no other can either."""

    texts = {
        "en": "{file} cannot be written: {reason}. What is done stays; the same command goes on "
        "from there.",
        "zh": "无法写入 {file}（{reason_zh}）。已完成的结果保留，再次运行同一命令即可继续。",
    }


class BatchBusyError(BatchError):
    """Another batch writes to the same directory."""

    texts = {
        "en": "Another batch writes to {directory} at this moment. Wait for it, "
        "or choose another directory.",
        "zh": "另一个批处理正在写入 {directory}。请等待其结束，或选择其他目录。",
    }


class ListedError(BatchError):
    """A line of a list names nothing that can be worked on; its other lines may."""

    texts = {
        "en": "{file}, line {line}: {reason}.",
        "zh": "{file} 第 {line} 行：{reason_zh}。",
    }


class SomeFormatsError(BatchError):
    """Some of the formats cannot hold a recording; the others are written."""

    texts = {"en": "{reason}", "zh": "{reason_zh}"}

    @classmethod
    def of(cls, refusals: Sequence[StudioError]) -> SomeFormatsError:
        """Sum up what each of these formats refuses."""
        return cls(
            reason=" ".join(error.message("en") for error in refusals),
            reason_zh="".join(error.message("zh") for error in refusals),
        )


class UnforeseenError(BatchError):
    """One recording failed in a way that nobody thought of."""

    texts = {
        "en": "This recording failed in a way that was not foreseen ({reason}). The others go on.",
        "zh": "该录音因未预料的错误而失败（{reason_zh}），其余录音继续处理。",
    }


class ClusterError(BatchError):
    """A Dask cluster cannot be used."""

    texts = {
        "en": "The Dask cluster at {address} cannot be used: {reason}.",
        "zh": "无法使用 {address} 的 Dask 集群：{reason_zh}。",
    }
