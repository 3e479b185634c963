"""PReLU, forward and backward."""

import numpy as np

from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array


@jit
def prelu_forward(x: Array, w: Array, out: Array) -> None:
    """``out = x`` where ``x > 0``, else ``w x``."""
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            slope = w[c]
            for s in range(x.shape[2]):
                value = x[i, c, s]
                out[i, c, s] = value if value > 0 else slope * value


@jit
def _backward(dout: Array, x: Array, w: Array, dx: Array, sums: Array) -> None:
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            slope, total = w[c], 0.0
            for s in range(x.shape[2]):
                d, value = dout[i, c, s], x[i, c, s]
                if not value > 0:
                    total += np.float64(d) * np.float64(value)
                dx[i, c, s] = d if value > 0 else slope * d
            sums[c] += total


def prelu_backward(dout: Array, x: Array, w: Array, dx: Array | None, dw: Array | None, beta: float) -> None:
    """``dx`` and ``dw = beta dw + Σ dout x`` over the elements that are not above zero."""
    sums = np.zeros(len(w))
    _backward(dout, x, w, np.empty_like(x) if dx is None else dx, sums)
    if dw is not None:
        dw[...] = sums if beta == 0 else dw + sums
