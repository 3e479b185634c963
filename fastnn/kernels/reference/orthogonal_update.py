"""Muon: the step of a matrix along the matrix with orthogonal rows or columns that is nearest to its mean gradient."""

import math

import numpy as np

from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.updates import (
    ORTHOGONAL_LEAST_NORM,
    ORTHOGONAL_POLYNOMIAL,
    ORTHOGONAL_SCALE,
    ORTHOGONAL_STEPS,
)


@np.errstate(all="ignore")
def orthogonal_update(w: Array, mw: Array, dw: Array, work: Array, rate: Array, decay: float, momentum: float) -> None:
    """One step of Muon (Jordan et al. 2024, with the scale and decay of Liu et al. 2025), in place.

    ``m = momentum m + (1 - momentum) g``, ``x = momentum m + (1 - momentum) g`` (Nesterov), ``x = x / ‖x‖``; five times
    ``x = (a + b x xᵀ + c (x xᵀ)²) x``, which makes all singular values nearly 1; at last
    ``w = (1 - rate decay) w - 0.2 √max(d, m) rate x``. The products are those of the shorter side. Elements of m that
    become smaller than the smallest normal number are written as 0.
    """
    real = w.dtype.type
    new = real(1 - momentum) * dw
    mw *= real(momentum)
    mw += new
    mw[np.abs(mw) < np.finfo(mw.dtype).tiny] = 0
    x = real(momentum) * mw + new
    x *= real(1 / max(math.sqrt(np.square(x, dtype=np.float64).sum()), ORTHOGONAL_LEAST_NORM))
    tall = w.shape[0] > w.shape[1]
    linear, cubic, quintic = map(real, ORTHOGONAL_POLYNOMIAL)
    for _ in range(ORTHOGONAL_STEPS):
        square = x.T @ x if tall else x @ x.T
        polynomial = cubic * square + quintic * (square @ square)
        polynomial.flat[:: len(polynomial) + 1] += linear
        x = x @ polynomial if tall else polynomial @ x
    size = real(float(rate[0]) * ORTHOGONAL_SCALE * math.sqrt(max(w.shape)))
    w *= real(1 - float(rate[0]) * decay)
    w -= size * x
