"""Whether the page can be served."""

from __future__ import annotations

from collections.abc import Iterator

from webui.doctor.finding import Finding, found, told
from webui.errors import PortTakenError, SettingsError
from webui.settings import Settings


def page(settings: Settings) -> Iterator[Finding]:
    """Load what serves the page, and try its address."""
    try:
        from webui.ui.access import check_exposure
        from webui.ui.app import check_port
    except ImportError as error:
        text = f"what serves it cannot be loaded ({error})", f"无法加载页面服务（{error}）"
        advice = "Run ./run.sh once.", "请运行一次 ./run.sh。"
        yield found("page", "fail", *text, advice=advice)
        return
    try:
        check_exposure(settings)
        check_port(settings.host, settings.port)
    except PortTakenError as error:
        yield told("page", "warn", error)
    except SettingsError as error:
        yield told("page", "fail", error)
    else:
        address = f"http://{settings.host}:{settings.port}"
        yield found("page", "ok", f"{address} is free", f"{address} 可用")
