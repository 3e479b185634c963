"""Softmax, softmin and log-softmax over rows; the sums of a row are added up in float64.

Loops shift and divide, and NumPy's vectorised exp runs between them. Long rows are left to the reference, because
NumPy finds their maximum faster and adds them up in pairs, so that rounding errors do not accumulate as in a loop.
"""

import math

import numpy as np

from fastnn.kernels import reference
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array

LONGEST_ROW = 128


@jit
def shift(x: Array, out: Array, sign: float) -> None:
    """``out = z - row maximum of z`` with ``z = sign x``; only a maximum becomes 0."""
    s = x.dtype.type(sign)
    for i in range(x.shape[0]):
        highest = s * x[i, 0]
        for j in range(x.shape[1]):
            z = s * x[i, j]
            highest = z if z > highest else highest
        for j in range(x.shape[1]):
            out[i, j] = s * x[i, j] - highest


@jit
def _normalize(e: Array) -> None:
    for i in range(e.shape[0]):
        total = 0.0
        for j in range(e.shape[1]):
            total += e[i, j]
        divisor = e.dtype.type(total)
        for j in range(e.shape[1]):
            e[i, j] /= divisor


@np.errstate(all="ignore")
def softmax_forward(x: Array, out: Array, sign: float) -> None:
    """``out = exp(z) / row sums of exp(z)`` with ``z = sign x``."""
    if x.shape[1] > LONGEST_ROW:
        return reference.softmax_forward(x, out, sign)
    shift(x, out, sign)
    np.exp(out, out=out)
    _normalize(out)


@jit
def softmax_backward(dout: Array, out: Array, dx: Array, sign: float) -> None:
    """``dx = sign out (dout - row sums of dout out)``."""
    real = out.dtype.type
    s = real(sign)
    for i in range(out.shape[0]):
        total = 0.0
        for j in range(out.shape[1]):
            total += dout[i, j] * out[i, j]
        inner = real(total)
        for j in range(out.shape[1]):
            dx[i, j] = s * out[i, j] * (dout[i, j] - inner)


@jit
def _subtract_log_total(out: Array, e: Array) -> None:
    for i in range(out.shape[0]):
        total = 0.0
        for j in range(out.shape[1]):
            total += e[i, j]
        log_total = out.dtype.type(math.log(total))
        for j in range(out.shape[1]):
            out[i, j] -= log_total


@np.errstate(all="ignore")
def log_softmax_forward(x: Array, out: Array) -> None:
    """``out = x - log(row sums of exp(x))``."""
    if x.shape[1] > LONGEST_ROW:
        return reference.log_softmax_forward(x, out)
    shift(x, out, 1.0)
    _subtract_log_total(out, np.exp(out))


@jit
def _log_softmax_backward(dout: Array, p: Array, dx: Array) -> None:
    for i in range(p.shape[0]):
        total = 0.0
        for j in range(p.shape[1]):
            total += dout[i, j]
        weight = p.dtype.type(total)
        for j in range(p.shape[1]):
            dx[i, j] = dout[i, j] - p[i, j] * weight


@np.errstate(all="ignore")
def log_softmax_backward(dout: Array, out: Array, dx: Array) -> None:
    """``dx = dout - exp(out) row sums of dout``."""
    _log_softmax_backward(dout, np.exp(out), dx)


@jit
def argmax(x: Array, out: Array) -> None:
    """``out[i]`` = the index of the first largest element of row i; -1 for a row that holds a NaN."""
    for i in range(x.shape[0]):
        best = 0
        for j in range(x.shape[1]):
            if x[i, j] != x[i, j]:
                best = -1
                break
            if x[i, j] > x[i, best]:
                best = j
        out[i] = best
