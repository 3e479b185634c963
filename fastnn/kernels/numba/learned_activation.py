"""Activations with learned numbers of each channel: PReLU, and the user's own, which are compiled anyway."""

import numpy as np

from fastnn.kernels import custom
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array


@jit
def _prelu(x: Array, w: Array, out: Array) -> None:
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            slope = w[c]
            for s in range(x.shape[2]):
                value = x[i, c, s]
                out[i, c, s] = value if value > 0 else slope * value


@jit
def _prelu_backward(dout: Array, x: Array, w: Array, dx: Array, sums: Array) -> None:
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            slope, total = w[c], 0.0
            for s in range(x.shape[2]):
                d, value = dout[i, c, s], x[i, c, s]
                if not value > 0:
                    total += np.float64(d) * np.float64(value)
                dx[i, c, s] = d if value > 0 else slope * d
            sums[c] += total


def learned_activation_forward(
    x: Array, w: Array, w2: Array | None, w3: Array | None, out: Array, learned_kind: int
) -> None:
    """``out = f(x, w, w2, w3)``."""
    if learned_kind < CUSTOM:
        _prelu(x, w, out)
        return
    function = custom.of_number(int(learned_kind))
    numbers = [None if a is None else np.repeat(a, x.shape[2]) for a in (w, w2, w3)]
    for row, result in zip(x, out, strict=True):
        function.call(custom.FORWARD, row.size, row, *numbers, result, along=1)


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
    """``dx = dout ∂f/∂x``, and ``dw = beta dw + Σ dout ∂f/∂w``."""
    gradient = np.empty_like(x) if dx is None else dx
    if learned_kind < CUSTOM:
        sums = np.zeros((1, len(w)))
        _prelu_backward(dout, x, w, gradient, sums[0])
    else:
        function = custom.of_number(int(learned_kind))
        numbers = [None if a is None else np.repeat(a, x.shape[2]) for a in (w, w2, w3)]
        parts = np.zeros((len(numbers), *x.shape[1:]), x.dtype)
        sums = np.zeros(parts.shape[:2])
        for i, row in enumerate(x):
            function.call(custom.BACKWARD, row.size, dout[i], row, *numbers, gradient[i], *parts, along=1)
            sums += parts.sum(axis=2, dtype=np.float64)
    for total, new in zip((dw, dw2, dw3), sums, strict=False):
        if total is not None:
            total[...] = new if beta == 0 else total + new
