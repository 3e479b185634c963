"""Normalisation as in the hand-out: running averages are kept in `bn_param`, and variances are divided by N."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn import functional
from fastnn.compat.cs231n.arrays import Array, Cache, Gradients, Params, common, like, mode_of


def batchnorm_forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, bn_param: Params) -> tuple[Array, Cache]:
    """Normalise each column of x (N, D), or each channel of x (N, C, H, W).

    ``bn_param`` has "mode" ("train" or "test"), "eps" (default 1e-5), "momentum" (default 0.9, the fraction that a
    running average keeps), and "running_mean" and "running_var" (default zeros), which mode "train" replaces and mode
    "test" uses.
    """
    mode, eps, momentum = (
        mode_of("batchnorm_forward", bn_param),
        bn_param.get("eps", 1e-5),
        bn_param.get("momentum", 0.9),
    )
    values, scale, shift = common(x, gamma, beta)
    running_mean = np.asarray(bn_param.get("running_mean", np.zeros(values.shape[1], values.dtype)))
    running_var = np.asarray(bn_param.get("running_var", np.zeros(values.shape[1], values.dtype)))
    if mode == "train":
        out, cache = functional.batch_norm_forward(values, scale, shift, eps=eps)
        running_mean = momentum * running_mean + (1 - momentum) * cache.mean
        running_var = momentum * running_var + (1 - momentum) * cache.var
    else:
        mean, var = (a.astype(values.dtype, copy=False) for a in (running_mean, running_var))
        out, cache = functional.batch_norm_forward(values, scale, shift, mean=mean, var=var, eps=eps)
    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return out, cache


def batchnorm_backward(dout: ArrayLike, cache: Cache) -> Gradients:
    """Return (dx, dgamma, dbeta)."""
    return functional.batch_norm_backward(like(dout, cache), cache)


batchnorm_backward_alt = batchnorm_backward
spatial_batchnorm_forward, spatial_batchnorm_backward = batchnorm_forward, batchnorm_backward


def layernorm_forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, ln_param: Params) -> tuple[Array, Cache]:
    """Normalise each row of x (N, D); ``ln_param`` has "eps" (default 1e-5)."""
    return functional.layer_norm_forward(*common(x, gamma, beta), eps=ln_param.get("eps", 1e-5))


def layernorm_backward(dout: ArrayLike, cache: Cache) -> Gradients:
    """Return (dx, dgamma, dbeta)."""
    return functional.layer_norm_backward(like(dout, cache), cache)


def spatial_groupnorm_forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    G: int,
    gn_param: Params,
) -> tuple[Array, Cache]:
    """Normalise each sample of x (N, C, H, W) over G groups of channels.

    ``gamma`` and ``beta`` have shape (1, C, 1, 1) or (C,); ``gn_param`` has "eps" (default 1e-5).
    """
    values, scale, shift = common(x, gamma, beta)
    eps = gn_param.get("eps", 1e-5)
    out, cache = functional.group_norm_forward(values, scale.ravel(), shift.ravel(), groups=G, eps=eps)
    return out, (scale.shape, cache)


def spatial_groupnorm_backward(dout: ArrayLike, cache: Cache) -> Gradients:
    """Return (dx, dgamma, dbeta), the latter two in the shape of gamma."""
    shape, inner = cache
    dx, *others = functional.group_norm_backward(like(dout, inner), inner)
    dgamma, dbeta = (np.asarray(gradient).reshape(shape) for gradient in others)
    return dx, dgamma, dbeta
