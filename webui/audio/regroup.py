"""Samples that come in parts of any size, in blocks of one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray


def regrouped(
    parts: Iterable[NDArray[np.float32]], block_samples: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the same samples in blocks of exactly ``block_samples``, the last one shorter.

    Args:
        parts: float32, shape (n,) each; empty ones do no harm.
        block_samples: at least 1.
    """
    held: list[NDArray[np.float32]] = []
    samples = 0
    for part in parts:
        held.append(part)
        samples += len(part)
        if samples < block_samples:
            continue
        joined = np.concatenate(held)
        whole = samples - samples % block_samples
        for start in range(0, whole, block_samples):
            yield joined[start : start + block_samples]
        held, samples = [joined[whole:].copy()], samples - whole
    if samples:
        yield np.concatenate(held)
