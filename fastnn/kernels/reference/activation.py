"""Elementwise activations and their derivatives.

``out`` may be ``x``, and ``dx`` may be ``dout`` or ``saved``, because each result is written after its inputs were
read. NaN stays NaN. The sign of a zero is not promised. ``alpha`` is first rounded to the dtype of the arrays.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.kernels import custom
from fastnn.kernels.activations import GELU_ARGUMENT, SELU_SCALES, Activation
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.reference.arrays import Array

_SERIES_BELOW = 2.0  # from here on, x - tanh(x) loses no digits
_SERIES_LEVELS = 12  # the rest of the series is less than 2⁻⁵³ at |x| = 2
_GATE_ENDS = 746.0  # the gates of GELU, SiLU and Mish are 0 at -746 and 1 at 746; an x clamped to that makes no NaN
_GELU_LINEAR, _GELU_CUBIC = GELU_ARGUMENT
_SELU_SCALE, _SELU_LIMIT = SELU_SCALES


def _identity(x: Array, alpha: np.floating) -> Array:
    return x


def _relu(x: Array, alpha: np.floating) -> Array:
    return np.maximum(x, 0)


def _leaky_relu(x: Array, alpha: np.floating) -> Array:
    return np.where(x > 0, x, alpha * x)


def _elu(x: Array, alpha: np.floating) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _sigmoid(x: Array, alpha: np.floating) -> Array:
    # e^-|x| cannot overflow; for x < 0, 1 / (1 + e^-x) = e^x / (1 + e^x) keeps the small digits
    e = np.exp(-np.abs(x))
    result: Array = np.where(x < 0, e, 1) / (1 + e)
    return result


def _tanh(x: Array, alpha: np.floating) -> Array:
    return np.tanh(x)


def _tanhshrink(x: Array, alpha: np.floating) -> Array:
    # Near 0 the difference cancels, so Lambert's continued fraction is used: tanh x = x / (1 + q) with q = x²/(3 + r)
    # and r = x²/(5 + x²/(7 + ...)), hence x - tanh x = x³/(3 + r + x²), where all terms have the same sign.
    near = np.clip(x, -_SERIES_BELOW, _SERIES_BELOW)
    square = np.square(near)
    r = np.zeros_like(square)
    for odd in range(2 * _SERIES_LEVELS + 1, 3, -2):
        r = square / (odd + r)
    return np.where(np.abs(x) < _SERIES_BELOW, near * square / (3 + (r + square)), x - np.tanh(x))


def _softshrink(x: Array, alpha: np.floating) -> Array:
    result: Array = x - np.clip(x, -alpha, alpha)
    return result


def _gelu_argument(x: Array) -> Array:
    # 0.5 x (1 + tanh(y)) = x sigmoid(2 y), where no digits cancel if tanh(y) is near -1
    real = x.dtype.type
    result: Array = x * (real(_GELU_CUBIC) * np.square(x) + real(_GELU_LINEAR))
    return result


def _gelu(x: Array, alpha: np.floating) -> Array:
    x = np.maximum(x, -_GATE_ENDS)
    result: Array = x * _sigmoid(_gelu_argument(x), alpha)
    return result


def _silu(x: Array, alpha: np.floating) -> Array:
    x = np.maximum(x, -_GATE_ENDS)
    result: Array = x * _sigmoid(x, alpha)
    return result


def _softplus(x: Array, alpha: np.floating) -> Array:
    # log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which neither overflows nor loses the small digits
    result: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return result


def _mish_parts(x: Array) -> tuple[Array, Array, Array]:
    # tanh(log(1 + e^x)) is a quotient of polynomials of q = e^-|x| without a difference in them
    q = np.exp(-np.abs(x))
    product = q * (q + 2)
    return q, np.where(x < 0, product, 1 + 2 * q), np.where(x < 0, product + 2, 1 + 2 * q * (1 + q))


def _mish(x: Array, alpha: np.floating) -> Array:
    x = np.maximum(x, -_GATE_ENDS)
    _, over, under = _mish_parts(x)
    result: Array = x * (over / under)
    return result


def _hard_sigmoid(x: Array, alpha: np.floating) -> Array:
    result: Array = np.clip(x + 3, 0, 6) * x.dtype.type(1 / 6)
    return result


def _hard_swish(x: Array, alpha: np.floating) -> Array:
    x = np.maximum(x, -3)
    result: Array = x * _hard_sigmoid(x, alpha)
    return result


def _selu(x: Array, alpha: np.floating) -> Array:
    scale, limit = x.dtype.type(_SELU_SCALE), x.dtype.type(_SELU_LIMIT)
    result: Array = np.where(x > 0, scale * x, limit * np.expm1(np.minimum(x, 0)))
    return result


# derivatives of (dout, saved, alpha); saved is the output, or the input if Activation.backward_needs_input is true


def _relu_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    return np.where(saved <= 0, 0, dout)


def _leaky_relu_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    return np.where(saved <= 0, alpha * dout, dout)


def _elu_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    return np.where(saved > 0, dout, dout * (saved + alpha))


def _sigmoid_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    result: Array = dout * (saved * (1 - saved))
    return result


def _tanh_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    result: Array = dout * ((1 - saved) * (1 + saved))  # 1 - saved² would lose digits near ±1
    return result


def _tanhshrink_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    result: Array = dout * np.square(np.tanh(saved))
    return result


def _softshrink_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    return np.where(saved == 0, 0, dout)


def _gelu_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    x, real = np.clip(saved, -_GATE_ENDS, _GATE_ENDS), saved.dtype.type
    z, slope = _gelu_argument(x), real(3 * _GELU_CUBIC) * np.square(x) + real(_GELU_LINEAR)
    result: Array = dout * (_sigmoid(z, alpha) * (1 + x * slope * _sigmoid(-z, alpha)))  # sigmoid(-z) = 1 - sigmoid(z)
    return result


def _silu_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    x = np.clip(saved, -_GATE_ENDS, _GATE_ENDS)
    result: Array = dout * (_sigmoid(x, alpha) * (1 + x * _sigmoid(-x, alpha)))
    return result


def _softplus_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    result: Array = dout * -np.expm1(-saved)
    return result


def _mish_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    x = np.clip(saved, -_GATE_ENDS, _GATE_ENDS)
    q, over, under = _mish_parts(x)
    # (1 - t²) / (1 + e^-x) = 4 q (1 + q) / under², times q where x > 0
    rest = 4 * q * (1 + q) / np.square(under)
    result: Array = dout * (over / under + x * np.where(x < 0, rest, q * rest))
    return result


def _hard_sigmoid_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    return np.where((saved <= 0) | (saved >= 1), 0, dout * (saved.dtype.type(1 / 6) + 0 * saved))


def _hard_swish_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    slope = saved * saved.dtype.type(1 / 3) + saved.dtype.type(0.5)
    return np.where(saved <= -3, 0, np.where(saved >= 3, dout, dout * slope))


def _selu_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    scale, limit = saved.dtype.type(_SELU_SCALE), saved.dtype.type(_SELU_LIMIT)
    result: Array = np.where(saved > 0, scale * dout, dout * (saved + limit))
    return result


def _identity_gradient(dout: Array, saved: Array, alpha: np.floating) -> Array:
    return dout


# NumPy's exponential of a float32 is up to 2.5 units in the last place beside the true value, to which the quotient and
# the product behind it add theirs: Mish would be wrong by 5.2 units at -7.6.
_IN_DOUBLE = {Activation.GELU, Activation.SILU, Activation.MISH}

_FORWARD: dict[int, Callable[[Array, "np.floating"], Array]] = {
    Activation.IDENTITY: _identity,
    Activation.RELU: _relu,
    Activation.LEAKY_RELU: _leaky_relu,
    Activation.ELU: _elu,
    Activation.SIGMOID: _sigmoid,
    Activation.TANH: _tanh,
    Activation.TANHSHRINK: _tanhshrink,
    Activation.SOFTSHRINK: _softshrink,
    Activation.GELU: _gelu,
    Activation.SILU: _silu,
    Activation.SOFTPLUS: _softplus,
    Activation.MISH: _mish,
    Activation.HARD_SIGMOID: _hard_sigmoid,
    Activation.HARD_SWISH: _hard_swish,
    Activation.SELU: _selu,
}
_BACKWARD: dict[int, Callable[[Array, Array, "np.floating"], Array]] = {
    Activation.IDENTITY: _identity_gradient,
    Activation.RELU: _relu_gradient,
    Activation.LEAKY_RELU: _leaky_relu_gradient,
    Activation.ELU: _elu_gradient,
    Activation.SIGMOID: _sigmoid_gradient,
    Activation.TANH: _tanh_gradient,
    Activation.TANHSHRINK: _tanhshrink_gradient,
    Activation.SOFTSHRINK: _softshrink_gradient,
    Activation.GELU: _gelu_gradient,
    Activation.SILU: _silu_gradient,
    Activation.SOFTPLUS: _softplus_gradient,
    Activation.MISH: _mish_gradient,
    Activation.HARD_SIGMOID: _hard_sigmoid_gradient,
    Activation.HARD_SWISH: _hard_swish_gradient,
    Activation.SELU: _selu_gradient,
}


def _one_by_one(function: Callable[[Any], Any], x: Array) -> Array:
    """A function of the user's own, of one float64 at a time."""
    values = (function(value) for value in x.astype(np.float64).reshape(-1))
    return np.fromiter(values, np.float64, x.size).reshape(x.shape)


