"""Batch, layer and group normalisation."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.functional.checks import Array, number, output_gradient, real_array, refuse_cache, whole


class NormCache(NamedTuple):
    """What the backward function of a norm needs; `mean` and `var` are for all to read.

    Attributes
    ----------
    mean, var : arrays of the dtype of x
        The statistics that were used; var is the mean square (divided by N). (C,) for batch norm, else (N, groups).
    """

    origin: str
    x: Array  # (N, C, pixels)
    gamma: Array | None
    has_beta: bool
    mean: Array
    var: Array
    eps: float
    given: bool  # the statistics came from outside
    shape: tuple[int, ...]  # of x
    parameters: tuple[int, ...]  # shape of gamma and beta


def _samples(name: str, x: ArrayLike) -> Array:
    values = real_array(name, "x", x)
    if values.ndim < 2 or 0 in values.shape[1:]:
        raise ValueError(f"{name}: x must be (N, C) or (N, C, ...) with something in a sample, got {values.shape}")
    return values


def _vector(name: str, what: str, value: ArrayLike | None, shape: tuple[int, ...], like: Array) -> Array | None:
    if value is None:
        return None
    array = real_array(name, what, value, ("x", like))
    if array.shape != shape:
        raise ValueError(f"{name}: {what} must have shape {shape}, got {array.shape} (x: {like.shape})")
    return array


def _pixels(x: Array) -> Array:
    return x.reshape(x.shape[0], x.shape[1], math.prod(x.shape[2:]))


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
        Scale (None: 1) and shift (None: 0).
    mean, var : (C,) arrays of the dtype of x, or None
        Statistics to use in place of the batch's, as running ones in evaluation; both or neither.
    eps : float
        Added to the variance; above 0.

    Returns
    -------
    out : array like x
        ``gamma (x - mean) / √(var + eps) + beta``.
    cache : NormCache
        For `batch_norm_backward`; its ``mean`` and ``var`` are the statistics used, from which running ones follow.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If shapes do not fit, samples are empty, or a variance is negative.

    Notes
    -----
    Ioffe & Szegedy 2015. The batch's variance is divided by N, the number of values of a channel. One value a channel
    has variance 0: out is then beta and the gradient of x 0.

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
    values = _samples(name, x)
    channels = values.shape[1:2]
    scale, shift = _vector(name, "gamma", gamma, channels, values), _vector(name, "beta", beta, channels, values)
    means, variances = _vector(name, "mean", mean, channels, values), _vector(name, "var", var, channels, values)
    eps = number(name, "eps", eps, 0)
    if (means is None) != (variances is None):
        raise ValueError(f"{name}: mean and var go together, got one of them")
    if variances is not None and not np.all(variances >= 0):
        raise ValueError(f"{name}: var must not be negative or NaN, got {variances.min()}")
    pixels, given = _pixels(values), means is not None
    out = np.empty_like(pixels)
    if means is not None and variances is not None:
        kernels.get("batch_norm_apply")(pixels, scale, shift, means, variances, out, eps)
    else:
        means, variances = np.empty(channels, values.dtype), np.empty(channels, values.dtype)
        kernels.get(name)(pixels, scale, shift, None, None, out, means, variances, eps, 0.0)
    cache = NormCache(name, pixels, scale, beta is not None, means, variances, eps, given, values.shape, channels)
    return out.reshape(values.shape), cache


def _gradients(name: str, dout: ArrayLike, cache: NormCache, kernel: str, *scalars: int) -> tuple[Array, ...]:
    gradient = output_gradient(name, dout, cache.shape, cache.x).reshape(cache.x.shape)
    dx = np.empty_like(cache.x)
    channels = cache.x.shape[1:2]
    dgamma, dbeta = np.empty(channels, dx.dtype), np.empty(channels, dx.dtype)
    arrays = (gradient, cache.x, cache.gamma, cache.mean, cache.var, dx, dgamma, dbeta)
    kernels.get(kernel)(*arrays, cache.eps, *scalars, 0.0)
    return dx.reshape(cache.shape), dgamma.reshape(cache.parameters), dbeta.reshape(cache.parameters)


def _parted(found: tuple[Array, ...], cache: NormCache) -> tuple[Array, Array | None, Array | None]:
    dx, dgamma, dbeta = found
    return dx, None if cache.gamma is None else dgamma, dbeta if cache.has_beta else None


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
        Through the batch's statistics too, unless these were given.
    dgamma, dbeta : (C,) arrays, or None where there was none

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
    if not isinstance(cache, NormCache) or cache.origin != "batch_norm_forward":
        refuse_cache(name, "batch_norm_forward", cache)
    return _parted(_gradients(name, dout, cache, name, int(cache.given)), cache)


def _by_groups(
    name: str, values: Array, pixels: Array, groups: int, gamma: Array | None, beta: Array | None, eps: float
) -> tuple[Array, NormCache]:
    shape = (len(values), groups)
    out, mean, var = np.empty_like(pixels), np.empty(shape, values.dtype), np.empty(shape, values.dtype)
    eps = number(name, "eps", eps, 0)
    scale, shift = (None if p is None else p.reshape(-1) for p in (gamma, beta))
    kernels.get("group_norm_forward")(pixels, scale, shift, out, mean, var, eps)
    parameters = values.shape[1:] if name.startswith("layer") else values.shape[1:2]
    cache = NormCache(name, pixels, scale, beta is not None, mean, var, eps, False, values.shape, parameters)
    return out.reshape(values.shape), cache


def layer_norm_forward(
    x: ArrayLike, gamma: ArrayLike | None = None, beta: ArrayLike | None = None, *, eps: float = 1e-5
) -> tuple[Array, NormCache]:
    """Normalise each sample over all of its elements.

    Parameters
    ----------
    x : (N, ...) array of two axes or more, float32 or float64
    gamma, beta : arrays of the shape of a sample and the dtype of x, or None
        Scale (None: 1) and shift (None: 0), one an element.
    eps : float
        Added to the variance; above 0.

    Returns
    -------
    out : array like x
        ``gamma (x - mean) / √(var + eps) + beta``.
    cache : NormCache
        For `layer_norm_backward`.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If shapes do not fit or samples are empty.

    Notes
    -----
    Ba, Kiros & Hinton 2016. The variance is divided by the number of elements.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.layer_norm_forward(np.array([[1.0, 3.0], [10.0, 30.0]]))[0].round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    name = "layer_norm_forward"
    values = _samples(name, x)
    scale = _vector(name, "gamma", gamma, values.shape[1:], values)
    shift = _vector(name, "beta", beta, values.shape[1:], values)
    return _by_groups(name, values, values.reshape(len(values), math.prod(values.shape[1:]), 1), 1, scale, shift, eps)


