"""``fsmn-vad detect``: files in, segments out."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from webui import weights
from webui.audio.report import CHANNEL_CHOICES, channel_text
from webui.cli.figures import figure_paths, write_figure
from webui.cli.files import appearing
from webui.cli.notes import Notes
from webui.cli.terminal import TEXTS, say, show, with_options
from webui.errors import StudioError
from webui.formats import FORMATS, Outcome
from webui.settings import Settings
from webui.vad.detector import Detector
from webui.vad.option_kinds import GROUPS
from webui.vad.options import PRESETS, VadOptions, option_info, option_names
from webui.vad.scorers import SCORERS, resolve_engine
from webui.vad.summary import explain_empty


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``detect``; the endpointer's come from VadOptions."""
    texts = TEXTS[language]
    parser.description = texts["detect_about"]
    parser.add_argument("audio", nargs="+", metavar="AUDIO", help=texts["audio"])
    parser.add_argument("--format", choices=FORMATS, default="json", help=texts["format"])
    parser.add_argument("--output", type=Path, metavar="FILE", help=texts["output"])
    parser.add_argument("--figure", metavar="FILE", help=texts["figure"])
    parser.add_argument("--engine", choices=["auto", *SCORERS], help=texts["engine"])
    parser.add_argument("--channel", choices=CHANNEL_CHOICES, default="mix", help=texts["channel"])
    parser.add_argument("--threads", type=int, help=texts["threads"])
    parser.add_argument("--device", help=texts["device"])
    presets = "; ".join(f"{name}: {preset.help[language]}" for name, preset in PRESETS.items())
    parser.add_argument(
        "--preset", choices=PRESETS, default="default", help=texts["preset"] + presets
    )
    _add_options(parser, language)


def _add_options(parser: argparse.ArgumentParser, language: str) -> None:
    texts = TEXTS[language]
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, default in VadOptions().as_dict().items():
        info = option_info(name)
        title = GROUPS[info.group][language]
        group = groups.get(title) or groups.setdefault(title, parser.add_argument_group(title))
        flag = f"--{name.replace('_', '-')}"
        about = info.help[language].replace("%", "%%")
        if info.kind == "switch":
            group.add_argument(
                flag,
                action=argparse.BooleanOptionalAction,
                default=None,
                help=f"{about} ({texts['off']})",
            )
            continue
        span = texts["default"].format(default=default)
        if info.kind == "number":
            low, high = f"{info.minimum:g}", f"{info.maximum:g} {info.unit}".rstrip()
            span = texts["range"].format(low=low, high=high, default=default)
        metavar = "TABLE" if info.kind == "text" else info.unit.upper() or "X"
        group.add_argument(flag, metavar=metavar, help=f"{about} ({span})")


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Detect speech in the files; returns the exit code."""
    settings = with_options(
        settings, engine=chosen.engine, threads=chosen.threads, device=chosen.device
    )
    options = _options(chosen)
    figures = figure_paths(chosen.figure, chosen.audio) if chosen.figure else {}
    engine = resolve_engine(settings.engine)
    detector = Detector(
        engine,
        model_directory=weights.find(engine=SCORERS[engine].weights, settings=settings),
        prepared_directory=settings.prepared_directory,
        threads=settings.threads,
        device=settings.device,
    )
    failed: list[str] = []
    notes = Notes(settings, language, "cli")
    outcomes = _outcomes(detector, chosen, options, figures, language, failed, notes)
    with _destination(chosen.output) as stream:
        FORMATS[chosen.format].write(outcomes, stream)
    return 1 if failed else 0


def _options(chosen: argparse.Namespace) -> VadOptions:
    given = {name: getattr(chosen, name) for name in option_names()}
    return VadOptions.from_mapping(
        {
            **PRESETS[chosen.preset].options.as_dict(),
            **{name: value for name, value in given.items() if value is not None},
        }
    )


def _outcomes(
    detector: Detector,
    chosen: argparse.Namespace,
    options: VadOptions,
    figures: Mapping[str, Path],
    language: str,
    failed: list[str],
    notes: Notes,
) -> Iterator[Outcome]:
    """Detect in one file after another; name those that fail, in ``failed`` and to the user."""
    for audio in chosen.audio:
        name = Path(audio).name

        def on_progress(position_s: float, duration_s: float | None, name: str = name) -> None:
            if duration_s:
                percent = min(100, round(100 * position_s / duration_s))
                show(TEXTS[language]["scoring"].format(file=name, percent=percent))

        try:
            tracks = detector.score_tracks(
                audio,
                channel=chosen.channel,
                with_peaks=audio in figures,
                on_progress=on_progress,
            )
        except StudioError as error:
            show("")
            say(error.message(language))
            failed.append(audio)
            continue
        show("")
        outcome = Outcome.of(tracks, options)
        _say_what_is_empty(outcome, language)
        if audio in figures:
            write_figure(outcome, figures[audio], language)
        notes.add(outcome, options, Path(audio))
        yield outcome


def _say_what_is_empty(outcome: Outcome, language: str) -> None:
    """Say why there is no speech in a recording, or in one of its channels."""
    for result in outcome.results:
        if result.segments:
            continue
        name = outcome.audio.file
        if outcome.is_apart:
            name += f", {channel_text(result.scores.audio.channel, language)}"
        why = explain_empty(result.scores, result.options).message(language)
        say(f"{name}: " + TEXTS[language]["no_speech"].format(why=why))


@contextlib.contextmanager
def _destination(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears when it is complete and not before."""
    if output is None:
        # The formats end their lines themselves; names may be in any language.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        yield sys.stdout
        sys.stdout.flush()
        return
    with (
        appearing(output, "--output") as file,
        io.TextIOWrapper(file, encoding="utf-8", newline="") as stream,
    ):
        yield stream
