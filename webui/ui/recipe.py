"""The settings of a result as a command line and as Python. Knows nothing of Gradio."""

from __future__ import annotations

import shlex

from webui.vad.options import VadOptions
from webui.vad.scores import SpeechScores


def changed(options: VadOptions) -> dict[str, object]:
    """Return the options that differ from the defaults, by name."""
    usual = VadOptions().as_dict()
    return {name: value for name, value in options.as_dict().items() if value != usual[name]}


def command(scores: SpeechScores, options: VadOptions) -> str:
    """Write the command that gives the same segments: ``fsmn-vad detect ... FILE``.

    Args:
        scores: of the recording; its file, channel and engine are named.
        options: in force; those that are as usual are left out.
    """
    words = ["fsmn-vad", "detect", "--engine", scores.receipt.engine]
    if scores.audio.channel != "mix":
        words += ["--channel", scores.audio.channel]
    for name, value in changed(options).items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    # A name that begins with a dash is no option.
    file = scores.audio.file
    return shlex.join([*words, f"./{file}" if file.startswith("-") else file])


def python(scores: SpeechScores, options: VadOptions) -> str:
    """Write the Python that gives the same segments.

    Args:
        scores: as for `command`.
        options: as for `command`.
    """
    channel = "" if scores.audio.channel == "mix" else f', channel="{scores.audio.channel}"'
    given = ", ".join(f"{name}={value!r}" for name, value in changed(options).items())
    return (
        "from webui.vad import Detector, VadOptions\n"
        "\n"
        f'scores = Detector(engine="{scores.receipt.engine}")'
        f".score({scores.audio.file!r}{channel})\n"
        f"segments = scores.segments(VadOptions({given}))\n"
    )
