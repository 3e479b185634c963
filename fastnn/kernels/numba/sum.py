"""Penalties on weights."""

import numpy as np

from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array


@jit
def _sums(w: Array, loss: Array, l1: float, l2: float) -> None:
    """In four chains of sums, because an addition waits for the one before it."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    q0, q1, q2, q3 = 0.0, 0.0, 0.0, 0.0
    whole = w.size - w.size % 4
    for i in range(0, whole, 4):
        a, b, c, d = np.float64(w[i]), np.float64(w[i + 1]), np.float64(w[i + 2]), np.float64(w[i + 3])
        s0, s1, s2, s3 = s0 + abs(a), s1 + abs(b), s2 + abs(c), s3 + abs(d)
        q0, q1, q2, q3 = q0 + a * a, q1 + b * b, q2 + c * c, q3 + d * d
    for i in range(whole, w.size):
        a = np.float64(w[i])
        s0, q0 = s0 + abs(a), q0 + a * a
    loss[0] += l1 * ((s0 + s1) + (s2 + s3)) + l2 / 2 * ((q0 + q1) + (q2 + q3))


@jit
def _gradient(w: Array, dw: Array, l1: np.floating, l2: np.floating) -> None:
    one = w.dtype.type(1)
    for i in range(w.size):
        value = w[i]
        sign = one if value > 0 else (-one if value < 0 else value)
        change = dw[i] + l2 * value if l2 != 0 else dw[i]
        dw[i] = change + l1 * sign if l1 != 0 else change


def penalty(w: Array, dw: Array | None, loss: Array, l1: float, l2: float) -> None:
    """``loss += l1 Σ|w| + l2 Σ w² / 2`` and ``dw += l1 sign(w) + l2 w``."""
    real, flat = w.dtype.type, w.reshape(-1)
    _sums(flat, loss, l1, l2)
    if dw is not None:
        _gradient(flat, dw.reshape(-1), real(l1), real(l2))
