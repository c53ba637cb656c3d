"""All checks, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from webui.doctor import machine, models, packages, page, sound
from webui.doctor.finding import Finding, found, told
from webui.errors import StudioError
from webui.settings import Settings

Check = Callable[[Settings], Iterator[Finding]]

CHECKS: Mapping[str, Check] = {
    "profile": machine.profile,
    "python": packages.python,
    "packages": packages.packages,
    "model": models.model,
    "graphs": models.graphs,
    "engines": models.engines,
    "audio": sound.audio,
    "memory": machine.memory,
    "disk": machine.disk,
    "workspace": machine.workspace,
    "history": machine.history,
    "page": page.page,
    "browser": machine.browser,
}


def examine(
    settings: Settings, on_check: Callable[[str], object] = lambda name: None
) -> Iterator[Finding]:
    """Check one thing after another; yields what is found as it is found.

    Args:
        settings: of the program.
        on_check: told the name of each check before it begins, since some take seconds.
    """
    for name, check in CHECKS.items():
        on_check(name)
        try:
            yield from check(settings)
        except StudioError as error:
            yield told(name, "fail", error)
        except Exception as error:
            # A doctor that falls ill helps nobody: whatever is broken is a finding.
            why = f"{type(error).__name__}: {error}"
            yield found(name, "fail", f"cannot be checked ({why})", f"无法检查（{why}）")
