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
        parts: float32, shape (n,) each, or (channels, n); empty ones do no harm.
        block_samples: at least 1.
    """
    block, filled = np.empty(0, np.float32), 0
    for part in parts:
        taken, samples = 0, part.shape[-1]
        while taken < samples:
            if not filled:
                block = np.empty((*part.shape[:-1], block_samples), np.float32)
            count = min(samples - taken, block_samples - filled)
            block[..., filled : filled + count] = part[..., taken : taken + count]
            taken, filled = taken + count, filled + count
            if filled == block_samples:
                yield block
                filled = 0
    if filled:
        yield block[..., :filled].copy()