@np.errstate(all="ignore")
def activation_forward(x: Array, out: Array, kind: int, alpha: float) -> None:
    """``out = f(x)``.

    relu ``max(x, 0)`` · leaky relu ``x > 0 ? x : alpha x`` · elu ``x > 0 ? x : alpha (e^x - 1)`` ·
    sigmoid ``1 / (1 + e^-x)`` · tanh · tanhshrink ``x - tanh x``, exact to a few units in the last place
    also near 0 · softshrink ``x`` moved towards 0 by ``alpha``, or 0 if ``|x| <= alpha`` ·
    gelu ``0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`` · silu ``x sigmoid(x)`` · softplus ``log(1 + e^x)`` ·
    mish ``x tanh(softplus(x))`` · hard sigmoid ``(x + 3) / 6`` within 0 and 1 · hard swish ``x`` times that ·
    selu, which is elu with an ``alpha`` and a factor of its own.

    Where gelu, silu and mish are negative, the relative error of gelu grows with the argument of its exponential, and
    results below ``|x|`` times the smallest denormal number may become 0.
    """
    if kind >= CUSTOM:
        out[...] = _one_by_one(custom.of_number(int(kind)).function, x)
        return
    if kind in _IN_DOUBLE:
        x = x.astype(np.float64, copy=False)
    out[...] = _FORWARD[kind](x, x.dtype.type(alpha))


@np.errstate(all="ignore")
def activation_backward(dout: Array, saved: Array, dx: Array, kind: int, alpha: float) -> None:
    """``dx = dout f'``, where ``f'`` follows from the output, or from the input if `Activation.backward_needs_input`.

    At the kink of relu and leaky relu the slope is that of the left side (0 and ``alpha``); at the kinks of softshrink,
    hard sigmoid and hard swish that of the flat side (0, or 1 for hard swish at 3).
    """
    if kind >= CUSTOM:
        dx[...] = dout * _one_by_one(custom.of_number(int(kind)).slope, saved)
        return
    dx[...] = _BACKWARD[kind](dout, saved, saved.dtype.type(alpha))
