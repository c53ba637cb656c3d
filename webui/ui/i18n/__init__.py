"""The page's words: one catalogue per language, both with the same keys."""

from __future__ import annotations

import functools
import json
from importlib import resources

from webui.errors import LANGUAGES


class Texts:
    """Words of one language.

    Args:
        language: "en" or "zh".

    Attributes:
        language: as given.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"no catalogue for {language!r}")
        self.language = language
        self._words = catalogue(language)

    def __call__(self, key: str, **fields: object) -> str:
        """Return the text of ``key`` with its ``fields`` filled in.

        Raises:
            KeyError: no such text, or one of its fields is not given.
        """
        return self._words[key].format_map(fields)

    def group(self, prefix: str) -> dict[str, str]:
        """Return all texts whose key begins with ``prefix`` and a dot, by the rest of the key."""
        start = prefix + "."
        return {
            key.removeprefix(start): text
            for key, text in self._words.items()
            if key.startswith(start)
        }


@functools.cache
def catalogue(language: str) -> dict[str, str]:
    """Return all texts of a language by key."""
    source = resources.files(__package__) / f"{language}.json"
    words: dict[str, str] = json.loads(source.read_text(encoding="utf-8"))
    return words
