"""Settings of the program: one frozen record, filled from ``FSMN_VAD_*`` variables.

The field ``cache_bytes`` is read from ``FSMN_VAD_CACHE_BYTES``, and so on. What
concerns one recording (thresholds, times) is not here but in ``VadOptions``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from webui.setting_places import (
    default_manifest_file,
    default_models_directory,
    default_workspace_directory,
    project_root,
)
from webui.setting_profiles import PROFILES
from webui.setting_values import PREFIX, about, check, parse, unusable

__all__ = ["PREFIX", "PROFILES", "Settings", "project_root"]

_MIB = 1024**2
_GIB = 1024**3


@dataclass(frozen=True)
class Settings:
    """How the program runs on this machine.

    ``field.metadata`` has the help of each setting under "en" and "zh", and its
    range under "low", "high" (both inclusive) and "choices".

    Raises:
        SettingsError: a value is outside its range.
    """

    host: str = field(
        default="127.0.0.1",
        metadata=about(
            en="Address the page listens on. Any but a loopback address wants a password.",
            zh="页面监听的地址。非本机地址需要设置密码。",
        ),
    )
    port: int = field(
        default=7860,
        metadata=about(en="Port the page listens on.", zh="页面监听的端口。", low=1, high=65535),
    )
    password: str | None = field(
        default=None,
        repr=False,  # it must not reach a log
        metadata=about(
            en='Sign-in of the page, as "user:password".',
            zh="页面的登录信息，格式为“用户名:密码”。",
        ),
    )
    language: str = field(
        default="auto",
        metadata=about(
            en="Language of the page; auto follows the browser.",
            zh="页面语言；auto 表示跟随浏览器。",
            choices=("auto", "en", "zh"),
        ),
    )
    models_directory: Path = field(
        default_factory=default_models_directory,
        metadata=about(
            en="Model store: each model has a directory of its name in it.",
            zh="模型存放目录，每个模型一个同名子目录。",
        ),
    )
    manifest_file: Path = field(
        default_factory=default_manifest_file,
        metadata=about(
            en="List of the models, with their sources and hashes.",
            zh="模型清单文件，含来源与校验值。",
        ),
    )
    model_dir: Path | None = field(
        default=None,
        metadata=about(
            en="Directory of an FSMN-VAD model that is used as it is, in place of the store's.",
            zh="直接使用的 FSMN-VAD 模型目录，代替模型存放目录中的模型。",
        ),
    )
    fetch_timeout_s: float = field(
        default=15.0,
        metadata=about(
            en="A model source that is silent for so many seconds is given up.",
            zh="模型来源无响应超过此秒数即放弃。",
            low=0.1,
            high=600,
        ),
    )
    workspace_directory: Path = field(
        default_factory=default_workspace_directory,
        metadata=about(
            en="Directory for uploads and results while they are worked on.",
            zh="处理过程中存放上传文件和结果的目录。",
        ),
    )
    profile: str = field(
        default="laptop",
        metadata=about(
            en="Values of other settings, to begin with: board for 1 GB of memory or less, "
            "laptop, server. A setting's own variable or option goes before it.",
            zh="其他设置的一组初始值：board 适合 1 GB 及以下内存，laptop 为笔记本，"
            "server 为服务器。单独设置的变量或选项优先。",
            choices=tuple(PROFILES),
        ),
    )
    memory_share: float = field(
        default=0.85,
        metadata=about(
            en="Share of the memory (of the machine, or of the container's limit) above which "
            "new jobs are refused; running ones go on.",
            zh="内存（整机或容器上限）使用比例超过此值时拒绝新任务，已在运行的任务继续。",
            low=0.1,
            high=1,
        ),
    )
    engine_memory_bytes: int = field(
        default=0,
        metadata=about(
            en="Most memory that the engine's process may take for its data; a job that needs "
            "more fails, alone. 0 = no limit of its own.",
            zh="引擎进程数据可占用的最大内存；需要更多内存的任务会单独失败。0 表示不另设上限。",
            low=0,
            high=1024 * _GIB,
        ),
    )
    block_s: float = field(
        default=30.0,
        metadata=about(
            en="Seconds of audio that are scored at a time; less needs less memory. "
            "Shortened by itself when memory is short.",
            zh="每次打分的音频秒数，越小占用内存越少；内存紧张时会自动缩短。",
            low=1,
            high=600,
        ),
    )
    precision: str = field(
        default="fp32",
        metadata=about(
            en="Numbers that the funasr engine computes with on a GPU: fp32, or fp16, which "
            "takes half the memory and may move boundaries.",
            zh="funasr 引擎在 GPU 上使用的数值精度：fp32，或 fp16（显存减半，边界可能略有变化）。",
            choices=("fp32", "fp16"),
        ),
    )
    engine: str = field(
        default="auto",
        metadata=about(
            en="Engine that scores; auto takes funasr where it is installed, else onnx.",
            zh="打分引擎；auto 表示已安装 funasr 时使用 funasr，否则使用 onnx。",
            choices=("auto", "funasr", "onnx", "onnx-int8"),
        ),
    )
    device: str = field(
        default="auto",
        metadata=about(
            en='Where the engine computes: auto, cpu, cuda, mps, or one card such as "cuda:1".',
            zh="引擎的计算设备：auto、cpu、cuda、mps，或指定显卡，如 cuda:1。",
        ),
    )
    threads: int = field(
        default=0,
        metadata=about(
            en="Scoring threads; 0 means one for each core.",
            zh="打分线程数；0 表示每个核心一个。",
            low=0,
            high=1024,
        ),
    )
    start_timeout_s: float = field(
        default=300.0,
        metadata=about(
            en="An engine that has not loaded its model after so many seconds is ended.",
            zh="引擎在此秒数内未能加载模型即结束。",
            low=1,
            high=3600,
        ),
    )
    stall_timeout_s: float = field(
        default=120.0,
        metadata=about(
            en="A busy engine that gives no sign of life for so many seconds is ended.",
            zh="引擎在工作中超过此秒数无响应即结束。",
            low=1,
            high=3600,
        ),
    )
    idle_unload_s: float = field(
        default=600.0,
        metadata=about(
            en="The model is unloaded after so many seconds without work; 0 means never.",
            zh="空闲超过此秒数后自动卸载模型；0 表示从不。",
            low=0,
            high=366 * 24 * 3600,
        ),
    )
    max_waiting_jobs: int = field(
        default=32,
        metadata=about(
            en="Jobs that may wait for the engine at once; further ones are turned away.",
            zh="可同时排队的任务数，超出的将被拒绝。",
            low=1,
            high=10_000,
        ),
    )
    cache_bytes: int = field(
        default=256 * _MIB,
        metadata=about(
            en="Memory for speech probabilities and waveforms that are kept "
            "(3.5 MB an hour of audio and channel).",
            zh="用于保留语音概率和波形的内存（每小时音频每声道约 3.5 MB）。",
            low=_MIB,
            high=64 * _GIB,
        ),
    )
    max_upload_bytes: int = field(
        default=4 * _GIB,
        metadata=about(
            en="Largest upload.", zh="上传文件的最大字节数。", low=_MIB, high=1024 * _GIB
        ),
    )
    workspace_bytes: int = field(
        default=8 * _GIB,
        metadata=about(
            en="Disk room of all uploads together; the oldest go first. "
            "At least the size of the largest upload.",
            zh="全部上传文件可占用的磁盘空间，超出时先删除最早的；不得小于单个上传文件的上限。",
            low=_MIB,
            high=1024 * _GIB,
        ),
    )
    upload_age_s: float = field(
        default=24 * 3600.0,
        metadata=about(
            en="Uploads and results are deleted after so many seconds.",
            zh="上传文件和结果在此秒数后删除。",
            low=60,
            high=366 * 24 * 3600,
        ),
    )
    mcp: bool = field(
        default=False,
        metadata=about(
            en="Serve the API to MCP clients too, at /gradio_api/mcp/; wants the extra [mcp].",
            zh="同时以 MCP 提供 API（/gradio_api/mcp/）；需要安装附加项 [mcp]。",
        ),
    )
    server_folders: tuple[Path, ...] = field(
        default=(),
        metadata=about(
            en="Folders of this machine whose recordings page and API may open by their path, "
            f"separated by {os.pathsep!r}; none unless named.",
            zh=f"允许页面和 API 按路径打开其中录音的本机目录，以 {os.pathsep!r} 分隔；默认没有。",
        ),
    )
    batch_files: int = field(
        default=10_000,
        metadata=about("Files of a batch on the page.", "页面批处理的文件数上限。", 1, 100_000),
    )
    max_batches: int = field(
        default=16,
        metadata=about(
            en="Batches that the page keeps; the oldest that has ended goes first.",
            zh="页面保留的批处理数量，超出时先删除最早结束的。",
            low=1,
            high=1000,
        ),
    )
    history_runs: int = field(
        default=500,
        metadata=about(
            en="Detections that the history remembers, of the page and of the command line, "
            "the oldest forgotten first; 0 keeps no history.",
            zh="历史记录保留的检测次数（页面与命令行合计），超出时先删除最早的；0 表示不记录。",
            low=0,
            high=100_000,
        ),
    )

    max_streams: int = field(
        default=100,
        metadata=about(
            en="Live streams that are served at once; further ones are turned away.",
            zh="可同时进行的实时流数量，超出的将被拒绝。",
            low=1,
            high=10_000,
        ),
    )
    stream_bytes_per_s: int = field(
        default=4 * _MIB,
        metadata=about(
            en="Audio that a live stream may send in a second. Faster input is read more "
            "slowly, never lost; a format that has more bytes is refused.",
            zh="每个实时流每秒可发送的音频字节数。更快的输入会被放慢读取，不会丢失；"
            "数据量更大的格式会被拒绝。",
            low=2_000,
            high=1024 * _MIB,
        ),
    )
    stream_idle_s: float = field(
        default=60.0,
        metadata=about(
            en="A live stream from which nothing came for so many seconds is ended; "
            "a lost connection may be resumed until then.",
            zh="实时流超过此秒数没有数据即结束；在此之前可以恢复断开的连接。",
            low=0.1,
            high=24 * 3600,
        ),
    )
    live_keep_s: float = field(
        default=1800.0,
        metadata=about(
            en="The latest seconds of a live recording that are kept, on disk; "
            "the oldest go first.",
            zh="实时录音在磁盘上保留最近的秒数，超出时先删除最早的。",
            low=1,
            high=24 * 3600,
        ),
    )

    def __post_init__(self) -> None:
        """Check every value against its range."""
        for item in fields(self):
            check(item.name, getattr(self, item.name), item.metadata)
        if not self.host.strip():
            raise unusable("host", "name an address, such as 127.0.0.1", "请填写地址，如 127.0.0.1")
        if self.password is not None and not all(self.password.partition(":")):
            raise unusable("password", "write user:password", "请写成“用户名:密码”")
        if self.workspace_bytes < self.max_upload_bytes:
            raise unusable(
                "workspace_bytes",
                f"{self.workspace_bytes} is less than FSMN_VAD_MAX_UPLOAD_BYTES "
                f"({self.max_upload_bytes}); raise the one or lower the other",
                f"{self.workspace_bytes} 小于 FSMN_VAD_MAX_UPLOAD_BYTES"
                f"（{self.max_upload_bytes}），请增大前者或减小后者",
            )
        kind, colon, number = self.device.partition(":")
        plain = self.device in ("auto", "cpu", "cuda", "mps")
        if not plain and not (kind == "cuda" and colon and number.isdecimal()):
            raise unusable(
                "device",
                f"{self.device} is not a device: auto, cpu, cuda, mps, or a card such as cuda:1",
                f"{self.device} 不是有效的设备，可用：auto、cpu、cuda、mps，或指定显卡，如 cuda:1",
            )

    @property
    def prepared_directory(self) -> Path:
        """Where what engines make from models is kept: a cache within the model store."""
        return self.models_directory / "prepared"

    @property
    def history_file(self) -> Path:
        """Database of what was run, for all programs of this user."""
        return self.workspace_directory / "history.sqlite3"

    def may_open(self, path: Path) -> bool:
        """Whether a path, with all links followed, is below one of the `server_folders`."""
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError):  # no file can have this name, or links circle
            return False
        return any(real.is_relative_to(folder.resolve()) for folder in self.server_folders)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read each setting from its variable; an unset or empty one keeps its default.

        What the profile sets goes before the defaults, and each variable before the profile.

        Args:
            environment: variables to read in place of ``os.environ``.

        Raises:
            SettingsError: a variable cannot be used; the error says what is allowed.
        """
        source = os.environ if environment is None else environment
        given = {
            item.name: parse(item.name, text, item.type)
            for item in fields(cls)
            if (text := source.get(PREFIX + item.name.upper(), "").strip())
        }
        # The defaults first, so that a wrong name of a profile is told as such.
        profile = cls(profile=given.get("profile", cls.profile)).profile
        return replace(cls(), **{**PROFILES[profile], **given})
