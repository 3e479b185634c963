"""Parameter updates in one pass, with the operations of the reference in the same order and so with the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fastnn.kernels import custom, reference
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.updates import UpdateRule


@jit
def _sgd(w: Array, dw: Array, rate: np.floating, decay: np.floating, least: np.floating) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        w[i] -= rate * g


@jit
def _momentum(
    w: Array, v: Array, dw: Array, rate: np.floating, momentum: np.floating, decay: np.floating, least: np.floating
) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        v[i] = momentum * v[i] + rate * g
        if abs(v[i]) < least:
            v[i] = 0
        w[i] -= v[i]


@jit
def _nesterov(
    w: Array, v: Array, dw: Array, rate: np.floating, momentum: np.floating, decay: np.floating, least: np.floating
) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        v[i] = momentum * v[i] + rate * g
        if abs(v[i]) < least:
            v[i] = 0
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
    least: np.floating,
) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        v[i] = rho * v[i] + rest * (g * g)
        if abs(v[i]) < least:
            v[i] = 0
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
    least: np.floating,
) -> None:
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        m[i] = beta1 * m[i] + rest1 * g
        if abs(m[i]) < least:
            m[i] = 0
        v[i] = beta2 * v[i] + rest2 * (g * g)
        if abs(v[i]) < least:
            v[i] = 0
        w[i] -= size * (m[i] / (math.sqrt(v[i]) + eps))


@jit
def _lion(
    w: Array,
    m: Array,
    dw: Array,
    rate: np.floating,
    beta1: np.floating,
    rest1: np.floating,
    beta2: np.floating,
    rest2: np.floating,
    decay: np.floating,
    least: np.floating,
) -> None:
    one = w.dtype.type(1)
    for i in range(w.size):
        g = dw[i] + decay * w[i] if decay != 0 else dw[i]
        c = beta1 * m[i] + rest1 * g
        sign = one if c > 0 else (-one if c < 0 else c)
        m[i] = beta2 * m[i] + rest2 * g
        if abs(m[i]) < least:
            m[i] = 0
        w[i] -= rate * sign


def _lion_scalars(rate: float, t: int, beta1: float, beta2: float) -> tuple[float, ...]:
    return rate, beta1, 1 - beta1, beta2, 1 - beta2


def _by_root_scalars(rate: float, t: int, rho: float, eps: float) -> tuple[float, ...]:
    return rate, rho, 1 - rho, eps


def _adagrad_scalars(rate: float, t: int, eps: float) -> tuple[float, ...]:
    return rate, 1, 1, eps


def _adam_scalars(rate: float, t: int, beta1: float, beta2: float, eps: float) -> tuple[float, ...]:
    correction = math.sqrt(1 - beta2**t)
    return rate * correction / (1 - beta1**t), beta1, 1 - beta1, beta2, 1 - beta2, eps * correction


def _plain_scalars(rate: float, t: int, *coefficients: float) -> tuple[float, ...]:
    return rate, *coefficients


# the loop of each rule and the function of its scalars but the decay, in order; the reference has the other rules
_STEPS: dict[int, tuple[Callable[..., None], Callable[..., tuple[float, ...]]]] = {
    UpdateRule.SGD: (_sgd, _plain_scalars),
    UpdateRule.MOMENTUM: (_momentum, _plain_scalars),
    UpdateRule.NESTEROV: (_nesterov, _plain_scalars),
    UpdateRule.RMSPROP: (_by_root, _by_root_scalars),
    UpdateRule.ADAGRAD: (_by_root, _adagrad_scalars),
    UpdateRule.ADAM: (_adam, _adam_scalars),
    UpdateRule.ADAMW: (_adam, _adam_scalars),
    UpdateRule.LION: (_lion, _lion_scalars),
}


def update(
    w: Array,
    m: Array | None,
    v: Array | None,
    dw: Array,
    rate: Array,
    t: Array,
    rule: int,
    decay: float,
    c0: float = 0.0,
    c1: float = 0.0,
    c2: float = 0.0,
) -> None:
    """Do one step of `rule`."""
    if rule >= CUSTOM and w.flags.c_contiguous:
        scalars_of = np.array([float(rate[0]), decay, float(t[0]), c0, c1, c2])
        custom.of_number(int(rule)).call(custom.FORWARD, w.size, w, m, v, dw, numbers=scalars_of)
        return None
    if rule not in _STEPS or not w.flags.c_contiguous:  # the rows are further apart than they are long
        return reference.update(w, m, v, dw, rate, t, rule, decay, c0, c1, c2)
    chosen, real, step = UpdateRule(rule), w.dtype.type, float(rate[0])
    if chosen.decoupled:
        w *= real(1 - step * decay)
        decay = 0.0
    loop, scalars = _STEPS[chosen]
    arrays = [w, *chosen.state(m, v), dw]
    numbers = scalars(step, int(t[0]), *(c0, c1, c2)[: len(chosen.coefficients)])
    loop(*(a.reshape(-1) for a in arrays), *map(real, numbers), real(decay), np.finfo(real).tiny)
    return None
