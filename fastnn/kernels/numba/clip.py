"""Clipping of a gradient to a norm."""

import math

import numpy as np

from fastnn.kernels import reference
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array


@jit
def _square(g: Array, total: Array) -> None:
    """Σ g², in eight chains of sums, because an addition waits for the one before it."""
    chains = np.zeros(8)
    for i in range(0, g.size - g.size % 8, 8):
        for k in range(8):
            value = np.float64(g[i + k])
            chains[k] += value * value
    for i in range(g.size - g.size % 8, g.size):
        value = np.float64(g[i])
        chains[0] += value * value
    total[0] = chains.sum()


@np.errstate(all="ignore")
def clip_norm(g: Array, limit: float) -> None:
    """``g = g limit / ‖g‖`` if the norm ``‖g‖``, computed in float64, is above ``limit``; otherwise nothing."""
    total = np.zeros(1)
    _square(g.reshape(-1), total)
    norm = math.sqrt(total[0])
    if math.isinf(norm):
        reference.clip_norm(g, limit)
    elif norm > limit:
        g *= g.dtype.type(limit / norm)
