"""``fsmn-vad detect``: files in, segments out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from webui.audio.report import CHANNEL_CHOICES, channel_text
from webui.choice import choose
from webui.cli import figures
from webui.cli.cuts import Cuts
from webui.cli.cuts import add_arguments as add_cut_arguments
from webui.cli.files import check_recordings, each_path, named_as_given
from webui.cli.notes import Notes
from webui.cli.outputs import destination
from webui.cli.terminal import TEXTS, say, show, with_options
from webui.errors import AudioError, CutError, FormatError, StudioError
from webui.files import plain_path
from webui.formats import FORMATS, Outcome
from webui.formats.files import format_of
from webui.guard import SCORES, SCORES_AND_PEAKS, Guard, load_detector
from webui.settings import Settings
from webui.vad.detector import Detector, OnProgress, Plan
from webui.vad.option_kinds import GROUPS
from webui.vad.options import PRESETS, VadOptions, option_info, option_names
from webui.vad.scorers import SCORERS
from webui.vad.scores import SpeechScores
from webui.vad.summary import explain_empty


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``detect``; the endpointer's come from VadOptions."""
    texts = TEXTS[language]
    parser.description = texts["detect_about"]
    parser.add_argument("audio", nargs="+", metavar="AUDIO", help=texts["audio"])
    parser.set_defaults(files="audio")
    parser.add_argument("--format", choices=FORMATS, help=texts["format"])
    parser.add_argument("--output", metavar="PATH", help=texts["output"])
    parser.add_argument("--figure", metavar="FILE", help=texts["figure"])
    add_cut_arguments(parser, language)
    add_scoring_arguments(parser, language)


def add_scoring_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare how recordings are scored and decided: engine, channel and VadOptions."""
    texts = TEXTS[language]
    parser.add_argument("--engine", choices=["auto", *SCORERS], help=texts["engine"])
    parser.add_argument("--channel", choices=CHANNEL_CHOICES, default="mix", help=texts["channel"])
    parser.add_argument("--threads", type=int, help=texts["threads"])
    parser.add_argument("--device", help=texts["device"])
    add_preset(parser, language)
    add_options(parser, language)


def add_preset(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the preset that `chosen_options` starts from."""
    presets = " ".join(f"{name}: {preset.help[language]}" for name, preset in PRESETS.items())
    about = TEXTS[language]["preset"] + presets
    parser.add_argument("--preset", choices=PRESETS, default="default", help=about)


def add_options(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the endpointer's options, from the fields of VadOptions."""
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
    options = chosen_options(chosen)
    check_recordings(chosen.audio)
    if chosen.output == "-":  # as of most commands
        chosen.output = None
    chosen.format = chosen.format or _told_format(chosen.output)
    write = destination(FORMATS[chosen.format], chosen.output, chosen.audio)
    drawn: Mapping[str, Path] = {}
    if chosen.figure:
        drawn = each_path(figures.OPTION, chosen.figure, chosen.audio, figures.SUFFIXES)
    with Cuts(chosen, language) as cuts:
        engine = choose(settings.engine, settings).engine
        detector = load_detector(engine, settings)
        guard = Guard(engine, settings, SCORES_AND_PEAKS if drawn else SCORES)
        aside = _Aside(drawn, cuts, Notes(settings, language, "cli"))
        detection = _Detection(detector, guard, chosen, options, language, aside)
        write(detection.outcomes())
    return 1 if detection.has_failed else 0


def _told_format(output: str | None) -> str:
    """The format that the ending of an output's name says; "json" where it says none."""
    path = None if output is None else Path(output)
    told = None if path is None or path.is_dir() else format_of(path)
    return "json" if told is None else told.name


def chosen_options(chosen: argparse.Namespace) -> VadOptions:
    """The endpointer's options: those of the preset, and in their place what was given.

    Raises:
        OptionsError: one of them cannot be.
    """
    given = {name: getattr(chosen, name) for name in option_names()}
    return VadOptions.from_mapping(
        {
            **PRESETS[chosen.preset].options.as_dict(),
            **{name: value for name, value in given.items() if value is not None},
        }
    )


@dataclass(frozen=True)
class _Aside:
    """What is made of each result beside its labels.

    Attributes:
        drawn: where the figure of a recording goes, of those that have one.
        cuts: cuts each recording as it is wanted.
        notes: the history.
    """

    drawn: Mapping[str, Path]
    cuts: Cuts
    notes: Notes


class _Detection:
    """One file after another.

    Args:
        detector: that scores.
        guard: refuses what does not fit into memory.
        chosen: the command's arguments.
        options: in force.
        language: of the messages.
        aside: what else is made of each.

    Attributes:
        has_failed: of some file something could not be done; the user was told.
    """

    def __init__(
        self,
        detector: Detector,
        guard: Guard,
        chosen: argparse.Namespace,
        options: VadOptions,
        language: str,
        aside: _Aside,
    ) -> None:
        self._detector = detector
        self._guard = guard
        self._chosen = chosen
        self._options = options
        self._language = language
        self._aside = aside
        self.has_failed = False

    def outcomes(self) -> Iterator[Outcome]:
        """Detect in each file, and make what else was asked for of those that can be written."""
        for audio in self._chosen.audio:
            try:
                tracks = self._guard.scored(partial(self._score, audio))
            except StudioError as error:
                self._fail(named_as_given(error, audio))
                continue
            show("")
            outcome = Outcome.of(tracks, self._options, path=str(plain_path(Path(audio))))
            try:
                FORMATS[self._chosen.format].check(outcome)
            except FormatError as error:
                self._fail(named_as_given(error, audio))
                continue
            _say_what_is_empty(outcome, audio, self._language)
            if audio in self._aside.drawn:
                figures.write_figure(outcome, self._aside.drawn[audio], self._language)
            try:
                self._aside.cuts.add(outcome, audio)
            except (AudioError, CutError) as error:
                self._fail(named_as_given(error, audio))
            self._aside.notes.add(outcome, self._options, Path(audio))
            yield outcome

    def _score(self, audio: str, plan: Plan) -> tuple[SpeechScores, ...]:
        return self._detector.score_tracks(
            audio,
            channel=self._chosen.channel,
            with_peaks=audio in self._aside.drawn,
            plan=plan,
            on_progress=self._shown(Path(audio).name),
        )

    def _fail(self, error: StudioError) -> None:
        show("")
        say(error.message(self._language))
        self.has_failed = True

    def _shown(self, name: str) -> OnProgress:
        def on_progress(position_s: float, duration_s: float | None) -> None:
            if duration_s:
                percent = min(100, round(100 * position_s / duration_s))
                show(TEXTS[self._language]["scoring"].format(file=name, percent=percent))

        return on_progress


def _say_what_is_empty(outcome: Outcome, audio: str, language: str) -> None:
    """Say why there is no speech in a recording, or in one of its channels."""
    for result in outcome.results:
        if result.segments:
            continue
        name = audio
        if outcome.is_apart:
            name += f", {channel_text(result.scores.audio.channel, language)}"
        why = explain_empty(result.scores, result.options).message(language)
        say(f"{name}: " + TEXTS[language]["no_speech"].format(why=why))
