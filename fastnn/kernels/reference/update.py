"""Parameter updates, in place.

``rate`` and ``t`` are one-element arrays. Scalars are combined in float64 and rounded to the arrays' dtype
once; everything else is done in the arrays' dtype. ``decay`` is the coefficient of the L2 term ``decay w``
in the gradient; with 0 the term is left out, not added as ``0 w``.
"""

import math

import numpy as np

from fastnn.kernels.reference.arrays import Array


def _decayed(w: Array, dw: Array, decay: float) -> Array:
    return dw + w.dtype.type(decay) * w if decay else dw


@np.errstate(all="ignore")
def sgd_update(w: Array, dw: Array, rate: Array, decay: float) -> None:
    """``w = w - rate (dw + decay w)``."""
    w -= w.dtype.type(rate[0]) * _decayed(w, dw, decay)


@np.errstate(all="ignore")
def momentum_update(w: Array, v: Array, dw: Array, rate: Array, momentum: float, decay: float) -> None:
    """``v = momentum v + rate (dw + decay w)``, then ``w = w - v``."""
    step = w.dtype.type(rate[0]) * _decayed(w, dw, decay)
    v *= w.dtype.type(momentum)
    v += step
    w -= v


@np.errstate(all="ignore")
def nesterov_update(w: Array, v: Array, dw: Array, rate: Array, momentum: float, decay: float) -> None:
    """``v = momentum v + rate g``, then ``w = w - (momentum v + rate g)``, with ``g = dw + decay w``."""
    step = w.dtype.type(rate[0]) * _decayed(w, dw, decay)
    v *= w.dtype.type(momentum)
    v += step
    w -= w.dtype.type(momentum) * v + step


@np.errstate(all="ignore")
def rmsprop_update(w: Array, v: Array, dw: Array, rate: Array, rho: float, eps: float, decay: float) -> None:
    """``v = rho v + (1 - rho) g²``, then ``w = w - rate g / (√v + eps)``, with ``g = dw + decay w``."""
    real = w.dtype.type
    g = _decayed(w, dw, decay)
    v *= real(rho)
    v += real(1 - rho) * np.square(g)
    w -= real(rate[0]) * (g / (np.sqrt(v) + real(eps)))


@np.errstate(all="ignore")
def adagrad_update(w: Array, v: Array, dw: Array, rate: Array, eps: float, decay: float) -> None:
    """``v = v + g²``, then ``w = w - rate g / (√v + eps)``, with ``g = dw + decay w``."""
    g = _decayed(w, dw, decay)
    v += np.square(g)
    w -= w.dtype.type(rate[0]) * (g / (np.sqrt(v) + w.dtype.type(eps)))


@np.errstate(all="ignore")
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
    """Adam (Kingma & Ba 2015, algorithm 1) with bias correction; ``t`` is 1 in the first step.

    ``g = dw + decay w``, ``m = beta1 m + (1 - beta1) g``, ``v = beta2 v + (1 - beta2) g²``,
    ``w = w - rate m̂ / (√v̂ + eps)`` with ``m̂ = m / (1 - beta1ᵗ)`` and ``v̂ = v / (1 - beta2ᵗ)``; the
    corrections move into the scalars: ``rate c / (1 - beta1ᵗ) · m / (√v + eps c)``, ``c = √(1 - beta2ᵗ)``.
    """
    real = w.dtype.type
    step = int(t[0])
    correction = math.sqrt(1 - beta2**step)
    g = _decayed(w, dw, decay)
    m *= real(beta1)
    m += real(1 - beta1) * g
    v *= real(beta2)
    v += real(1 - beta2) * np.square(g)
    w -= real(float(rate[0]) * correction / (1 - beta1**step)) * (m / (np.sqrt(v) + real(eps * correction)))


@np.errstate(all="ignore")
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
    """``w = (1 - rate decay) w``, then ``adam_update`` without decay (Loshchilov & Hutter 2019, algorithm 2)."""
    w *= w.dtype.type(1 - float(rate[0]) * decay)
    adam_update(w, m, v, dw, rate, t, beta1, beta2, eps, 0.0)
