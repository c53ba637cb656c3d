"""The figures above a result: how many segments, how much speech, how fast."""

from __future__ import annotations

from collections.abc import Sequence

from webui.ui import words
from webui.ui.i18n import Texts
from webui.vad.scorers import SCORERS
from webui.vad.scores import SpeechScores
from webui.vad.segment import Segment
from webui.vad.summary import summarise, summarise_tracks

_BETWEEN = " · "


def figures(
    tracks: Sequence[SpeechScores],
    segments: Sequence[Sequence[Segment]],
    overlap: Sequence[tuple[int, int]],
    texts: Texts,
) -> list[dict[str, str]]:
    """Return label, value and note of each figure.

    Args:
        tracks: of the recording; of two, each has a figure of its own.
        segments: of each track.
        overlap: start and end in ms of where both channels speak.
        texts: the language.
    """
    first = tracks[0]
    duration_s = first.duration_ms / 1000
    each = [summarise(found, first.duration_ms) for found in segments]
    total = summarise_tracks(segments, first.duration_ms)
    capped = texts("result.capped", count=total.capped) if total.capped else ""
    share_note = texts(
        "result.share_note",
        speech=words.position(total.speech_ms / 1000),
        duration=words.position(duration_s),
    )
    if len(tracks) > 1:
        sides = [texts(f"detect.channel_{track.audio.channel}") for track in tracks]
        counts = [f"{side} {one.count}" for side, one in zip(sides, each, strict=True)]
        shares = [f"{side} {one.speech_share:.1%}" for side, one in zip(sides, each, strict=True)]
        capped = _BETWEEN.join([*counts, *filter(None, [capped])])
        share_note = _BETWEEN.join(shares)
    work_s = first.timings_s["total"]
    factor = work_s / duration_s if duration_s else 0.0
    receipt = first.receipt
    return [
        _figure(texts("result.segments"), str(total.count), capped),
        _figure(texts("result.share"), f"{total.speech_share:.1%}", share_note),
        _figure(texts("result.longest"), words.span(texts, total.longest_ms / 1000)),
        _overlap(overlap, duration_s, texts)
        if len(tracks) > 1
        else _figure(texts("result.pause"), words.span(texts, total.longest_pause_ms / 1000)),
        _figure(
            texts("result.factor"),
            f"{factor:.4f}",
            texts("result.factor_note", work=words.span(texts, work_s)),
        ),
        _figure(
            texts("result.engine"),
            SCORERS[receipt.engine].label[texts.language],
            receipt.device.upper(),
        ),
    ]


def _overlap(overlap: Sequence[tuple[int, int]], duration_s: float, texts: Texts) -> dict[str, str]:
    both_s = sum(end - start for start, end in overlap) / 1000
    share = both_s / duration_s if duration_s else 0.0
    note = texts("result.overlap_note", count=len(overlap), share=f"{share:.1%}")
    return _figure(texts("result.overlap"), words.span(texts, both_s), note)


def _figure(label: str, value: str, note: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note}
