"""Affine kernels: rows are samples."""

import numpy as np

from fastnn.kernels.reference.arrays import Array


@np.errstate(all="ignore")
def affine_forward(x: Array, w: Array, b: Array | None, out: Array) -> None:
    """``out = x w + b``."""
    np.matmul(x, w, out=out)
    if b is not None:
        out += b


@np.errstate(all="ignore")
def affine_backward_input(dout: Array, w: Array, dx: Array) -> None:
    """``dx = dout wᵀ``."""
    np.matmul(dout, w.T, out=dx)


@np.errstate(all="ignore")
def affine_backward_weight(x: Array, dout: Array, dw: Array, db: Array | None, beta: float) -> None:
    """``dw = beta dw + xᵀ dout`` and ``db = beta db + column sums of dout``.

    ``beta`` is 0 or 1; with 0 what is in ``dw`` and ``db`` is not read, so NaN there does no harm.
    """
    if beta == 0:
        np.matmul(x.T, dout, out=dw)
        if db is not None:
            np.sum(dout, axis=0, out=db)
    else:
        dw += x.T @ dout
        if db is not None:
            db += dout.sum(axis=0)
