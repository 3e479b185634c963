"""Dense layers; the rows of arrays are samples.

`precision` is a member of `fastnn.kernels.Precision`: of what parts of their factors products are made.
"""

import numpy as np

from fastnn.kernels.reference.activation import activation_backward, activation_forward
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.parts import product
from fastnn.kernels.reference.update_rules import update


@np.errstate(all="ignore")
def affine_forward(
    x: Array, w: Array, b: Array | None, out: Array, kind: int = 0, alpha: float = 0.0, precision: int = 0
) -> None:
    """``out = f(x w + b)``."""
    product(x, w, precision, out)
    if b is not None:
        out += b
    activation_forward(out, out, kind, alpha)


@np.errstate(all="ignore")
def affine_backward_input(
    dout: Array, w: Array, dx: Array, saved: Array | None, kind: int = 0, alpha: float = 0.0, precision: int = 0
) -> None:
    """``dx = dout wᵀ``, times the derivative of the preceding activation if ``saved`` is given."""
    product(dout, w.T, precision, dx)
    if saved is not None:
        activation_backward(dx, saved, dx, kind, alpha)


@np.errstate(all="ignore")
def affine_backward_weight(x: Array, dout: Array, dw: Array, db: Array | None, beta: float, precision: int = 0) -> None:
    """``dw = beta dw + xᵀ dout`` and ``db = beta db + column sums of dout``.

    ``beta`` is 0 or 1. With 0 the old values of ``dw`` and ``db`` are not read, so NaN there does no harm.
    """
    if beta == 0:
        product(x.T, dout, precision, dw)
        if db is not None:
            np.sum(dout, axis=0, out=db)
    else:
        dw += product(x.T, dout, precision)
        if db is not None:
            db += dout.sum(axis=0)


def affine_backward_weight_update(
    x: Array,
    dout: Array,
    w: Array,
    mw: Array | None,
    vw: Array | None,
    b: Array | None,
    mb: Array | None,
    vb: Array | None,
    rate: Array,
    t: Array,
    rule: int,
    decay: float,
    decay_b: float,
    c0: float = 0.0,
    c1: float = 0.0,
    c2: float = 0.0,
    precision: int = 0,
) -> None:
    """`affine_backward_weight`, then `update` of ``w`` with ``decay`` and of ``b`` with ``decay_b``."""
    dw = np.empty_like(w)
    db = None if b is None else np.empty_like(b)
    affine_backward_weight(x, dout, dw, db, 0.0, precision)
    update(w, mw, vw, dw, rate, t, rule, decay, c0, c1, c2)
    if b is not None and db is not None:
        update(b, mb, vb, db, rate, t, rule, decay_b, c0, c1, c2)
