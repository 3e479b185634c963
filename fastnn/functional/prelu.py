"""PReLU: a rectified linear unit whose slope below zero is learned."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.functional.checks import Array, output_gradient, real_array, refuse_cache
from fastnn.kernels.limits import PRELU


class PReLUCache(NamedTuple):
    """What `prelu_backward` needs; its contents are private."""

    origin: str
    x: Array  # (N, C, pixels)
    slope: Array  # (C,)
    shape: tuple[int, ...]  # the shape of x


def by_slopes(x: Any, slopes: int) -> Any:
    """A view (N, slopes, elements) of an array (N, ...) or its stand-in: one slope for all elements, or the channels'.

    Parameters
    ----------
    x : (N, ...) array
    slopes : int
        1, or the size of the second axis.
    """
    return x.reshape((x.shape[0], slopes, math.prod(x.shape[1:]) // slopes))


def prelu_forward(x: ArrayLike, slope: ArrayLike) -> tuple[Array, PReLUCache]:
    """Parametric rectified linear unit, with a slope below zero that is an argument.

    Parameters
    ----------
    x : (N, ...) array, float32 or float64
        Not empty but for N.
    slope : (1,) or (C,) array of the dtype of x
        One slope for all elements, or one for each channel, the second axis of x.

    Returns
    -------
    out : array like x
        ``x where x > 0, else slope x``; NaN stays NaN.
    cache : PReLUCache
        For `prelu_backward`.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If shapes do not fit or samples are empty.

    Notes
    -----
    He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.prelu_forward(np.array([[-2.0, 3.0]]), np.array([0.25]))[0]
    array([[-0.5,  3. ]])
    """
    name = "prelu_forward"
    values = real_array(name, "x", x)
    if values.ndim < 2 or 0 in values.shape[1:]:
        raise ValueError(f"{name}: x must be (N, C) or (N, C, ...) with something in a sample, got {values.shape}")
    slopes = real_array(name, "slope", slope, ("x", values))
    if slopes.shape not in ((1,), values.shape[1:2]):
        raise ValueError(
            f"{name}: slope must have shape (1,) or {values.shape[1:2]}, got {slopes.shape} (x: {values.shape})"
        )
    channels = by_slopes(values, len(slopes))
    out = np.empty_like(channels)
    kernels.get("learned_activation_forward")(channels, slopes, None, None, out, PRELU)
    return out.reshape(values.shape), PReLUCache(name, channels, slopes, values.shape)


def prelu_backward(dout: ArrayLike, cache: PReLUCache) -> tuple[Array, Array]:
    """Gradients of `prelu_forward`.

    Parameters
    ----------
    dout : array like x
        Gradient with respect to the output.
    cache : PReLUCache
        From `prelu_forward`.

    Returns
    -------
    dx : array like x
        ``dout where x > 0, else slope dout``.
    dslope : array like slope
        The sums of ``dout x`` over the elements that are not above zero.

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `prelu_forward`.
    ValueError
        If dout has another shape than x.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.prelu_forward(np.array([[-2.0, 3.0]]), np.array([0.25]))
    >>> F.prelu_backward(np.array([[1.0, 1.0]]), cache)
    (array([[0.25, 1.  ]]), array([-2.]))
    """
    name = "prelu_backward"
    if not isinstance(cache, PReLUCache):
        refuse_cache(name, "prelu_forward", cache)
    gradient = output_gradient(name, dout, cache.shape, cache.x)
    dx, dslope = np.empty_like(cache.x), np.empty_like(cache.slope)
    kernel = kernels.get("learned_activation_backward")
    numbers, gradients = (cache.slope, None, None), (dslope, None, None)
    kernel(gradient.reshape(cache.x.shape), cache.x, *numbers, dx, *gradients, 0.0, PRELU)
    return dx.reshape(cache.shape), dslope
