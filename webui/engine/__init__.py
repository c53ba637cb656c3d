"""The scorer in a process of its own: jobs, live streams, stop, unload, memory."""

from webui.engine.engine import Engine
from webui.engine.jobs import Job, JobProgress
from webui.engine.memory import MemoryChange, MemoryReading
from webui.engine.messages import GpuMemory
from webui.engine.status import EngineStatus
from webui.engine.stream import EngineStream

__all__ = [
    "Engine",
    "EngineStatus",
    "EngineStream",
    "GpuMemory",
    "Job",
    "JobProgress",
    "MemoryChange",
    "MemoryReading",
]
