"""The model's files, what is made of them, and the engines that run it."""

from __future__ import annotations

from collections.abc import Iterator

from webui import weights
from webui.doctor.finding import Finding, Level, found, told
from webui.engine import Engine
from webui.errors import EngineUnavailableError, StudioError
from webui.model_errors import ModelDirectoryError
from webui.setting_places import fetch_command, program
from webui.settings import Settings
from webui.vad.scorers import SCORERS, resolve_engine


def model(settings: Settings) -> Iterator[Finding]:
    """Check the files of the default model and their hashes."""
    name = weights.DEFAULT_MODEL
    command = fetch_command(settings.models_directory)
    fetch = f"Run: {command}", f"请运行：{command}"
    record = next(each for each in weights.list_models(settings=settings) if each.name == name)
    problems = weights.verify(settings=settings)
    where = str(record.directory)
    if not problems:
        text = (
            f"{name}: all files as published, in {where}",
            f"{name}：文件均与发布的一致（{where}）",
        )
        yield found("model", "ok", *text)
        return
    try:
        weights.find(settings=settings)
    except ModelDirectoryError as error:
        yield told("model", "fail", error)
        return
    except StudioError as error:
        yield found("model", "fail", error.message("en"), error.message("zh"), advice=fetch)
        return
    names = ", ".join(f"{each.file} ({each.kind})" for each in problems)
    if record.state == "external":
        text = (
            f"{name} of FSMN_VAD_MODEL_DIR differs from the published one: {names}",
            f"FSMN_VAD_MODEL_DIR 中的 {name} 与发布的不同：{names}",
        )
        yield found("model", "warn", *text)
        return
    text = f"{name} is complete for one engine only: {names}", f"{name} 仅够一种引擎使用：{names}"
    yield found("model", "warn", *text, advice=fetch)


def graphs(settings: Settings) -> Iterator[Finding]:
    """Check that the graphs of the onnx engines need not be made anew by each program."""
    try:
        from webui.vad.scorers.onnx_prepare import PRECISIONS, is_prepared

        directory = weights.find(engine="onnx", settings=settings)
        kept = settings.prepared_directory
        lacking = [name for name in PRECISIONS if not is_prepared(directory, name, kept)]
    except (StudioError, ImportError, OSError):
        return  # another check says it
    if not lacking:
        yield found("graphs", "ok", f"prepared, in {kept}", f"已就绪（{kept}）")
        return
    names = ", ".join(lacking)
    text = (
        f"not prepared: {names}; each program makes them anew, which takes a second or two",
        f"尚未生成：{names}；每次运行都要重新生成，耗时一两秒",
    )
    command = f"{program()} models prepare"
    yield found("graphs", "warn", *text, advice=(f"Run: {command}", f"请运行：{command}"))


def engines(settings: Settings) -> Iterator[Finding]:
    """Load the model with the engine that is chosen, in a process as the page does.

    Of the others, only what they need is looked for: loading a framework that nobody asked
    for takes half a minute.
    """
    try:
        usual = resolve_engine(settings.engine)
    except EngineUnavailableError:
        usual = settings.engine
    for name in SCORERS:
        check = f"engine {name}"
        examine = _loaded if name == usual else _installed
        try:
            text = examine(name, settings)
        except StudioError as error:
            # One engine is enough.
            level: Level = "fail" if name == usual else "warn"
            yield told(check, level, error)
        else:
            yield found(check, "ok", *text)


def _loaded(name: str, settings: Settings) -> tuple[str, str]:
    engine = Engine(settings)
    try:
        status = engine.load(name).result()
    finally:
        engine.close()
    taken = f"{status.load_time_s:.1f} s"
    return (
        f"loads in {taken}, on {status.device}, the default",
        f"{taken} 内加载，设备 {status.device}，默认",
    )


def _installed(name: str, settings: Settings) -> tuple[str, str]:
    weights.find(engine=SCORERS[resolve_engine(name)].weights, settings=settings)
    return (
        "installed, with its weights; not loaded, since another is the default",
        "已安装，权重齐全；非默认引擎，未加载",
    )
