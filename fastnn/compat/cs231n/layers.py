"""Layers as pairs of functions: ``f_forward(...) → (out, cache)``, ``f_backward(dout, cache) → gradients``."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn import functional
from fastnn.checks import number
from fastnn.compat.cs231n.arrays import Array, Cache, Gradients, Params, common, flat, like, mode_of
from fastnn.compat.cs231n.normalization import (
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    layernorm_backward,
    layernorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_groupnorm_backward,
    spatial_groupnorm_forward,
)

__all__ = [
    "affine_backward",
    "affine_forward",
    "batchnorm_backward",
    "batchnorm_backward_alt",
    "batchnorm_forward",
    "conv_backward_naive",
    "conv_forward_naive",
    "dropout_backward",
    "dropout_forward",
    "layernorm_backward",
    "layernorm_forward",
    "max_pool_backward_naive",
    "max_pool_forward_naive",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_groupnorm_backward",
    "spatial_groupnorm_forward",
    "svm_loss",
]


def affine_forward(x: ArrayLike, w: ArrayLike, b: ArrayLike) -> tuple[Array, Cache]:
    """Return x w + b, for x (N, d1, …, dk) as rows, w (D, M) and b (M,)."""
    rows, w_, b_ = common(flat(x), w, b)
    out, cache = functional.affine_forward(rows, w_, b_)
    return out, (np.shape(x), cache)


def affine_backward(dout: ArrayLike, cache: Cache) -> Gradients:
    """Return (dx, dw, db), dx in the shape of x."""
    shape, inner = cache
    dx, dw, db = functional.affine_backward(like(dout, inner), inner)
    return dx.reshape(shape), dw, db


def relu_forward(x: ArrayLike) -> tuple[Array, Cache]:
    """Return max(x, 0) for an array of any shape."""
    out, cache = functional.relu_forward(*common(x))
    return out, cache


def relu_backward(dout: ArrayLike, cache: Cache) -> Array:
    """Return dout where x was positive, and zero elsewhere."""
    dx: Array = functional.relu_backward(like(dout, cache), cache)
    return dx


def softmax_loss(x: ArrayLike, y: ArrayLike) -> tuple[float, Array]:
    """Return the mean cross-entropy in nats, and its gradient, of scores x (N, C) and labels y (N,)."""
    return functional.softmax_loss(common(x)[0], y)


def svm_loss(x: ArrayLike, y: ArrayLike) -> tuple[float, Array]:
    """Return the mean multi-class hinge loss with margin 1, and its gradient, of scores x (N, C) and labels y (N,)."""
    return functional.hinge_loss(common(x)[0], y)


def dropout_forward(x: ArrayLike, dropout_param: Params) -> tuple[Array, Cache]:
    """Keep each element with probability ``p`` and scale it by 1/p; in mode "test" do nothing.

    ``dropout_param`` has "p" (the fraction KEPT), "mode" ("train" or "test") and optionally "seed", which seeds NumPy's
    global generator.
    """
    (array,) = common(x)
    keep, mode = dropout_param["p"], mode_of("dropout_forward", dropout_param)
    number("dropout_forward", "p (the share that is kept)", keep, above=0, at_most=1)
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = None
    if mode == "train":
        mask = ((np.random.rand(*array.shape) < keep) / keep).astype(array.dtype)
        array = array * mask
    return array, (dropout_param, mask)


def dropout_backward(dout: ArrayLike, cache: Cache) -> Array:
    """Return dout, multiplied by the mask of the forward pass."""
    _, mask = cache
    return np.asarray(dout) if mask is None else dout * mask


def conv_forward_naive(x: ArrayLike, w: ArrayLike, b: ArrayLike, conv_param: Params) -> tuple[Array, Cache]:
    """Correlate images x (N, C, H, W) with filters w (F, C, HH, WW); ``conv_param`` has "stride" and "pad"."""
    x_, w_, b_ = common(x, w, b)
    return functional.conv_forward(x_, w_, b_, stride=conv_param["stride"], pad=conv_param["pad"])


def conv_backward_naive(dout: ArrayLike, cache: Cache) -> Gradients:
    """Return (dx, dw, db)."""
    return functional.conv_backward(like(dout, cache), cache)


def max_pool_forward_naive(x: ArrayLike, pool_param: Params) -> tuple[Array, Cache]:
    """Return the largest element of each window; ``pool_param`` has "pool_height", "pool_width" and "stride"."""
    (array,) = common(x)
    size = (pool_param["pool_height"], pool_param["pool_width"])
    return functional.max_pool_forward(array, size=size, stride=pool_param["stride"])


def max_pool_backward_naive(dout: ArrayLike, cache: Cache) -> Array:
    """Return dout at the first largest element of each window."""
    return functional.max_pool_backward(like(dout, cache), cache)
