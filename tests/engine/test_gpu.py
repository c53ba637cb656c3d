"""What the engine tells of a GPU. CUDA cannot exist here, so torch.cuda is played."""

from __future__ import annotations

import sys
from types import MappingProxyType, SimpleNamespace

import pytest

from webui.engine import gpu
from webui.engine.messages import GpuMemory


class Cuda:
    """Stands where torch.cuda stands: 300 MB reserved, of which 100 are in use."""

    def __init__(self):
        self.reserved, self.allocated, self.synchronised = 300_000_000, 100_000_000, []

    def get_device_name(self, device):
        return f"GPU {device}"

    def memory_allocated(self, device):
        return self.allocated

    def memory_reserved(self, device):
        return self.reserved

    def max_memory_allocated(self, device):
        return 250_000_000

    def mem_get_info(self, device):
        # The context takes 400 MB here, another program 500.
        return 8_000_000_000 - 900_000_000 - self.reserved, 8_000_000_000

    def get_device_properties(self, device):
        return SimpleNamespace(total_memory=8_000_000_000, uuid="0123")

    def synchronize(self, device):
        self.synchronised.append(device)

    def empty_cache(self):
        assert self.synchronised, "work in flight would keep its memory"
        self.reserved = self.allocated


@pytest.fixture
def cuda(monkeypatch):
    cuda = Cuda()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    return cuda


@pytest.fixture
def meter(monkeypatch):
    """Make a meter that finds 500 MB of the card in use by another program."""

    def make(device, figures=MappingProxyType({"GPU-0123": 500_000_000, "GPU-4567": 1})):
        monkeypatch.setattr(gpu, "_driver_figures", lambda: figures)
        made = gpu.GpuMeter()
        made.loaded(device)
        return made

    return make


def test_reports_the_gpu_that_it_computes_on(cuda, meter):
    assert meter("cuda:1").read() == (
        GpuMemory(
            name="GPU cuda:1",
            allocated_bytes=100_000_000,
            reserved_bytes=300_000_000,
            peak_bytes=250_000_000,
            total_bytes=8_000_000_000,
            free_bytes=6_800_000_000,
            context_bytes=400_000_000,
        ),
    )


def test_what_the_context_takes_is_not_guessed_where_the_driver_does_not_tell(cuda, meter):
    (memory,) = meter("cuda:0", figures={}).read()
    assert memory.context_bytes is None


def test_no_gpu_figures_where_it_computes_on_the_cpu(cuda, meter):
    on_cpu = meter("cpu")
    on_cpu.clear_cache()
    assert on_cpu.read() == ()
    assert cuda.reserved == 300_000_000


def test_clearing_gives_back_what_is_reserved_and_not_in_use(cuda, meter):
    on_gpu = meter("cuda:0")
    on_gpu.clear_cache()
    (after,) = on_gpu.read()
    assert after.reserved_bytes == after.allocated_bytes == 100_000_000


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("GPU-0123, 477\nGPU-4567, 1\n", {"GPU-0123": 477 * 1024**2, "GPU-4567": 1024**2}),
        ("GPU-0123, [N/A]\n", {}),
        ("No devices were found\n", {}),
    ],
)
def test_the_drivers_tool_is_read(tmp_path, monkeypatch, printed, expected):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}END\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpu._driver_figures() == expected


def test_without_the_drivers_tool_there_are_no_figures(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu._driver_figures() == {}


def test_an_apple_gpu_is_read_too(monkeypatch, meter):
    mps = SimpleNamespace(
        driver_allocated_memory=lambda: 300,
        recommended_max_memory=lambda: 1000,
        current_allocated_memory=lambda: 100,
        empty_cache=lambda: None,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(mps=mps))
    on_mps = meter("mps:0", figures={})
    on_mps.clear_cache()
    (memory,) = on_mps.read()
    assert (memory.allocated_bytes, memory.reserved_bytes, memory.free_bytes) == (100, 300, 700)
    assert memory.peak_bytes is memory.context_bytes is None
