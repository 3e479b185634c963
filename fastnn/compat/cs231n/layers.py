"""Layers as pairs of functions: ``f_forward(...) → (out, cache)``, ``f_backward(dout, cache) → gradients``."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn import functional, kernels
from fastnn.compat.activation import rectified
from fastnn.compat.cs231n.arrays import Array, Cache, Gradients, Params, common, flat, like
from fastnn.compat.cs231n.dropout import dropout_backward, dropout_forward
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
from fastnn.functional.affine import AffineCache
from fastnn.functional.checks import output_gradient, ready
from fastnn.kernels import Activation
from fastnn.kernels.layout import as_contiguous

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
    """Return x w + b, for x (N, d1, …, dk) as rows, w (D, M) and b (M,); the cache is (x, w, b)."""
    out, _ = functional.affine_forward(x, w, b) if ready(x, w, b) else functional.affine_forward(*common(x, w, b))
    return out, (x, w, b)


def affine_backward(dout: ArrayLike, cache: Cache) -> Gradients:
    """Return (dx, dw, db), dx in the shape of x."""
    x, w, b = cache
    rows, w_, _ = common(flat(x), w, b)
    rows, w_ = as_contiguous(rows, rows.dtype), as_contiguous(w_, w_.dtype)
    inner = AffineCache("affine_forward", rows, w_, True, np.shape(x))
    return functional.affine_backward(np.asarray(dout, rows.dtype), inner)


def relu_forward(x: ArrayLike) -> tuple[Array, Cache]:
    """Return max(x, 0) for an array of any shape; the cache is x."""
    return rectified(*common(x)), x


def relu_backward(dout: ArrayLike, cache: Cache) -> Array:
    """Return dout where x was positive, and zero elsewhere."""
    (x,) = common(cache)
    x = as_contiguous(x, x.dtype)
    gradient = output_gradient("relu_backward", np.asarray(dout, x.dtype), x.shape, x)
    dx = np.empty(x.shape, x.dtype)
    kernels.get("activation_backward")(gradient, x, dx, Activation.RELU, 0.0)
    return dx


def softmax_loss(x: ArrayLike, y: ArrayLike) -> tuple[float, Array]:
    """Return the mean cross-entropy in nats, and its gradient, of scores x (N, C) and labels y (N,)."""
    return functional.softmax_loss(common(x)[0], y)


def svm_loss(x: ArrayLike, y: ArrayLike) -> tuple[float, Array]:
    """Return the mean multi-class hinge loss with margin 1, and its gradient, of scores x (N, C) and labels y (N,)."""
    return functional.hinge_loss(common(x)[0], y)


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
