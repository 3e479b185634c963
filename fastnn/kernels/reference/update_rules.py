"""Parameter updates, in place: one step of each `UpdateRule`.

``rate`` and ``t`` are arrays of one element. Scalars are combined in float64 and then rounded to the dtype of the
arrays; everything else is computed in that dtype. ``decay`` is the coefficient of the L2 term ``decay w`` in the
gradient ``g = dw + decay w``; with 0 the term is left out, not added as ``0 w``.

State that becomes smaller than the smallest normal number is written as 0. Where a gradient has become exactly 0, of an
input that does not come any more or a unit that is never active, the state would otherwise shrink into these numbers,
which processors are slow to compute with, and stay there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fastnn.kernels import custom
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.updates import UpdateRule


def _kept(state: Array) -> None:
    """Write state that is smaller than the smallest normal number as 0."""
    state[np.abs(state) < np.finfo(state.dtype).tiny] = 0


def _sgd(w: Array, g: Array, rate: float, t: int) -> None:
    """``w = w - rate g``."""
    w -= w.dtype.type(rate) * g


def _momentum(w: Array, v: Array, g: Array, rate: float, t: int, momentum: float) -> None:
    """``v = momentum v + rate g``, then ``w = w - v``."""
    v *= w.dtype.type(momentum)
    v += w.dtype.type(rate) * g
    _kept(v)
    w -= v


def _nesterov(w: Array, v: Array, g: Array, rate: float, t: int, momentum: float) -> None:
    """``v = momentum v + rate g``, then ``w = w - (momentum v + rate g)``."""
    step = w.dtype.type(rate) * g
    v *= w.dtype.type(momentum)
    v += step
    _kept(v)
    w -= w.dtype.type(momentum) * v + step


def _rmsprop(w: Array, v: Array, g: Array, rate: float, t: int, rho: float, eps: float) -> None:
    """``v = rho v + (1 - rho) g²``, then ``w = w - rate g / (√v + eps)``."""
    real = w.dtype.type
    v *= real(rho)
    v += real(1 - rho) * np.square(g)
    _kept(v)
    w -= real(rate) * (g / (np.sqrt(v) + real(eps)))


def _adagrad(w: Array, v: Array, g: Array, rate: float, t: int, eps: float) -> None:
    """``v = v + g²``, then ``w = w - rate g / (√v + eps)``."""
    v += np.square(g)
    _kept(v)
    w -= w.dtype.type(rate) * (g / (np.sqrt(v) + w.dtype.type(eps)))


def _adam(w: Array, m: Array, v: Array, g: Array, rate: float, t: int, beta1: float, beta2: float, eps: float) -> None:
    """Adam (Kingma & Ba 2015, algorithm 1) with bias correction; ``t`` is 1 in the first step.

    ``m = beta1 m + (1 - beta1) g``, ``v = beta2 v + (1 - beta2) g²``, ``w = w - rate m̂ / (√v̂ + eps)`` with
    ``m̂ = m / (1 - beta1ᵗ)`` and ``v̂ = v / (1 - beta2ᵗ)``. The corrections are moved into the scalars: the step is
    ``rate c / (1 - beta1ᵗ) · m / (√v + eps c)`` with ``c = √(1 - beta2ᵗ)``.
    """
    real = w.dtype.type
    correction = math.sqrt(1 - beta2**t)
    m *= real(beta1)
    m += real(1 - beta1) * g
    v *= real(beta2)
    v += real(1 - beta2) * np.square(g)
    _kept(m)
    _kept(v)
    w -= real(rate * correction / (1 - beta1**t)) * (m / (np.sqrt(v) + real(eps * correction)))


def _lion(w: Array, m: Array, g: Array, rate: float, t: int, beta1: float, beta2: float) -> None:
    """``w = w - rate sign(beta1 m + (1 - beta1) g)``, then ``m = beta2 m + (1 - beta2) g`` (Chen et al. 2023)."""
    real = w.dtype.type
    w -= real(rate) * np.sign(real(beta1) * m + real(1 - beta1) * g)
    m *= real(beta2)
    m += real(1 - beta2) * g
    _kept(m)


def _custom(
    rule: custom.CustomRule,
    w: Array,
    m: Array | None,
    v: Array | None,
    dw: Array,
    moment: tuple[float, float],
    decay: float,
    coefficients: tuple[float, ...],
) -> None:
    """A rule of the user's own, one element after the other in float64."""
    arrays = [w, *rule.state(m, v)]
    numbers = (*moment, *coefficients[: len(rule.coefficients)])
    for place in np.ndindex(w.shape):
        values = [np.float64(a[place]) for a in arrays]
        g = np.float64(dw[place]) + decay * values[0] if decay else np.float64(dw[place])
        results = rule.step(*values, g, *map(np.float64, numbers))
        for array, result in zip(arrays, results if len(arrays) > 1 else (results,), strict=True):
            array[place] = result
    for array in arrays[1:]:
        _kept(array)


_STEPS: dict[UpdateRule, Callable[..., None]] = {
    UpdateRule.SGD: _sgd,
    UpdateRule.MOMENTUM: _momentum,
    UpdateRule.NESTEROV: _nesterov,
    UpdateRule.RMSPROP: _rmsprop,
    UpdateRule.ADAGRAD: _adagrad,
    UpdateRule.ADAM: _adam,
    UpdateRule.ADAMW: _adam,
    UpdateRule.LION: _lion,
}


@np.errstate(all="ignore")
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
    """Do one step of `rule`. Decoupled decay (Loshchilov & Hutter 2019) first shrinks w: ``w = (1 - rate decay) w``."""
    if rule >= CUSTOM:
        _custom(custom.of_number(int(rule)), w, m, v, dw, (float(rate[0]), float(t[0])), decay, (c0, c1, c2))
        return
    chosen = UpdateRule(rule)
    g = dw
    if chosen.decoupled:
        w *= w.dtype.type(1 - float(rate[0]) * decay)
    elif decay:
        g = dw + w.dtype.type(decay) * w
    coefficients = (c0, c1, c2)[: len(chosen.coefficients)]
    _STEPS[chosen](w, *chosen.state(m, v), g, float(rate[0]), int(t[0]), *coefficients)
