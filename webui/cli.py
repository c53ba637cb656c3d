"""The command fsmn-vad.

Standard output carries results only; progress and messages go to standard
error. Exit codes: 0 all done, 1 some files failed (each is named, the others
are written), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import locale
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from webui import __version__
from webui.errors import OptionsError, PortTakenError, SettingsError, StudioError
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.formats import Result
    from webui.vad.detector import Detector
    from webui.vad.options import VadOptions

# Imports that cost are made where they are needed: `models list` wants no NumPy,
# `detect` no Gradio.

_TEXTS = {
    "en": {
        "no_speech": "no speech. {why}",
        "fetching": "fetching {model} from {source}: {percent} %",
        "fetched": "{model} is in {directory}",
        "prepared": "{model}: graph for {precision} is ready ({kilobytes} kB)",
        "verified": "{model}: all files are as published",
        "problem": "{model}: {file}: {kind}",
        "removed": "{model} is removed",
        "interrupted": "interrupted",
        "scoring": "{file}: {percent} %",
    },
    "zh": {
        "no_speech": "没有语音。{why}",
        "fetching": "正在从 {source} 下载 {model}：{percent} %",
        "fetched": "{model} 位于 {directory}",
        "prepared": "{model}：{precision} 计算图已就绪（{kilobytes} kB）",
        "verified": "{model}：所有文件均与发布的一致",
        "problem": "{model}：{file}：{kind}",
        "removed": "已删除 {model}",
        "interrupted": "已中断",
        "scoring": "{file}：{percent} %",
    },
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: arguments without the program's name; None takes the process's.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    language = "en"
    try:
        settings = Settings.from_environment()
        language = _language(settings)
        if not arguments or (
            arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")
        ):
            arguments.insert(0, "serve")
        chosen = _parser(language, arguments[0]).parse_args(arguments)
        code: int = chosen.run(chosen, settings, language)
        return code
    except StudioError as error:
        _say(error.message(language))
        is_usage = isinstance(error, (OptionsError, SettingsError))
        return 2 if is_usage and not isinstance(error, PortTakenError) else 1
    except KeyboardInterrupt:
        _say(_TEXTS[language]["interrupted"])
        return 130
    except BrokenPipeError:
        # Whoever read the results has enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _say(text: str) -> None:
    print(f"fsmn-vad: {text}", file=sys.stderr)


def _show(text: str) -> None:
    """Show progress on one line of a terminal; nothing where there is no terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def _language(settings: Settings) -> str:
    if settings.language != "auto":
        return settings.language
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    first = next((name for name in named if name), None) or locale.getlocale()[0] or ""
    return "zh" if first.lower().startswith("zh") else "en"


def _parser(language: str, command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fsmn-vad",
        description="Find speech in audio with FSMN-VAD.",
        epilog="Exit codes: 0 all done, 1 some files failed, 2 wrong usage. "
        "Settings of the program are read from FSMN_VAD_* variables.",
    )
    parser.add_argument("--version", action="version", version=f"fsmn-vad {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="open the page (what happens without a command)")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: 7860)")
    serve.set_defaults(run=_serve)

    detect = commands.add_parser("detect", help="find speech in audio or video files")
    if command == "detect":
        _add_detect_arguments(detect, language)
    detect.set_defaults(run=_detect)

    bench = commands.add_parser("bench", help="measure this machine, against FunASR itself")
    bench.add_argument("audio", nargs="*", type=Path, help="repeated (default: the demos)")
    bench.add_argument("--hours", type=float, default=1.0, help="length compared on (default: 1)")
    bench.add_argument("--rounds", type=int, default=3, help="runs of each subject (default: 3)")
    bench.add_argument("--output", type=Path, metavar="DIR", help="write JSON, Markdown, figure")
    bench.set_defaults(run=_bench)

    models = commands.add_parser("models", help="list, fetch, verify or remove models")
    actions = models.add_subparsers(metavar="ACTION", required=True)
    for name, run, text in (
        ("list", _models_list, "what is known and what is here"),
        ("fetch", _models_fetch, "fetch a model, checking its hashes, and prepare it"),
        ("prepare", _models_prepare, "make the onnx engines' own graphs from the model"),
        ("verify", _models_verify, "compare a model's files with the manifest"),
        ("remove", _models_remove, "delete a model from the store"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.set_defaults(run=run)
        if name != "list":
            from webui.weights import DEFAULT_MODEL

            action.add_argument(
                "model", nargs="?", default=DEFAULT_MODEL, help=f"default: {DEFAULT_MODEL}"
            )
    return parser


def _add_detect_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    from webui.formats import FORMATS
    from webui.vad.options import PRESETS, VadOptions, option_info, option_names
    from webui.vad.scorers import SCORERS

    parser.description = (
        "Find speech in audio or video files and write the segments to standard output: "
        "with --format json one JSON object a line for each file."
    )
    parser.add_argument("audio", nargs="+", metavar="AUDIO", help="an audio or video file")
    parser.add_argument("--format", choices=FORMATS, default="json", help="default: json")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead")
    parser.add_argument(
        "--engine", choices=["auto", *SCORERS], help="default: funasr where it is installed"
    )
    parser.add_argument(
        "--channel",
        choices=["mix", "left", "right"],
        default="mix",
        help="of stereo recordings: the mean, or one side (default: mix)",
    )
    parser.add_argument("--threads", type=int, help="of the network (default: all cores)")
    parser.add_argument("--device", help='"cpu", "cuda", "cuda:1" (default: auto)')
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="default",
        help="options to start from: "
        + "; ".join(f"{name}: {preset.help[language]}" for name, preset in PRESETS.items()),
    )
    group = parser.add_argument_group("endpointer")
    defaults = VadOptions().as_dict()
    for name in option_names():
        info = option_info(name)
        span = f"{info.minimum:g} to {info.maximum:g} {info.unit}".rstrip()
        group.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=info.unit.upper() or "X",
            help=f"{info.help[language]} ({span}; default: {defaults[name]})".replace("%", "%%"),
        )


