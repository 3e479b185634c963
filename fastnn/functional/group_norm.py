"""Layer and group normalisation, which normalise each sample over all its elements or over groups of channels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.checks import number, whole
from fastnn.functional.checks import Array
from fastnn.functional.norm import NormCache, by_pixels, check_cache, gradients, parameter, samples


def _by_groups(
    name: str, values: Array, pixels: Array, groups: int, gamma: Array | None, beta: Array | None, eps: float
) -> tuple[Array, NormCache]:
    shape = (len(values), groups)
    out, mean, var = np.empty_like(pixels), np.empty(shape, values.dtype), np.empty(shape, values.dtype)
    eps = number(name, "eps", eps, above=0)
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
        The scale and the shift of each element; None counts as 1 and 0.
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
    values = samples(name, x)
    scale = parameter(name, "gamma", gamma, values.shape[1:], values)
    shift = parameter(name, "beta", beta, values.shape[1:], values)
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
    dgamma, dbeta : arrays of the shape of a sample, or None if there was none

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
    check_cache(name, cache)
    return gradients(name, dout, cache, "group_norm_backward")


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
        The scale and the shift of each channel; None counts as 1 and 0.
    groups : int
        The number of groups of neighbouring channels, which must divide C. With C groups this is instance norm.
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
    values = samples(name, x)
    groups = whole(name, "groups", groups, at_least=1)
    if values.shape[1] % groups:
        raise ValueError(f"{name}: {values.shape[1]} channels do not divide into {groups} groups (x: {values.shape})")
    scale = parameter(name, "gamma", gamma, values.shape[1:2], values)
    shift = parameter(name, "beta", beta, values.shape[1:2], values)
    return _by_groups(name, values, by_pixels(values), groups, scale, shift, eps)


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
    dgamma, dbeta : (C,) arrays, or None if there was none

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
    check_cache(name, cache)
    return gradients(name, dout, cache, name)
