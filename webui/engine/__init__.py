"""The scorer in a process of its own: jobs, progress, stop, unload, memory."""

from webui.engine.engine import Engine, EngineStatus
from webui.engine.jobs import Job, JobProgress
from webui.engine.memory import MemoryChange, MemoryReading
from webui.engine.messages import GpuMemory

__all__ = [
    "Engine",
    "EngineStatus",
    "GpuMemory",
    "Job",
    "JobProgress",
    "MemoryChange",
    "MemoryReading",
]
