"""Several kernels in one: here the others called in turn, whose bits a fused kernel must give."""

import numpy as np

from fastnn.kernels.reference.activation import activation_backward, activation_forward
from fastnn.kernels.reference.affine import affine_backward_input, affine_backward_weight, affine_forward
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.update import adam_update, adamw_update, momentum_update, sgd_update


def affine_activation_forward(x: Array, w: Array, b: Array | None, out: Array, kind: int, alpha: float) -> None:
    """``out = f(x w + b)``."""
    affine_forward(x, w, b, out)
    activation_forward(out, out, kind, alpha)


def affine_activation_backward_input(dout: Array, w: Array, out: Array, dx: Array, kind: int, alpha: float) -> None:
    """``dx = (dout wᵀ) f'(out)``, ``out`` the activation's output; not for tanhshrink (needs x)."""
    affine_backward_input(dout, w, dx)
    activation_backward(dx, None, out, dx, kind, alpha)


def _gradients(x: Array, dout: Array, w: Array, b: Array | None) -> tuple[Array, Array | None]:
    dw = np.empty_like(w)
    db = None if b is None else np.empty_like(b)
    affine_backward_weight(x, dout, dw, db, 0.0)
    return dw, db


def affine_backward_weight_sgd(
    x: Array, dout: Array, w: Array, b: Array | None, rate: Array, decay: float, decay_b: float
) -> None:
    """``affine_backward_weight`` and ``sgd_update`` of ``w`` (``decay``) and ``b`` (``decay_b``)."""
    dw, db = _gradients(x, dout, w, b)
    sgd_update(w, dw, rate, decay)
    if b is not None and db is not None:
        sgd_update(b, db, rate, decay_b)


def affine_backward_weight_momentum(
    x: Array,
    dout: Array,
    w: Array,
    vw: Array,
    b: Array | None,
    vb: Array | None,
    rate: Array,
    momentum: float,
    decay: float,
    decay_b: float,
) -> None:
    """``affine_backward_weight`` and ``momentum_update`` of ``w`` (``decay``) and ``b`` (``decay_b``)."""
    dw, db = _gradients(x, dout, w, b)
    momentum_update(w, vw, dw, rate, momentum, decay)
    if b is not None and db is not None and vb is not None:
        momentum_update(b, vb, db, rate, momentum, decay_b)


def affine_backward_weight_adam(
    x: Array,
    dout: Array,
    w: Array,
    mw: Array,
    vw: Array,
    b: Array | None,
    mb: Array | None,
    vb: Array | None,
    rate: Array,
    t: Array,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
    decay_b: float,
) -> None:
    """``affine_backward_weight`` and ``adam_update`` of ``w`` (``decay``) and ``b`` (``decay_b``)."""
    dw, db = _gradients(x, dout, w, b)
    adam_update(w, mw, vw, dw, rate, t, beta1, beta2, eps, decay)
    if b is not None and db is not None and mb is not None and vb is not None:
        adam_update(b, mb, vb, db, rate, t, beta1, beta2, eps, decay_b)


def affine_backward_weight_adamw(
    x: Array,
    dout: Array,
    w: Array,
    mw: Array,
    vw: Array,
    b: Array | None,
    mb: Array | None,
    vb: Array | None,
    rate: Array,
    t: Array,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
    decay_b: float,
) -> None:
    """``affine_backward_weight`` and ``adamw_update`` of ``w`` (``decay``) and ``b`` (``decay_b``)."""
    dw, db = _gradients(x, dout, w, b)
    adamw_update(w, mw, vw, dw, rate, t, beta1, beta2, eps, decay)
    if b is not None and db is not None and mb is not None and vb is not None:
        adamw_update(b, mb, vb, db, rate, t, beta1, beta2, eps, decay_b)
