"""The settings of a result as a command line, as Python, and in words. Knows nothing of Gradio."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from webui.vad.options import VadOptions, option_info
from webui.vad.scores import SpeechScores


def changed(options: VadOptions) -> dict[str, object]:
    """Return the options that differ from the defaults, by name."""
    usual = VadOptions().as_dict()
    return {name: value for name, value in options.as_dict().items() if value != usual[name]}


def in_words(options: VadOptions, language: str) -> list[str]:
    """Return the options that differ from the defaults, as people read them.

    Args:
        options: in force.
        language: "en" or "zh".
    """
    told = []
    for name, value in changed(options).items():
        info = option_info(name)
        label = info.label[language]
        if info.kind == "switch":
            told.append(label)  # off is usual
        else:
            written = info.written(value, language) if isinstance(value, (int, float)) else value
            told.append(f"{label} {written}")
    return told


def command(tracks: Sequence[SpeechScores], options: VadOptions) -> str:
    """Write the command that detects the same segments: ``fsmn-vad detect ... FILE``.

    Args:
        tracks: of the recording; its file, channel and engine are named.
        options: in force; those that are as usual are left out.
    """
    scores = tracks[0]
    words = ["fsmn-vad", "detect", "--engine", scores.receipt.engine]
    if (channel := _channel(tracks)) != "mix":
        words += ["--channel", channel]
    for name, value in changed(options).items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif (written := str(value)).startswith("-"):
            words.append(f"--{option}={written}")  # argparse takes "-1e-05" for an option
        else:
            words += [f"--{option}", written]
    # A name that begins with a dash is no option.
    file = scores.audio.file
    return shlex.join([*words, f"./{file}" if file.startswith("-") else file])


def python(tracks: Sequence[SpeechScores], options: VadOptions) -> str:
    """Write the Python that detects the same segments.

    Args:
        tracks: as for `command`.
        options: as for `command`.
    """
    channel = _channel(tracks)
    given = ", ".join(f"{name}={value!r}" for name, value in changed(options).items())
    detector = f'Detector(engine="{tracks[0].receipt.engine}")'
    file = repr(tracks[0].audio.file)
    words = ["from webui.vad import Detector, VadOptions", "", f"options = VadOptions({given})"]
    if channel == "each":
        words += [
            f'left, right = {detector}.score_tracks({file}, channel="each")',
            "segments = [track.segments(options) for track in (left, right)]",
        ]
    else:
        taken = "" if channel == "mix" else f', channel="{channel}"'
        words += [
            f"scores = {detector}.score({file}{taken})",
            "segments = scores.segments(options)",
        ]
    return "\n".join([*words, ""])


def _channel(tracks: Sequence[SpeechScores]) -> str:
    return "each" if len(tracks) > 1 else tracks[0].audio.channel
