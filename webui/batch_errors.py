"""The branch of the tree in `webui.errors` that batches have.

::

    BatchError
    ├── BatchRefusedError  the page does not take it
    ├── BatchOutputError   a result cannot be written
    ├── BatchBusyError     another batch writes to the same directory
    ├── ListedError        a line of a list names nothing that can be worked on
    ├── UnreadableFolderError  what is in a folder cannot be found out
    ├── SomeFormatsError   some of the formats cannot hold a recording
    ├── UnforeseenError    one recording failed in a way that nobody thought of
    └── ClusterError       a Dask cluster cannot be used
"""

from __future__ import annotations

from collections.abc import Sequence

from webui.errors import NotRepresentableError, StudioError


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


class UnreadableFolderError(BatchError):
    """What is in a folder cannot be found out; what is in others may."""

    texts = {
        "en": "This folder cannot be read ({reason}); what is in it is left out.",
        "zh": "无法读取该文件夹（{reason_zh}），其中的录音未处理。",
    }


class SomeFormatsError(BatchError):
    """Some of the formats cannot hold a recording; the others are written."""

    texts = {"en": "{reason}", "zh": "{reason_zh}"}

    @classmethod
    def of(cls, refusals: Sequence[NotRepresentableError]) -> SomeFormatsError:
        """Sum up what each of these formats refuses; the same reason is told once for all."""
        formats: dict[tuple[object, ...], list[str]] = {}
        alike: dict[tuple[object, ...], NotRepresentableError] = {}
        for error in refusals:
            key = tuple(error.details[name] for name in ("file", "reason", "reason_zh"))
            alike.setdefault(key, error)
            formats.setdefault(key, []).append(str(error.details["format"]))

        def told(language: str, comma: str) -> list[str]:
            joined = {key: comma.join(names) for key, names in formats.items()}
            errors = (type(e)(**{**e.details, "format": joined[key]}) for key, e in alike.items())
            return [error.message(language) for error in errors]

        return cls(reason=" ".join(told("en", ", ")), reason_zh="".join(told("zh", "、")))


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
