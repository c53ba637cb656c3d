"""Whether this installation can do its work, and what to mend where it cannot."""

from webui.doctor.finding import Finding, worst
from webui.doctor.memory import examine_memory
from webui.doctor.rounds import CHECKS, examine

__all__ = ["CHECKS", "Finding", "examine", "examine_memory", "worst"]
