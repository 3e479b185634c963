"""The sum of two arrays, and penalties on weights."""

import numpy as np

from fastnn.kernels.reference.arrays import Array


@np.errstate(all="ignore")
def add(a: Array, b: Array, out: Array) -> None:
    """``out = a + b``; ``out`` may be one of them."""
    np.add(a, b, out=out)


@np.errstate(all="ignore")
def penalty(w: Array, dw: Array | None, loss: Array, l1: float, l2: float) -> None:
    """``loss += l1 Σ|w| + l2 Σ w² / 2``, added up in float64, and ``dw += l1 sign(w) + l2 w``."""
    wide = w.astype(np.float64)
    loss[0] += l1 * np.abs(wide).sum() + l2 / 2 * np.square(wide).sum()
    if dw is not None:
        if l2:
            dw += w.dtype.type(l2) * w
        if l1:
            dw += w.dtype.type(l1) * np.sign(w)
