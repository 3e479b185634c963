"""Activations with learned numbers of each channel: PReLU (He, Zhang, Ren & Sun 2015), and functions of the user's own.

``learned_kind`` is 0 for PReLU, the input above zero and a learned slope times it below; from `CUSTOM` on it is the
number of a function of the input and up to three numbers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.kernels import custom
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.reference.arrays import Array


def _each(function: Callable[..., Any], x: Array, numbers: list[Array], results: int) -> Array:
    """The results, (results, n, c, s), of a function of the user's own of one float64 of x and those of its channel."""
    values = np.empty((results, *x.shape))
    for i, c, s in np.ndindex(x.shape):
        values[:, i, c, s] = function(np.float64(x[i, c, s]), *(np.float64(w[c]) for w in numbers))
    return values


@np.errstate(all="ignore")
def learned_activation_forward(
    x: Array, w: Array, w2: Array | None, w3: Array | None, out: Array, learned_kind: int
) -> None:
    """``out = f(x, w, w2, w3)``; PReLU: ``out = x`` where ``x > 0``, else ``w x``."""
    if learned_kind >= CUSTOM:
        numbers = [number for number in (w, w2, w3) if number is not None]
        out[...] = _each(custom.of_number(int(learned_kind)).function, x, numbers, 1)[0]
        return
    out[...] = np.where(x > 0, x, w[:, None] * x)


@np.errstate(all="ignore")
def learned_activation_backward(
    dout: Array,
    x: Array,
    w: Array,
    w2: Array | None,
    w3: Array | None,
    dx: Array | None,
    dw: Array | None,
    dw2: Array | None,
    dw3: Array | None,
    beta: float,
    learned_kind: int,
) -> None:
    """``dx = dout ∂f/∂x``, and ``dw = beta dw + Σ dout ∂f/∂w`` over the elements of the channel; so for w2 and w3.

    PReLU: ``∂f/∂x`` is 1 where ``x > 0``, else ``w``, and ``∂f/∂w`` is 0 where ``x > 0``, else ``x``.
    """
    if learned_kind >= CUSTOM:
        numbers = [number for number in (w, w2, w3) if number is not None]
        slopes = dout * _each(custom.of_number(int(learned_kind)).slopes, x, numbers, 1 + len(numbers))
        gradient, sums = slopes[0], slopes[1:].sum(axis=(1, 3))
    else:
        gradient = np.where(x > 0, dout, w[:, None] * dout)
        sums = np.where(x > 0, 0, dout.astype(np.float64) * x).sum(axis=(0, 2))[None]
    if dx is not None:
        dx[...] = gradient
    for total, new in zip((dw, dw2, dw3), sums, strict=False):
        if total is not None:
            total[...] = new if beta == 0 else total + new
