"""One file of a batch, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from webui.batch.work import Figures
    from webui.engine import Job
    from webui.errors import StudioError
    from webui.ui.workspace import Recording

State = Literal["unsent", "waiting", "scoring", "done", "failed", "skipped"]
"""Not here yet; waits for its turn; in work; results are there; there are none; not reached."""

STATES: tuple[State, ...] = ("unsent", "waiting", "scoring", "done", "failed", "skipped")


@dataclass
class Row:
    """One file of a batch.

    Attributes:
        number: of its place, from 0.
        name: where it stands among the others, relative, as its owner calls it.
        size_bytes: of the file, as far as it is known.
        state: how it stands.
        recording: the file, once it is here.
        job: that scores it, from then on.
        figures: what came of it.
        error: why there are no results.
        result_id: under which it was opened last.
        place: as `name`, of what every system takes; its results are called so.
    """

    number: int
    name: str
    size_bytes: int
    state: State = "unsent"
    recording: Recording | None = None
    job: Job | None = field(default=None, repr=False)
    figures: Figures | None = None
    error: StudioError | None = None
    result_id: str = ""
    place: str = ""

    @property
    def fraction(self) -> float:
        """Share of the file that is worked on, 0 to 1."""
        if self.state in ("done", "failed"):
            return 1.0
        if self.state != "scoring" or self.job is None:
            return 0.0
        return self.job.progress.fraction or 0.0
