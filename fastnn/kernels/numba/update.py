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
def _nesterov(w: Array, v: Array, dw: Array, rate: np.floating, momentum: np.floating, decay: np.floating) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        v[i] = momentum * v[i] + rate * g
        w[i] -= momentum * v[i] + rate * g


@jit
def _by_root(
    w: Array,
    v: Array,
    dw: Array,
    rate: np.floating,
    rho: np.floating,
    rest: np.floating,
    eps: np.floating,
    decay: np.floating,
) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        v[i] = rho * v[i] + rest * (g * g)
        w[i] -= rate * (g / (math.sqrt(v[i]) + eps))


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


def nesterov_update(w: Array, v: Array, dw: Array, rate: Array, momentum: float, decay: float) -> None:
    """``v = momentum v + rate g``, then ``w = w - (momentum v + rate g)``, with ``g = dw + decay w``."""
    if not w.flags.c_contiguous:
        return reference.nesterov_update(w, v, dw, rate, momentum, decay)
    real = w.dtype.type
    _nesterov(w.reshape(-1), v.reshape(-1), dw.reshape(-1), real(rate[0]), real(momentum), real(decay))


def rmsprop_update(w: Array, v: Array, dw: Array, rate: Array, rho: float, eps: float, decay: float) -> None:
    """``v = rho v + (1 - rho) g²``, then ``w = w - rate g / (√v + eps)``, with ``g = dw + decay w``."""
    if not w.flags.c_contiguous:
        return reference.rmsprop_update(w, v, dw, rate, rho, eps, decay)
    real, flat = w.dtype.type, (w.reshape(-1), v.reshape(-1), dw.reshape(-1))
    _by_root(*flat, real(rate[0]), real(rho), real(1 - rho), real(eps), real(decay))


def adagrad_update(w: Array, v: Array, dw: Array, rate: Array, eps: float, decay: float) -> None:
    """``v = v + g²``, then ``w = w - rate g / (√v + eps)``, with ``g = dw + decay w``."""
    if not w.flags.c_contiguous:
        return reference.adagrad_update(w, v, dw, rate, eps, decay)
    real, flat = w.dtype.type, (w.reshape(-1), v.reshape(-1), dw.reshape(-1))
    _by_root(*flat, real(rate[0]), real(1), real(1), real(eps), real(decay))


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


def adamw_update(
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
    """``w = (1 - rate decay) w``, then ``adam_update`` without decay."""
    w *= w.dtype.type(1 - float(rate[0]) * decay)
    adam_update(w, m, v, dw, rate, t, beta1, beta2, eps, 0.0)
