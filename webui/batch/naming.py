"""Where the results of each recording go: mirrored folders, and no two to one place."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from webui.batch.inputs import Source
from webui.formats import FORMATS

SUMMARY = "summary.csv"
STATE = ".fsmn-vad-batch"


def result_stems(sources: Sequence[Source], formats: Sequence[str]) -> list[str]:
    """Name the results of each source, without the formats' endings.

    ``talks/a.wav`` gives ``talks/a``. Where several recordings would have a file in common
    (``a.wav`` and ``a.mp3``; on some systems ``A.wav`` too), each keeps its ending (``a.wav``),
    and what is still the same is numbered (``a.wav-2``) in the order of the sources.

    Args:
        sources: in their order.
        formats: names of `webui.formats.FORMATS`.
    """
    suffixes = result_suffixes(formats)

    def files(stem: str) -> list[str]:
        return [_compared(stem + suffix) for suffix in suffixes]

    stems = [str(source.stem) for source in sources]
    counts = Counter([SUMMARY, *(file for stem in stems for file in files(stem))])
    taken = {SUMMARY}
    names = []
    for source, stem in zip(sources, stems, strict=True):
        is_alone = all(counts[file] == 1 for file in files(stem))
        first = name = stem if is_alone else str(source.name)
        number = 1
        while not taken.isdisjoint(files(name)):
            number += 1
            name = f"{first}-{number}"
        taken.update(files(name))
        names.append(name)
    return names


def result_suffixes(formats: Sequence[str]) -> list[str]:
    """The endings of all files that a recording gets.

    Args:
        formats: names of `webui.formats.FORMATS`.
    """
    return [suffix for name in formats for suffix in FORMATS[name].suffixes]


def _compared(name: str) -> str:
    """What names have in common that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()
