"""Batch normalisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.checks import number
from fastnn.functional.checks import Array
from fastnn.functional.norm import NormCache, by_pixels, check_cache, gradients, parameter, samples


def batch_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    mean: ArrayLike | None = None,
    var: ArrayLike | None = None,
    eps: float = 1e-5,
) -> tuple[Array, NormCache]:
    """Normalise each channel over samples and pixels.

    Parameters
    ----------
    x : (N, C) or (N, C, ...) array, float32 or float64
    gamma, beta : (C,) arrays of the dtype of x, or None
        The scale and the shift; None counts as 1 and 0.
    mean, var : (C,) arrays of the dtype of x, or None
        Statistics to use in place of those of the batch, as in evaluation; both or neither.
    eps : float
        Added to the variance; above 0.

    Returns
    -------
    out : array like x
        ``gamma (x - mean) / √(var + eps) + beta``.
    cache : NormCache
        For `batch_norm_backward`. Its ``mean`` and ``var`` are the statistics that were used; running averages can be
        computed from them.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If shapes do not fit, samples are empty, or a variance is negative.

    Notes
    -----
    Ioffe & Szegedy 2015. The variance of the batch is divided by N, the number of values of a channel. If a channel has
    one value, its variance is 0, out is beta and the gradient of x is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.batch_norm_forward(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> out.round(3).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    >>> cache.mean, cache.var
    (array([2., 5.]), array([1., 0.]))
    """
    name = "batch_norm_forward"
    values = samples(name, x)
    channels = values.shape[1:2]
    scale, shift = parameter(name, "gamma", gamma, channels, values), parameter(name, "beta", beta, channels, values)
    means, variances = parameter(name, "mean", mean, channels, values), parameter(name, "var", var, channels, values)
    eps = number(name, "eps", eps, above=0)
    if (means is None) != (variances is None):
        raise ValueError(f"{name}: mean and var go together, got one of them")
    if variances is not None and not np.all(variances >= 0):
        raise ValueError(f"{name}: var must not be negative or NaN, got {variances.min()}")
    pixels, given = by_pixels(values), means is not None
    out = np.empty_like(pixels)
    if means is not None and variances is not None:
        kernels.get("batch_norm_apply")(pixels, scale, shift, means, variances, out, eps)
    else:
        means, variances = np.empty(channels, values.dtype), np.empty(channels, values.dtype)
        kernels.get(name)(pixels, scale, shift, None, None, out, means, variances, eps, 0.0)
    cache = NormCache(name, pixels, scale, beta is not None, means, variances, eps, given, values.shape, channels)
    return out.reshape(values.shape), cache


def batch_norm_backward(dout: ArrayLike, cache: NormCache) -> tuple[Array, Array | None, Array | None]:
    """Gradients of `batch_norm_forward`.

    Parameters
    ----------
    dout : array like x
        Gradient with respect to the output.
    cache : NormCache
        From `batch_norm_forward`.

    Returns
    -------
    dx : array like x
        It includes the gradient through the statistics of the batch, unless these were given.
    dgamma, dbeta : (C,) arrays, or None if there was none

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `batch_norm_forward`.
    ValueError
        If dout has another shape than x.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.batch_norm_forward(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1))
    >>> dx, dgamma, dbeta = F.batch_norm_backward(np.array([[1.0], [2.0]]), cache)
    >>> dbeta
    array([3.])
    """
    name = "batch_norm_backward"
    check_cache(name, cache)
    return gradients(name, dout, cache, name, int(cache.given))
