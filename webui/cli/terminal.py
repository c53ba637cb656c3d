"""What the command says, in the user's language: messages and help."""

from __future__ import annotations

import contextlib
import locale
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from webui.errors import SettingsError
from webui.setting_values import PREFIX
from webui.settings import Settings

_ENDING = [signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "no_speech": "no speech. {why}",
        "fetching": "fetching {model} from {source}: {percent} %",
        "fetched": "{model} is in {directory}",
        "prepared": "{model}: graph for {precision} is ready ({kilobytes} kB)",
        "not_kept": "{model}: the graph for {precision} was made but cannot be kept in "
        "{directory}: {why}. It is made anew by each program",
        "verified": "{model}: all files are as published",
        "missing": "{model}: {file} is missing",
        "size": "{model}: {file} does not have the published size",
        "sha256": "{model}: {file} is not the published file (SHA-256)",
        "removed": "{model} is removed",
        "interrupted": "interrupted",
        "scoring": "{file}: {percent} %",
        "absent": "not here",
        "ready": "ready",
        "altered": "altered",
        "external": "external",
        "unusable": "no engine can run it",
        "cannot_run": "{engine} cannot run: {why}",
        "file_missing": "{file} is missing",
        "file_altered": "{file} is not the published file",
        "package_missing": "{package} is not installed",
        "about": "Find speech in audio with FSMN-VAD.",
        "codes": "Exit codes: 0 all done, 1 some files failed, 2 wrong usage, 130 interrupted, "
        "141 nobody reads the results any more. "
        "Settings of the program are read from FSMN_VAD_* variables.",
        "serve": "open the page (what happens without a command)",
        "profile": "presets of the settings for a board with 1 GB or less, a laptop (default) or "
        "a server; single settings go before them",
        "host": "address to listen on (default: 127.0.0.1)",
        "port": "port to listen on (default: 7860)",
        "mcp": "serve the API to MCP clients too (default: off; wants the extra [mcp])",
        "detect": "find speech in audio or video files",
        "batch": "find speech in many files, resumable",
        "detect_about": "Find speech in audio or video files and write the segments to standard "
        "output: with --format json one JSON object a line for each file. textgrid, audacity, srt, "
        "vtt and eaf hold one recording each.",
        "audio": "an audio or video file",
        "format": "default: what the ending of --output says (.srt, .TextGrid, ...), else json",
        "output": "write to this file instead (- is standard output); into a directory that "
        "exists, one file for each recording (kaldi: segments and wav.scp)",
        "figure": "also draw waveform, probability and segments: FILE ends with .svg, .png or "
        ".pdf; with several recordings, {name} in it stands for each one's name",
        "engine": "default: funasr where it is installed",
        "channel": "of stereo recordings: the mean, one side, or each side for itself "
        "(default: mix)",
        "threads": "scoring threads; 0 means one for each core (default: 0)",
        "device": '"cpu", "cuda", "cuda:1" (default: auto)',
        "preset": "options to start from: ",
        "range": "{low} to {high}; default: {default}",
        "default": "default: {default}",
        "off": "default: off",
        "stream": "find speech in samples that come through a pipe, as it is spoken",
        "bench": "measure this machine, against FunASR itself",
        "bench_about": "Measure this machine, against FunASR itself where that is installed. The "
        "recordings are written to the temporary directory (TMPDIR names another): 115 MB for "
        "each hour of --hours and of the longest of --lengths, 461 MB by default.",
        "bench_audio": "what the long recording is made of (default: the demos)",
        "hours": "length compared on, in hours ({low} to {high}, which is what a WAV file "
        "can hold; default: 1); with --stream, hours of sound over which memory is measured "
        "({low} to {stream_high}; default: 2)",
        "bench_memory": "measure memory instead: peaks of page, engine and command line, and what "
        "unloading gives back",
        "bench_missed": "more than it may be, or less: {name}",
        "bench_stream": "measure live streams instead: cost of a chunk beside FunASR's own "
        "streaming, delays, memory over hours, streams at once",
        "bench_streams": "with --stream, numbers of streams at once that are measured "
        "({low} to {high}; default: 1 25 50 100 150 200 250 300 400)",
        "bench_seconds": "with --stream, how long each of these numbers is measured "
        "({low} to {high}; default: 10)",
        "rounds": "runs of each subject ({low} to {high}; default: 3)",
        "lengths": "seconds of audio at which time and memory of `detect` are measured "
        "({low} to {high}; default: 60 600 3600 10800)",
        "bench_output": "write JSON, Markdown and a figure there",
        "models": "list, fetch, prepare, verify or remove models",
        "list": "what is known and what is here",
        "fetch": "fetch a model, checking its hashes, and prepare it",
        "prepare": "make the onnx engines' own graphs from the model",
        "verify": "compare a model's files with the manifest",
        "remove": "delete a model from the store",
        "model": "default: {model}",
        "history": "list what was run, or forget it",
        "history_about": "List what was detected, on the page and by commands, newest first. "
        "FSMN_VAD_HISTORY_RUNS says how many runs are kept (default: 500; 0 keeps none).",
        "history_search": "only runs that have all these words in file name, path, engine or "
        "source",
        "history_limit": "at most so many (default: {most})",
        "history_json": "one JSON object a line instead of a table",
        "history_clear": "forget all runs",
        "history_cleared": "forgotten: {count}",
        "history_empty": "nothing was run yet",
        "history_none_found": "no run has these words",
        "history_off": "no history is kept (FSMN_VAD_HISTORY_RUNS=0)",
        "history_aside": "the history was damaged; it is kept as {file}, and a new one is begun",
        "completion": "write what completes this command in a shell",
        "completion_about": "Write a script that completes commands, options, their values and "
        "file names. bash: fsmn-vad completion bash > "
        "~/.local/share/bash-completion/completions/fsmn-vad; zsh: fsmn-vad completion zsh > a "
        "directory of $fpath, as _fsmn-vad; fish: fsmn-vad completion fish > "
        "~/.config/fish/completions/fsmn-vad.fish. Then open a new shell.",
        "doctor": "check this installation and say what to mend",
        "doctor_about": "Check this installation: each line says ok, warn or fail, and what to do. "
        "Exit codes: 0 nothing fails (there may be warnings), 1 something fails, 2 wrong usage or "
        "a setting that cannot be used.",
        "doctor_json": "one JSON object instead of lines",
        "doctor_memory": "load the model, and say what it and this program take, where that is, "
        "what is free under the tightest limit, and what unloading gives back",
        "doctor_checking": "checking: {check} ...",
        "doctor_loading": "loading the model ...",
        "history_columns": "TIME|SOURCE|FILE|LENGTH|ENGINE|SEGMENTS|SPEECH|RTF",
    },
    "zh": {
        "no_speech": "没有语音。{why}",
        "fetching": "正在从 {source} 下载 {model}：{percent} %",
        "fetched": "{model} 位于 {directory}",
        "prepared": "{model}：{precision} 计算图已就绪（{kilobytes} kB）",
        "not_kept": "{model}：{precision} 计算图已生成，但无法保存到 {directory}（{why}），"
        "每次运行都会重新生成",
        "verified": "{model}：所有文件均与发布的一致",
        "missing": "{model}：缺少 {file}",
        "size": "{model}：{file} 的大小与发布的不同",
        "sha256": "{model}：{file} 与发布的文件不一致（SHA-256）",
        "removed": "已删除 {model}",
        "interrupted": "已中断",
        "scoring": "{file}：{percent} %",
        "absent": "未下载",
        "ready": "就绪",
        "altered": "已被改动",
        "external": "外部目录",
        "unusable": "没有可运行的引擎",
        "cannot_run": "{engine} 无法运行：{why}",
        "file_missing": "缺少 {file}",
        "file_altered": "{file} 与发布的文件不一致",
        "package_missing": "未安装 {package}",
        "about": "用 FSMN-VAD 在音频中找到语音。",
        "codes": "退出码：0 全部完成，1 部分文件失败，2 用法错误，130 被中断，"
        "141 管道已被读取方关闭。"
        "程序设置读自 FSMN_VAD_* 环境变量。",
        "serve": "打开页面（不带命令时的默认动作）",
        "profile": "一组预设：board 适合 1 GB 及以下内存，laptop（默认），server；单独的设置优先",
        "host": "监听地址（默认：127.0.0.1）",
        "port": "监听端口（默认：7860）",
        "mcp": "同时以 MCP 提供 API（默认：关闭；需要附加项 [mcp]）",
        "detect": "在音频或视频文件中检测语音",
        "batch": "在大量文件中检测语音，可续做",
        "detect_about": "在音频或视频文件中检测语音，并把语音片段写到标准输出："
        "使用 --format json 时每个文件一行 JSON；"
        "textgrid、audacity、srt、vtt 和 eaf 每个文件只存放一个录音。",
        "audio": "音频或视频文件",
        "format": "默认：由 --output 的扩展名决定（.srt、.TextGrid 等），否则为 json",
        "output": "写入该文件（- 表示标准输出）；若为已存在的目录，则每个录音写一个文件"
        "（kaldi：segments 和 wav.scp）",
        "figure": "同时绘制波形、概率和片段：FILE 以 .svg、.png 或 .pdf 结尾；"
        "有多个录音时，其中的 {name} 代表各录音的名称",
        "engine": "默认：已安装 funasr 时用 funasr",
        "channel": "立体声录音取平均、某一声道，或左右分别处理（默认：mix）",
        "threads": "打分线程数，0 表示每个核心一个（默认：0）",
        "device": '"cpu"、"cuda"、"cuda:1"（默认：auto）',
        "preset": "以哪组预设为起点：",
        "range": "{low} 到 {high}；默认：{default}",
        "default": "默认：{default}",
        "off": "默认：关闭",
        "stream": "对管道中的音频流实时检测语音",
        "bench": "在本机与 FunASR 对比测速",
        "bench_about": "在本机测速；已安装 FunASR 时与其对比。"
        "录音写入临时目录（可用 TMPDIR 指定其他目录）："
        "--hours 与最长的 --lengths 每小时 115 MB，默认共 461 MB。",
        "bench_audio": "用于拼成长录音的文件（默认：示例录音）",
        "hours": "对比所用的时长，小时（{low} 到 {high}，即 WAV 文件的上限；默认：1）；"
        "与 --stream 同用时，为测量内存所用的音频小时数（{low} 到 {stream_high}；默认：2）",
        "bench_memory": "改为测量内存：页面、引擎与命令行的峰值，以及卸载释放的内存",
        "bench_missed": "未达要求：{name}",
        "bench_stream": "改为测量实时流：每块耗时（与 FunASR 自身的流式检测对比）、延迟、"
        "数小时内的内存、可同时进行的流数",
        "bench_streams": "与 --stream 同用：要测量的同时流数"
        "（{low} 到 {high}；默认：1 25 50 100 150 200 250 300 400）",
        "bench_seconds": "与 --stream 同用：每种流数的测量秒数（{low} 到 {high}；默认：10）",
        "rounds": "每个对象运行的次数（{low} 到 {high}；默认：3）",
        "lengths": "测量 detect 耗时与内存所用的各音频时长，秒"
        "（{low} 到 {high}；默认：60 600 3600 10800）",
        "bench_output": "把 JSON、Markdown 和图写入该目录",
        "models": "列出、下载、准备、校验或删除模型",
        "list": "已知的模型及本机的状态",
        "fetch": "下载模型、校验并准备",
        "prepare": "由模型生成 onnx 引擎的计算图",
        "verify": "把模型文件与清单对照",
        "remove": "从模型存放目录删除模型",
        "model": "默认：{model}",
        "history": "列出或清空运行历史",
        "history_about": "列出页面和命令行的检测历史，最新的在前。"
        "FSMN_VAD_HISTORY_RUNS 设置保留的条数（默认：500；0 表示不记录）。",
        "history_search": "只列出文件名、路径、引擎或来源中含有全部这些词的记录",
        "history_limit": "最多列出的条数（默认：{most}）",
        "history_json": "输出 JSON，每行一条，而不是表格",
        "history_clear": "清空历史",
        "history_cleared": "已清空 {count} 条",
        "history_empty": "还没有运行记录",
        "history_none_found": "没有符合的记录",
        "history_off": "未启用历史记录（FSMN_VAD_HISTORY_RUNS=0）",
        "history_aside": "历史记录已损坏，原文件保留为 {file}，并重新开始记录",
        "completion": "输出 shell 的命令补全脚本",
        "completion_about": "输出补全脚本，可补全子命令、参数、取值和文件名。"
        "bash：fsmn-vad completion bash > ~/.local/share/bash-completion/completions/fsmn-vad；"
        "zsh：把 fsmn-vad completion zsh 的输出存为 $fpath 某目录下的 _fsmn-vad；"
        "fish：fsmn-vad completion fish > ~/.config/fish/completions/fsmn-vad.fish。"
        "然后重新打开 shell。",
        "doctor": "检查安装并说明如何修复",
        "doctor_about": "检查本机的安装：每行为 ok（正常）、warn（警告）或 fail（失败），"
        "并说明如何处理。"
        "退出码：0 没有失败项（可能有警告），1 有失败项，2 用法错误或设置不可用。",
        "doctor_json": "输出一个 JSON 对象，而不是逐行文字",
        "doctor_memory": "加载模型，报告其与本程序的内存占用和分布、"
        "最紧上限下的剩余量，以及卸载释放的内存",
        "doctor_checking": "正在检查：{check} …",
        "doctor_loading": "正在加载模型 …",
        "history_columns": "时间|来源|文件|时长|引擎|片段数|语音占比|实时率",
    },
}


