"""Settings kept as A beside those that are tuned. Knows nothing of Gradio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webui.errors import OptionsError
from webui.vad.compare import compare
from webui.vad.options import VadOptions, option_info
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment

NAME = "A"
# The page lists so many differences; the sums are of all of them.
MOST_LISTED = 1000


@dataclass(frozen=True)
class Kept:
    """What a browser's session keeps of A, and what its buttons make of it.

    Attributes:
        options: of A as a plain mapping, None where nothing is kept.
    """

    options: Mapping[str, Any] | None = None

    def parsed(self) -> VadOptions | None:
        """The options of A; None where nothing is kept or it no longer holds."""
        if self.options is None:
            return None
        try:
            return VadOptions.from_mapping(self.options)
        except OptionsError:
            return None


def kept_value(
    scores: SpeechScores,
    options: VadOptions,
    segments: Sequence[Segment],
    kept: VadOptions,
    language: str,
) -> dict[str, Any]:
    """Return what the page shows of A beside the present result B.

    Args:
        scores: of the recording.
        options: of B.
        segments: of B.
        kept: options of A.
        language: "en" or "zh".
    """
    own = scores.segments(kept)
    comparison = compare(own, segments)
    return {
        "name": NAME,
        "rows": [
            [s.start_ms, s.end_ms, round(s.confidence, 4), s.end_reason.value] for s in own
        ],
        "options": _changed(kept, options, language),
        "speech_ms": [sum(s.duration_ms for s in each) for each in (own, segments)],
        "only_ms": [comparison.only_a_ms, comparison.only_b_ms],
        "count": len(comparison.differences),
        "differences": [
            [d.start_ms, d.end_ms, d.side, d.kind] for d in comparison.differences[:MOST_LISTED]
        ],
    }


def _changed(a: VadOptions, b: VadOptions, language: str) -> list[list[str]]:
    """Label and values of the options that differ, as people read them."""
    others = b.as_dict()
    return [
        [
            option_info(name).label[language],
            _written(name, value),
            _written(name, others[name]),
        ]
        for name, value in a.as_dict().items()
        if value != others[name]
    ]


def _written(name: str, value: Any) -> str:
    number = f"{value:g}" if isinstance(value, (int, float)) else str(value)
    return f"{number} {option_info(name).unit}".rstrip()
