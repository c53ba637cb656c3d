"""What the engine tells of a GPU. CUDA cannot exist here, so torch.cuda is played."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from webui.engine import worker
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

    def get_device_properties(self, device):
        return SimpleNamespace(total_memory=8_000_000_000)

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


def test_reports_the_gpu_that_it_computes_on(cuda):
    assert worker._gpu_memory("cuda:1") == (
        GpuMemory("GPU cuda:1", 100_000_000, 300_000_000, 8_000_000_000),
    )


def test_no_gpu_figures_where_it_computes_on_the_cpu(cuda):
    assert worker._gpu_memory("cpu") == ()
    assert worker._clear_gpu_cache("cpu").gpus == ()
    assert cuda.reserved == 300_000_000


def test_clearing_gives_back_what_is_reserved_and_not_in_use(cuda):
    (after,) = worker._clear_gpu_cache("cuda:0").gpus
    assert after.reserved_bytes == after.allocated_bytes == 100_000_000
