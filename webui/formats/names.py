"""Names of recordings where a format knows words between spaces only.

RTTM and Kaldi call a recording by its file's name without the ending. What would
break the word (white space, control characters, the quotation mark that pandas and so
pyannote take for the start of a quoted field, the "<" of RTTM's "<NA>") is written as in
addresses, "my%20talk", and so is the percent sign; everything else, Chinese and emoji
too, stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

# What divides fields to the programs that read such files; str.split() takes more for white space.
_WORD = re.compile(r"[^ \t\r\n\f\v]+")


def words(line: str) -> list[str]:
    """Divide a line into its words."""
    return _WORD.findall(line)


def stem(file: str) -> str:
    """Return a file's name without its ending."""
    return PurePosixPath(file).stem or file


def as_word(name: str) -> str:
    """Write a name so that it holds no white space."""
    return "".join(quote(c, safe="") if _breaks(c) else c for c in name)


def from_word(word: str) -> str:
    """Return the name that `as_word` wrote; what it cannot have written stays as it is."""
    name = unquote(word, errors="replace")
    return name if as_word(name) == word else word


def _breaks(character: str) -> bool:
    # A byte order mark is no white space to Python; at a file's start a reader would drop it.
    return (
        character in '%<"\ufeff' or character.isspace() or unicodedata.category(character) == "Cc"
    )
