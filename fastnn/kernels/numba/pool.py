"""Max-pooling, window by window; the reference says what a window is and which cell wins.

Means are left to NumPy, which adds up whole images faster than a loop adds up windows.
"""

import numpy as np

from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array


@jit
def _largest(
    x: Array, out: Array, argmax: Array, size_h: int, size_w: int, stride_h: int, stride_w: int, pad_h: int, pad_w: int
) -> None:
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            for p in range(out.shape[2]):
                top = p * stride_h - pad_h
                for q in range(out.shape[3]):
                    left = q * stride_w - pad_w
                    first = True
                    best = x[i, c, max(top, 0), max(left, 0)]
                    number = 0
                    for h in range(max(top, 0), min(top + size_h, x.shape[2])):
                        for w in range(max(left, 0), min(left + size_w, x.shape[3])):
                            value = x[i, c, h, w]
                            if first or value > best or (value != value and best == best):
                                best, number, first = value, (h - top) * size_w + w - left, False
                    out[i, c, p, q] = best
                    if argmax.size:
                        argmax[i, c, p, q] = number


def max_pool_forward(
    x: Array,
    out: Array,
    argmax: Array | None,
    size_h: int,
    size_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """``out`` = the largest cell of each window, ``argmax`` = its number in the window."""
    numbers = out[:0] if argmax is None else argmax
    _largest(x, out, numbers, *map(int, (size_h, size_w, stride_h, stride_w, pad_h, pad_w)))


@jit
def _to_largest(
    dout: Array, argmax: Array, dx: Array, size_w: int, stride_h: int, stride_w: int, pad_h: int, pad_w: int
) -> None:
    dx[...] = 0
    for i in range(dout.shape[0]):
        for c in range(dout.shape[1]):
            for p in range(dout.shape[2]):
                for q in range(dout.shape[3]):
                    number = np.int64(argmax[i, c, p, q])
                    h, w = p * stride_h - pad_h + number // size_w, q * stride_w - pad_w + number % size_w
                    dx[i, c, h, w] += dout[i, c, p, q]


def max_pool_backward(
    dout: Array,
    argmax: Array,
    dx: Array,
    size_h: int,
    size_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """``dx`` = ``dout`` at the largest cell of each window."""
    _to_largest(dout, argmax, dx, *map(int, (size_w, stride_h, stride_w, pad_h, pad_w)))