def language_of(settings: Settings) -> str:
    """The language that was set, else the terminal's: "en" or "zh"."""
    if settings.language != "auto":
        return settings.language
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    first = next((name for name in named if name), None) or locale.getlocale()[0] or ""
    return "zh" if first.lower().startswith("zh") else "en"


def with_options(settings: Settings, **given: Any) -> Settings:
    """Settings with what was given as options of the command in their place.

    Args:
        settings: usable ones.
        given: by the names of settings, which are those of the options too; None: not given.

    Raises:
        SettingsError: a value cannot be used; the error names the option.
    """
    try:
        return replace(settings, **{name: v for name, v in given.items() if v is not None})
    except SettingsError as error:
        name = str(error.details["name"]).removeprefix(PREFIX).lower()
        raise SettingsError(**{**error.details, "name": f"--{name}"}) from error


@contextlib.contextmanager
def ended_as_interrupted() -> Iterator[None]:
    """Have the signals that end a program unwind it as Ctrl-C does: it tidies up first.

    The `KeyboardInterrupt` carries the signal's number. What is ignored (nohup) stays so.
    """
    before = {number: signal.getsignal(number) for number in _ENDING}
    caught = [number for number, handler in before.items() if handler is signal.SIG_DFL]

    def end(number: int, frame: object) -> None:
        # Once is enough, until the very end: `timeout` sends its signal twice, and the second
        # one would fall into the tidying up.
        for each in caught:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    for number in caught:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in caught:
            if signal.getsignal(number) is end:
                signal.signal(number, signal.SIG_DFL)


def say(text: str) -> None:
    """Say something on standard error."""
    print(f"fsmn-vad: {text}", file=sys.stderr)


def show(text: str) -> None:
    """Show progress on one line of a terminal; nothing where there is no terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