def layer_norm_backward(dout: ArrayLike, cache: NormCache) -> tuple[Array, Array | None, Array | None]:
    """Gradients of `layer_norm_forward`.

    Parameters
    ----------
    dout : array like x
        Gradient with respect to the output.
    cache : NormCache
        From `layer_norm_forward`.

    Returns
    -------
    dx : array like x
    dgamma, dbeta : arrays of the shape of a sample, or None where there was none

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `layer_norm_forward`.
    ValueError
        If dout has another shape than x.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.layer_norm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2))
    >>> F.layer_norm_backward(np.array([[5.0, 7.0]]), cache)[2]
    array([5., 7.])
    """
    name = "layer_norm_backward"
    if not isinstance(cache, NormCache) or cache.origin != "layer_norm_forward":
        refuse_cache(name, "layer_norm_forward", cache)
    return _parted(_gradients(name, dout, cache, "group_norm_backward"), cache)


def group_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[Array, NormCache]:
    """Normalise each sample over the channels of a group and all pixels.

    Parameters
    ----------
    x : (N, C) or (N, C, ...) array, float32 or float64
    gamma, beta : (C,) arrays of the dtype of x, or None
        Scale (None: 1) and shift (None: 0), one a channel.
    groups : int
        Groups of neighbouring channels; divides C. C groups: instance norm.
    eps : float
        Added to the variance; above 0.

    Returns
    -------
    out : array like x
    cache : NormCache
        For `group_norm_backward`.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If shapes do not fit, samples are empty, or the channels do not divide into groups.

    Notes
    -----
    Wu & He 2018. The variance is divided by the number of elements of a group.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.group_norm_forward(np.array([[1.0, 3.0, 10.0, 30.0]]), groups=2)[0].round(3)
    array([[-1.,  1., -1.,  1.]])
    """
    name = "group_norm_forward"
    values = _samples(name, x)
    groups = whole(name, "groups", groups, 1)
    if values.shape[1] % groups:
        raise ValueError(f"{name}: {values.shape[1]} channels do not divide into {groups} groups (x: {values.shape})")
    scale = _vector(name, "gamma", gamma, values.shape[1:2], values)
    shift = _vector(name, "beta", beta, values.shape[1:2], values)
    return _by_groups(name, values, _pixels(values), groups, scale, shift, eps)


def group_norm_backward(dout: ArrayLike, cache: NormCache) -> tuple[Array, Array | None, Array | None]:
    """Gradients of `group_norm_forward`.

    Parameters
    ----------
    dout : array like x
        Gradient with respect to the output.
    cache : NormCache
        From `group_norm_forward`.

    Returns
    -------
    dx : array like x
    dgamma, dbeta : (C,) arrays, or None where there was none

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `group_norm_forward`.
    ValueError
        If dout has another shape than x.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.group_norm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), groups=1)
    >>> F.group_norm_backward(np.array([[5.0, 7.0]]), cache)[2]
    array([5., 7.])
    """
    name = "group_norm_backward"
    if not isinstance(cache, NormCache) or cache.origin != "group_norm_forward":
        refuse_cache(name, "group_norm_forward", cache)
    return _parted(_gradients(name, dout, cache, name), cache)
