"""``fsmn-vad detect``: files in, segments out."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from webui import weights
from webui.cli.terminal import TEXTS, say, show
from webui.errors import SettingsError, StudioError
from webui.formats import FORMATS, Result
from webui.settings import Settings
from webui.vad.detector import Detector
from webui.vad.options import PRESETS, VadOptions, option_info, option_names
from webui.vad.scorers import PREPARED, SCORERS, resolve_engine
from webui.vad.summary import explain_empty


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Declare the arguments of ``detect``; the endpointer's come from VadOptions."""
    texts = TEXTS[language]
    parser.description = texts["detect_about"]
    parser.add_argument("audio", nargs="+", metavar="AUDIO", help=texts["audio"])
    parser.add_argument("--format", choices=FORMATS, default="json", help=texts["format"])
    parser.add_argument("--output", type=Path, metavar="FILE", help=texts["output"])
    parser.add_argument("--engine", choices=["auto", *SCORERS], help=texts["engine"])
    channels = ["mix", "left", "right"]
    parser.add_argument("--channel", choices=channels, default="mix", help=texts["channel"])
    parser.add_argument("--threads", type=int, help=texts["threads"])
    parser.add_argument("--device", help=texts["device"])
    presets = "; ".join(f"{name}: {preset.help[language]}" for name, preset in PRESETS.items())
    parser.add_argument(
        "--preset", choices=PRESETS, default="default", help=texts["preset"] + presets
    )
    group = parser.add_argument_group(texts["endpointer"])
    defaults = VadOptions().as_dict()
    for name in option_names():
        info = option_info(name)
        span = texts["range"].format(
            low=f"{info.minimum:g}",
            high=f"{info.maximum:g} {info.unit}".rstrip(),
            default=defaults[name],
        )
        group.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=info.unit.upper() or "X",
            help=f"{info.help[language]} ({span})".replace("%", "%%"),
        )


def run(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    """Detect speech in the files; returns the exit code."""
    given = {"engine": chosen.engine, "threads": chosen.threads, "device": chosen.device}
    settings = replace(
        settings, **{name: value for name, value in given.items() if value is not None}
    )
    options = _options(chosen)
    engine = resolve_engine(settings.engine)
    detector = Detector(
        engine,
        model_directory=weights.find(engine=SCORERS[engine].weights, settings=settings),
        prepared_directory=settings.models_directory / PREPARED,
        threads=settings.threads,
        device=settings.device,
    )
    failed: list[str] = []
    results = _results(detector, chosen, options, language, failed)
    with _destination(chosen.output) as stream:
        FORMATS[chosen.format].write(results, stream)
    return 1 if failed else 0


def _options(chosen: argparse.Namespace) -> VadOptions:
    given = {name: getattr(chosen, name) for name in option_names()}
    return VadOptions.from_mapping(
        {
            **PRESETS[chosen.preset].options.as_dict(),
            **{name: value for name, value in given.items() if value is not None},
        }
    )


def _results(
    detector: Detector,
    chosen: argparse.Namespace,
    options: VadOptions,
    language: str,
    failed: list[str],
) -> Iterator[Result]:
    """Detect in one file after another; name those that fail, in ``failed`` and to the user."""
    for audio in chosen.audio:
        name = Path(audio).name

        def on_progress(position_s: float, duration_s: float | None, name: str = name) -> None:
            if duration_s:
                percent = min(100, round(100 * position_s / duration_s))
                show(TEXTS[language]["scoring"].format(file=name, percent=percent))

        try:
            scores = detector.score(
                audio, channel=chosen.channel, with_peaks=False, on_progress=on_progress
            )
        except StudioError as error:
            show("")
            say(error.message(language))
            failed.append(audio)
            continue
        show("")
        result = Result.of(scores, options)
        if not result.segments:
            why = explain_empty(scores, options).message(language)
            say(f"{name}: " + TEXTS[language]["no_speech"].format(why=why))
        yield result


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
    try:
        with _appearing(output) as stream:
            yield stream
    except OSError as error:
        why = error.strerror or str(error)
        raise SettingsError(
            name="--output", reason=f"{output}: {why}", reason_zh=f"无法写入 {output}（{why}）"
        ) from error


@contextlib.contextmanager
def _appearing(output: Path) -> Iterator[TextIO]:
    descriptor, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=output.name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            yield stream
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
