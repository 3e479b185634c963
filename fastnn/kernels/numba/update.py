"""Parameter updates in one pass: the operations of the reference in the same order, so the same bits."""

import math

import numpy as np

from fastnn.kernels import reference
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array


@jit
def _sgd(w: Array, dw: Array, rate: np.floating, decay: np.floating) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        w[i] -= rate * g


@jit
def _momentum(w: Array, v: Array, dw: Array, rate: np.floating, momentum: np.floating, decay: np.floating) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        v[i] = momentum * v[i] + rate * g
        w[i] -= v[i]


@jit
def _adam(
    w: Array,
    m: Array,
    v: Array,
    dw: Array,
    size: np.floating,
    beta1: np.floating,
    rest1: np.floating,
    beta2: np.floating,
    rest2: np.floating,
    eps: np.floating,
    decay: np.floating,
) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        m[i] = beta1 * m[i] + rest1 * g
        v[i] = beta2 * v[i] + rest2 * (g * g)
        w[i] -= size * (m[i] / (math.sqrt(v[i]) + eps))


def sgd_update(w: Array, dw: Array, rate: Array, decay: float) -> None:
    """``w = w - rate (dw + decay w)``."""
    if not w.flags.c_contiguous:  # rows further apart than they are long
        return reference.sgd_update(w, dw, rate, decay)
    real = w.dtype.type
    _sgd(w.reshape(-1), dw.reshape(-1), real(rate[0]), real(decay))


def momentum_update(w: Array, v: Array, dw: Array, rate: Array, momentum: float, decay: float) -> None:
    """``v = momentum v + rate (dw + decay w)``, then ``w = w - v``."""
    if not w.flags.c_contiguous:
        return reference.momentum_update(w, v, dw, rate, momentum, decay)
    real = w.dtype.type
    flat = w.reshape(-1), v.reshape(-1), dw.reshape(-1)
    _momentum(*flat, real(rate[0]), real(momentum), real(decay))


def adam_update(
    w: Array,
    m: Array,
    v: Array,
    dw: Array,
    rate: Array,
    t: Array,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
) -> None:
    """Adam with bias correction; ``t`` is 1 in the first step."""
    if not w.flags.c_contiguous:
        return reference.adam_update(w, m, v, dw, rate, t, beta1, beta2, eps, decay)
    real, step = w.dtype.type, int(t[0])
    correction = math.sqrt(1 - beta2**step)
    _adam(
        *(w.reshape(-1), m.reshape(-1), v.reshape(-1), dw.reshape(-1)),
        real(float(rate[0]) * correction / (1 - beta1**step)),
        *(real(beta1), real(1 - beta1), real(beta2), real(1 - beta2)),
        *(real(eps * correction), real(decay)),
    )
