"""Memory of the GPU that the scorer computes on; for the engine's process alone.

Torch is looked up among what is loaded: this module must not be what loads it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from webui.engine.messages import GpuMemory

_NVIDIA_SMI = (
    "nvidia-smi",
    "--query-gpu=uuid,memory.used",
    "--format=csv,noheader,nounits",
)
_SMI_TIMEOUT_S = 10
_MIB = 1024**2


class GpuMeter:
    """Reads the memory of one device.

    Made before torch touches a GPU: what a device had in use before and has after tells
    what the CUDA context takes, which torch's own figures leave out.
    """

    def __init__(self) -> None:
        self._used_before = _driver_figures()
        self._context_bytes: int | None = None
        self._device = "cpu"

    def loaded(self, device: str) -> None:
        """Note where the scorer computes, right after it was loaded."""
        self._device = device
        if not device.startswith("cuda"):
            return
        cuda = sys.modules["torch"].cuda
        cuda.synchronize(device)
        before = self._used_before.get(f"GPU-{cuda.get_device_properties(device).uuid}")
        if before is not None:
            free_bytes, total_bytes = cuda.mem_get_info(device)
            came_bytes = total_bytes - free_bytes - before
            self._context_bytes = max(0, came_bytes - cuda.memory_reserved(device))

    def read(self) -> tuple[GpuMemory, ...]:
        """Memory of the device now; nothing where that is the CPU."""
        if self._device.startswith("cuda"):
            cuda = sys.modules["torch"].cuda
            return (
                GpuMemory(
                    name=cuda.get_device_name(self._device),
                    allocated_bytes=cuda.memory_allocated(self._device),
                    reserved_bytes=cuda.memory_reserved(self._device),
                    peak_bytes=cuda.max_memory_allocated(self._device),
                    total_bytes=cuda.get_device_properties(self._device).total_memory,
                    free_bytes=cuda.mem_get_info(self._device)[0],
                    context_bytes=self._context_bytes,
                ),
            )
        if self._device.startswith("mps"):
            mps = sys.modules["torch"].mps
            reserved_bytes, most_bytes = mps.driver_allocated_memory(), mps.recommended_max_memory()
            return (
                GpuMemory(
                    name="Apple GPU",
                    allocated_bytes=mps.current_allocated_memory(),
                    reserved_bytes=reserved_bytes,
                    peak_bytes=None,
                    total_bytes=most_bytes,
                    free_bytes=max(0, most_bytes - reserved_bytes),
                    context_bytes=None,
                ),
            )
        return ()

    def clear_cache(self) -> None:
        """Give back what torch keeps for later."""
        if self._device.startswith("cuda"):
            cuda = sys.modules["torch"].cuda
            cuda.synchronize(self._device)
            cuda.empty_cache()
        elif self._device.startswith("mps"):
            sys.modules["torch"].mps.empty_cache()


def _driver_figures() -> Mapping[str, int]:
    """Bytes in use of each NVIDIA GPU by its UUID; empty where the driver's tool is missing."""
    try:
        run = subprocess.run(
            _NVIDIA_SMI, capture_output=True, text=True, timeout=_SMI_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    rows = (line.split(",") for line in run.stdout.splitlines())
    # A card that hides its figures writes "[N/A]".
    return {
        row[0].strip(): int(row[1]) * _MIB
        for row in rows
        if len(row) == 2 and row[1].strip().isdecimal()
    }
