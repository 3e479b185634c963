"""What batch, layer and group normalisation share: the cache, the checks, and the call of the gradient kernel."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.functional.checks import Array, output_gradient, real_array, refuse_cache


class NormCache(NamedTuple):
    """What the backward function of a norm needs; callers may read `mean` and `var`.

    Attributes
    ----------
    mean, var : arrays of the dtype of x
        The statistics that were used; var is the mean square (divided by N), and minus the deviation where the mean
        square is too large or too small for the dtype. (C,) for batch norm, else (N, groups).
    """

    origin: str
    x: Array  # (N, C, pixels)
    gamma: Array | None
    has_beta: bool
    mean: Array
    var: Array
    eps: float
    given: bool  # the statistics were given by the caller
    shape: tuple[int, ...]  # the shape of x
    parameters: tuple[int, ...]  # the shape of gamma and beta


def samples(name: str, x: ArrayLike) -> Array:
    """``x``, checked to have shape (N, C) or (N, C, ...)."""
    values = real_array(name, "x", x)
    if values.ndim < 2 or 0 in values.shape[1:]:
        raise ValueError(f"{name}: x must be (N, C) or (N, C, ...) with something in a sample, got {values.shape}")
    return values


def parameter(name: str, what: str, value: ArrayLike | None, shape: tuple[int, ...], like: Array) -> Array | None:
    """``value``, checked to have ``shape`` and the dtype of ``like``."""
    if value is None:
        return None
    array = real_array(name, what, value, ("x", like))
    if array.shape != shape:
        raise ValueError(f"{name}: {what} must have shape {shape}, got {array.shape} (x: {like.shape})")
    return array


def by_pixels(x: Any) -> Any:
    """A view (N, C, pixels) of an array, or of its stand-in in a recorded step."""
    return x.reshape((x.shape[0], x.shape[1], math.prod(x.shape[2:])))


def check_cache(name: str, cache: NormCache) -> None:
    """Refuse a cache that does not come from the forward function of ``name``."""
    forward = name.replace("backward", "forward")
    if not isinstance(cache, NormCache) or cache.origin != forward:
        refuse_cache(name, forward, cache)


def gradients(
    name: str, dout: ArrayLike, cache: NormCache, kernel: str, *scalars: int
) -> tuple[Array, Array | None, Array | None]:
    """The gradients of x, gamma and beta; None for a parameter that was None."""
    gradient = output_gradient(name, dout, cache.shape, cache.x).reshape(cache.x.shape)
    dx = np.empty_like(cache.x)
    channels = cache.x.shape[1:2]
    dgamma, dbeta = np.empty(channels, dx.dtype), np.empty(channels, dx.dtype)
    arrays = (gradient, cache.x, cache.gamma, cache.mean, cache.var, dx, dgamma, dbeta)
    kernels.get(kernel)(*arrays, cache.eps, *scalars, 0.0)
    return (
        dx.reshape(cache.shape),
        None if cache.gamma is None else dgamma.reshape(cache.parameters),
        dbeta.reshape(cache.parameters) if cache.has_beta else None,
    )