def _serve(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui.ui.app import serve

    given = {"host": chosen.host, "port": chosen.port}
    serve(replace(settings, **{name: value for name, value in given.items() if value is not None}))
    return 0


def _detect(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui import weights
    from webui.formats import FORMATS
    from webui.vad.detector import Detector
    from webui.vad.scorers import PREPARED, SCORERS, resolve_engine

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
    from webui.vad.options import PRESETS, VadOptions, option_names

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
    from webui.formats import Result
    from webui.vad.summary import explain_empty

    for audio in chosen.audio:
        name = Path(audio).name

        def on_progress(position_s: float, duration_s: float | None, name: str = name) -> None:
            if duration_s:
                percent = min(100, round(100 * position_s / duration_s))
                _show(_TEXTS[language]["scoring"].format(file=name, percent=percent))

        try:
            scores = detector.score(
                audio, channel=chosen.channel, with_peaks=False, on_progress=on_progress
            )
        except StudioError as error:
            _show("")
            _say(error.message(language))
            failed.append(audio)
            continue
        _show("")
        result = Result.of(scores, options)
        if not result.segments:
            why = explain_empty(scores, options).message(language)
            _say(f"{name}: " + _TEXTS[language]["no_speech"].format(why=why))
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
        descriptor, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=output.name)
    except OSError as error:
        raise SettingsError(
            name="--output", reason=f"{output}: {error.strerror}", reason_zh=f"无法写入 {output}"
        ) from error
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


def _bench(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    import json

    from webui.bench import report, run
    from webui.settings import project_root

    demos = sorted(((project_root() or Path()) / "assets" / "audio").glob("*.flac"))
    recordings = chosen.audio or demos
    if not recordings:
        raise SettingsError(name="bench", reason="name a recording", reason_zh="请指定一个音频文件")
    growth_s = [round(chosen.hours * share) for share in (60, 600, 3600, 3 * 3600)]
    measured = run.run(recordings, chosen.hours, max(1, chosen.rounds), growth_s, _say)
    text = report.markdown(measured)
    print(text, end="")
    if chosen.output is not None:
        chosen.output.mkdir(parents=True, exist_ok=True)
        (chosen.output / "bench.json").write_text(json.dumps(measured, indent=1), "utf-8")
        (chosen.output / "bench.md").write_text(text, "utf-8")
        report.save_figure(measured, chosen.output / "bench.png")
    return 0


def _models_list(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui import weights

    for record in weights.list_models(settings=settings):
        engines = ",".join(record.engines) or "-"
        print(f"{record.name}\t{record.state}\t{engines}\t{record.directory}")
        print(f"  {record.title[language]}; {record.licence}")
    return 0


def _models_fetch(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui import weights

    def on_progress(progress: weights.Progress) -> None:
        if progress.total_bytes:
            percent = round(100 * progress.done_bytes / progress.total_bytes)
            text = _TEXTS[language]["fetching"]
            _show(text.format(model=progress.model, source=progress.source, percent=percent))

    try:
        directory = weights.fetch(chosen.model, on_progress, settings=settings)
    finally:
        _show("")
    _say(_TEXTS[language]["fetched"].format(model=chosen.model, directory=directory))
    return _models_prepare(chosen, settings, language)


def _models_prepare(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui import weights
    from webui.vad.scorers import PREPARED
    from webui.vad.scorers.onnx_prepare import PRECISIONS, prepared_graph

    directory = weights.find(chosen.model, "onnx", settings=settings)
    for precision in PRECISIONS:
        graph = prepared_graph(directory, precision, settings.models_directory / PREPARED)
        text = _TEXTS[language]["prepared"]
        _say(text.format(model=chosen.model, precision=precision, kilobytes=len(graph) // 1000))
    return 0


def _models_verify(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui import weights

    problems = weights.verify(chosen.model, settings=settings)
    for problem in problems:
        text = _TEXTS[language]["problem"]
        _say(text.format(model=chosen.model, file=problem.file, kind=problem.kind))
    if not problems:
        _say(_TEXTS[language]["verified"].format(model=chosen.model))
    return 1 if problems else 0


def _models_remove(chosen: argparse.Namespace, settings: Settings, language: str) -> int:
    from webui import weights

    weights.remove(chosen.model, settings=settings)
    _say(_TEXTS[language]["removed"].format(model=chosen.model))
    return 0
