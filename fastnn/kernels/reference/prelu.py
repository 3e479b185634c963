"""PReLU: the input above zero, a learned slope times it below (He, Zhang, Ren & Sun 2015)."""

import numpy as np

from fastnn.kernels.reference.arrays import Array


@np.errstate(all="ignore")
def prelu_forward(x: Array, w: Array, out: Array) -> None:
    """``out = x`` where ``x > 0``, else ``w x``, with the slope of the channel."""
    out[...] = np.where(x > 0, x, w[:, None] * x)


@np.errstate(all="ignore")
def prelu_backward(dout: Array, x: Array, w: Array, dx: Array | None, dw: Array | None, beta: float) -> None:
    """``dx = dout`` where ``x > 0``, else ``w dout``; ``dw = beta dw + Σ dout x`` over the other elements.

    At 0 the slope is ``w``.
    """
    total = np.where(x > 0, 0, dout.astype(np.float64) * x).sum(axis=(0, 2))
    if dx is not None:
        dx[...] = np.where(x > 0, dout, w[:, None] * dout)
    if dw is not None:
        dw[...] = total if beta == 0 else dw + total
