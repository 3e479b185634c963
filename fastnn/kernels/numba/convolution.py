"""The input gradient of a convolution: products by NumPy, and the sums that make an image again.

NumPy copies an image into columns as fast as a loop.
"""

import numpy as np

from fastnn.kernels.numba.activation import activation_backward
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.convolution import by_group


@jit
def _add_up(
    columns: Array, dx: Array, stride_h: int, stride_w: int, pad_h: int, pad_w: int, dilation_h: int, dilation_w: int
) -> None:
    dx[...] = 0
    height, width = dx.shape[2], dx.shape[3]
    for i in range(columns.shape[0]):
        for c in range(columns.shape[1]):
            for a in range(columns.shape[2]):
                for b in range(columns.shape[3]):
                    for p in range(columns.shape[4]):
                        h = p * stride_h - pad_h + a * dilation_h
                        for q in range(columns.shape[5]):
                            w = q * stride_w - pad_w + b * dilation_w
                            if 0 <= h < height and 0 <= w < width:
                                dx[i, c, h, w] += columns[i, c, a, b, p, q]


def col2im(
    columns: Array, dx: Array, stride_h: int, stride_w: int, pad_h: int, pad_w: int, dilation_h: int, dilation_w: int
) -> None:
    """``dx`` = the sums of what the reference's `im2col` makes of each pixel, tap by tap."""
    _add_up(columns, dx, *map(int, (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)))


@np.errstate(all="ignore")
def conv_backward_input(
    dout: Array, weight: Array, dx: Array, saved: Array | None, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    dilation_h: int, dilation_w: int, algorithm: int, kind: int = 0, alpha: float = 0.0,
) -> None:  # fmt: skip
    """``dx`` = the sums of the columns that ``weightᵀ dout`` is, times the derivative of the activation before."""
    filters = by_group(weight, dx.shape[1]).transpose(0, 2, 1)
    pixels = dout.shape[2] * dout.shape[3]
    for i, gradient in enumerate(dout):
        columns = filters @ gradient.reshape(len(filters), -1, pixels)
        one = columns.reshape(1, dx.shape[1], *weight.shape[2:], *dout.shape[2:])
        col2im(one, dx[i : i + 1], stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)
    if saved is not None:
        activation_backward(dx, saved, dx, kind, alpha)
