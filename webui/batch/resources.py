"""How many processes fit on this machine, by its processors and the memory that may be taken."""

from __future__ import annotations

from webui.vad.scorers.team import cores


def fitting_workers(files: int, *, each_bytes: int, free_bytes: int, processors: int) -> int:
    """How many processes to use: no more than there are processors, files, or room for.

    Args:
        files: to work on.
        each_bytes: of memory that a process takes.
        free_bytes: of memory that may be taken.
        processors: that may be used.
    """
    return max(1, min(processors, files, free_bytes // each_bytes))


def threads_each(workers: int, processors: int) -> int:
    """Scoring threads of each process, so that together there is one for each processor."""
    return max(1, processors // workers)


def processors() -> int:
    """Processors that may be used."""
    return cores()
