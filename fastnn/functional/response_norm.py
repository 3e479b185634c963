"""Local response normalisation."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.checks import flag, number, whole
from fastnn.functional.checks import Array, output_gradient, real_array, refuse_cache


class ResponseNormCache(NamedTuple):
    """What `local_response_norm_backward` needs; its contents are private."""

    origin: str
    x: Array  # (N, C, pixels)
    scale: Array
    scalars: tuple[float, ...]  # size, alpha, power
    shape: tuple[int, ...]


def response_norm_scalars(
    function: str, size: int, alpha: float, beta: float, k: float, divide: bool
) -> tuple[int, float, float, float]:
    """The arguments of the kernel: size, factor of the sum, power and k.

    Raises
    ------
    TypeError, ValueError
        If a number is not one or out of range.
    """
    size = whole(function, "size", size, at_least=1)
    factor = number(function, "alpha", alpha, at_least=0) / (size if flag(function, "divide", divide) else 1)
    return size, factor, number(function, "beta", beta, at_least=0), number(function, "k", k, above=0)


def local_response_norm_forward(
    x: ArrayLike,
    *,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    divide: bool = True,
) -> tuple[Array, ResponseNormCache]:
    """Divide each element by a power of the sum of squares in neighbouring channels.

    Parameters
    ----------
    x : (N, C) or (N, C, ...) array, float32 or float64
    size : int
        The number of channels in a window. The window of channel c reaches from c - size // 2 to c + (size - 1) // 2.
    alpha, beta, k : float
        Coefficients of the formula; alpha and beta are at least 0, and k is above 0.
    divide : bool
        Whether alpha is divided by `size` (Caffe, PyTorch) or not (Krizhevsky et al. 2012, Theano).

    Returns
    -------
    out : array like x
        ``x / (k + alpha Σ x²)^beta``, with ``alpha / size`` in place of alpha if `divide` is set.
    cache : ResponseNormCache
        For `local_response_norm_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64, or an argument is not a number.
    ValueError
        If x has fewer than two axes, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.local_response_norm_forward(np.array([[3.0, 4.0]]), size=3, alpha=3.0, beta=0.5)[0].round(4)
    array([[0.5883, 0.7845]])
    """
    name = "local_response_norm_forward"
    values = real_array(name, "x", x)
    if values.ndim < 2:
        raise ValueError(f"{name}: x must be (N, C) or (N, C, ...), got {values.shape}")
    scalars = response_norm_scalars(name, size, alpha, beta, k, divide)
    pixels = values.reshape(*values.shape[:2], math.prod(values.shape[2:]))
    out, scale = np.empty_like(pixels), np.empty_like(pixels)
    kernels.get(name)(pixels, out, scale, *scalars)
    return out.reshape(values.shape), ResponseNormCache(name, pixels, scale, scalars[:3], values.shape)


def local_response_norm_backward(dout: ArrayLike, cache: ResponseNormCache) -> Array:
    """Gradient of `local_response_norm_forward`.

    Parameters
    ----------
    dout : array like x
        Gradient with respect to the output.
    cache : ResponseNormCache
        From `local_response_norm_forward`.

    Returns
    -------
    dx : array like x

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `local_response_norm_forward`.
    ValueError
        If dout has another shape than x.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.local_response_norm_forward(np.ones((1, 2)), alpha=0.0)
    >>> F.local_response_norm_backward(np.array([[5.0, 7.0]]), cache)
    array([[5., 7.]])
    """
    name = "local_response_norm_backward"
    if not isinstance(cache, ResponseNormCache):
        refuse_cache(name, "local_response_norm_forward", cache)
    gradient = output_gradient(name, dout, cache.shape, cache.x).reshape(cache.x.shape)
    dx = np.empty_like(cache.x)
    kernels.get(name)(gradient, cache.x, cache.scale, dx, *cache.scalars)
    return dx.reshape(cache.shape)
