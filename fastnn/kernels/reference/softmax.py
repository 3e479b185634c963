"""Softmax, softmin and log-softmax over rows, shifted by the row's maximum.

A row of only -inf, or with +inf or NaN in it, gives NaN, as the formulas do. ``out`` may be ``x``, and ``dx`` may be
``dout`` or ``out``.
"""

import numpy as np

from fastnn.kernels.reference.arrays import Array


@np.errstate(all="ignore")
def softmax_forward(x: Array, out: Array, sign: float) -> None:
    """``out = exp(z) / row sums of exp(z)`` with ``z = sign x``; ``sign`` is 1 (softmax) or -1 (softmin)."""
    z = x if sign > 0 else -x
    e = np.exp(z - z.max(axis=1, keepdims=True))
    np.divide(e, e.sum(axis=1, keepdims=True), out=out)


@np.errstate(all="ignore")
def softmax_backward(dout: Array, out: Array, dx: Array, sign: float) -> None:
    """``dx = sign out (dout - row sums of dout out)``."""
    inner = (dout * out).sum(axis=1, keepdims=True)
    np.multiply(out if sign > 0 else -out, dout - inner, out=dx)


@np.errstate(all="ignore")
def log_softmax_forward(x: Array, out: Array) -> None:
    """``out = x - log(row sums of exp(x))``."""
    z = x - x.max(axis=1, keepdims=True)
    np.subtract(z, np.log(np.exp(z).sum(axis=1, keepdims=True)), out=out)


@np.errstate(all="ignore")
def log_softmax_backward(dout: Array, out: Array, dx: Array) -> None:
    """``dx = dout - exp(out) row sums of dout``."""
    np.subtract(dout, np.exp(out) * dout.sum(axis=1, keepdims=True), out=dx)


def argmax(x: Array, out: Array) -> None:
    """``out[i]`` = the index of the first largest element of row i; -1 for a row that holds a NaN."""
    out[...] = np.where(np.isnan(x).any(axis=1), -1, x.argmax(axis=1)) if x.shape[1] else 0
