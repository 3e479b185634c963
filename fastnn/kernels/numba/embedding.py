"""Rows of a table by codes, and the gradient of the table."""

import numpy as np

from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.embedding import NONE


@jit
def embedding_forward(x: Array, w: Array, kept: Array, column: Array, first: Array, count: Array, out: Array) -> None:
    """The columns in `kept`, then the rows of w for the codes in the other columns."""
    width = w.shape[1]
    for i in range(x.shape[0]):
        for k in range(kept.shape[0]):
            out[i, k] = x[i, kept[k]]
        for j in range(column.shape[0]):
            at, value = kept.shape[0] + j * width, x[i, column[j]]
            if NONE < value < count[j] and value == np.floor(value):
                row = first[j] + np.int64(value)
                for k in range(width):
                    out[i, at + k] = w[row, k]
            else:
                for k in range(width):
                    out[i, at + k] = 0 if value == NONE else np.nan


@jit
def _table(
    dout: Array, x: Array, ahead: int, column: Array, first: Array, count: Array, dw: Array, beta: float
) -> None:
    width = dw.shape[1]
    if beta == 0:
        dw[:] = 0
    for i in range(x.shape[0]):
        for j in range(column.shape[0]):
            value = x[i, column[j]]
            if NONE < value < count[j] and value == np.floor(value):
                row = first[j] + np.int64(value)
                for k in range(width):
                    dw[row, k] += dout[i, ahead + j * width + k]


@jit
def _inputs(dout: Array, kept: Array, dx: Array) -> None:
    dx[:] = 0
    for i in range(dx.shape[0]):
        for k in range(kept.shape[0]):
            dx[i, kept[k]] = dout[i, k]


def embedding_backward(
    dout: Array,
    x: Array,
    kept: Array,
    column: Array,
    first: Array,
    count: Array,
    dx: Array | None,
    dw: Array | None,
    beta: float,
) -> None:
    """``dw = beta dw + Σ dout`` where a row was taken, and dx, which is 0 but for the columns kept."""
    if dx is not None:
        _inputs(dout, kept, dx)
    if dw is not None:
        _table(dout, x, len(kept), column, first, count, dw, beta)
