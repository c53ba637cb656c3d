"""Python and its packages, against what is needed and what is tested together."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

from webui.doctor.finding import Finding, found
from webui.settings import Settings, project_root

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LEAST = (3, 10)
_PACKAGE = "fsmn-vad-studio"
_SET_UP = (
    "Run ./run.sh once: it sets up an environment with the versions that are tested together.",
    "请运行一次 ./run.sh：它会建立环境并安装经过测试的版本组合。",
)


def python(settings: Settings) -> Iterator[Finding]:
    """Check the version of Python."""
    version = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.version_info >= _LEAST:
        yield found("python", "ok", version, version)
        return
    advice = ("Install Python 3.10 or newer.", "请安装 Python 3.10 或更新版本。")
    yield found("python", "fail", version, version, advice=advice)


def packages(settings: Settings) -> Iterator[Finding]:
    """Check that each package is here, and in a version that is known to work."""
    # Here, so that a missing package is a finding and not a traceback.
    try:
        from packaging.requirements import Requirement
        from packaging.version import Version
    except ImportError:
        text = "packaging is not installed", "未安装 packaging"
        yield found("packages", "fail", *text, advice=_SET_UP)
        return
    missing, unfit, untested, count = [], [], [], 0
    tested = _tested()
    for line in _required():
        need = Requirement(line)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            missing.append(need.name)
            continue
        usual = tested.get(need.name.lower())
        if not need.specifier.contains(version, prereleases=True):
            unfit.append(f"{need.name} {version} ({need.specifier})")
        elif usual is not None and Version(version) != Version(usual):
            untested.append(f"{need.name} {version} ({usual})")
    if missing:
        names = ", ".join(missing)
        yield found("packages", "fail", f"missing: {names}", f"缺少：{names}", advice=_SET_UP)
    if unfit:
        names = ", ".join(unfit)
        text = f"cannot be used: {names}", f"版本不可用：{names}"
        yield found("packages", "fail", *text, advice=_SET_UP)
    if untested:
        names = ", ".join(untested)
        text = f"not the tested versions: {names}", f"与测试过的版本不同：{names}"
        yield found("packages", "warn", *text, advice=_SET_UP)
    if not (missing or unfit or untested):
        text = f"{count} packages, as tested", f"{count} 个软件包，均为测试过的版本"
        yield found("packages", "ok", *text)


def _required() -> list[str]:
    """What the light install needs, as this project declares it."""
    root = project_root()
    if root is not None:
        with (root / "pyproject.toml").open("rb") as file:
            declared: list[str] = tomllib.load(file)["project"]["dependencies"]
        return declared
    lines = metadata.requires(_PACKAGE) or []
    return [line for line in lines if "extra ==" not in line]


def _tested() -> dict[str, str]:
    """Versions that are tested together, by name; nothing where the list is not at hand."""
    from packaging.requirements import Requirement

    root = project_root()
    file = root / "constraints.txt" if root else None
    if file is None or not file.is_file():
        return {}
    lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
    pins = [Requirement(line) for line in lines if line]
    return {
        pin.name.lower(): next(iter(pin.specifier)).version
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }
