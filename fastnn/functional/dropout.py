"""Dropout, and what the function and the layer share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.checks import number, whole
from fastnn.functional.checks import Array, output_gradient, real_array, refuse_cache
from fastnn.random import Purpose

_LAYERS = 2**16


class DropoutCache(NamedTuple):
    """What `dropout_backward` needs; its contents are private."""

    origin: str
    rate: float
    seed: int
    step: int
    out: Array


def share(function: str, rate: float) -> float:
    """`rate` as a float in [0, 1]."""
    return number(function, "rate (the share that is dropped)", rate, at_least=0, at_most=1)


def stream(seed: int, layer: int) -> tuple[int, int, int]:
    """The arguments of the kernel for the masks of layer number `layer`: the two words of the seed, and the purpose."""
    return seed & 0xFFFFFFFF, seed >> 32, Purpose.DROPOUT + (layer % _LAYERS << 16)


def _mask(x: Array, rate: float, seed: int, step: int) -> Array:
    rows = x.reshape(len(x), math.prod(x.shape[1:]))
    out = np.empty_like(rows)
    kernels.get("dropout")(rows, np.array([step]), np.array([0]), out, rate, *stream(seed, 0))
    return out.reshape(x.shape)


def dropout_forward(
    x: ArrayLike, *, rate: float = 0.5, seed: int = 0, step: int = 0, training: bool = True
) -> tuple[Array, DropoutCache]:
    """Set a random fraction of the elements to 0 and divide the others by 1 - rate.

    Parameters
    ----------
    x : (N, ...) array, float32 or float64
    rate : float
        The fraction that is dropped (not kept), in [0, 1].
    seed, step : int
        The mask depends on these and on the position of an element. Another `step` gives another mask.
    training : bool
        If False, out is a copy of x.

    Returns
    -------
    out : array like x
    cache : DropoutCache
        For `dropout_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64, or an argument is not a number.
    ValueError
        If x has no axis, or a number is out of range.

    Notes
    -----
    Elements that are dropped become 0 even if x is not finite. With rate 1 all elements are dropped.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.dropout_forward(np.ones((1, 8)), rate=0.5, seed=1)
    >>> sorted(set(out.ravel().tolist()))
    [0.0, 2.0]
    """
    name = "dropout_forward"
    values = real_array(name, "x", x)
    if values.ndim == 0:
        raise ValueError(f"{name}: x must have an axis of samples, got {values.shape}")
    rate = share(name, rate) if training else share(name, rate) * 0
    seed = whole(name, "seed", seed, at_least=0, below=2**64)
    step = whole(name, "step", step, at_least=0, below=2**32)
    out = _mask(values, rate, seed, step)
    return out, DropoutCache(name, rate, seed, step, out)


def dropout_backward(dout: ArrayLike, cache: DropoutCache) -> Array:
    """Gradient of `dropout_forward`, with the same mask and factor.

    Parameters
    ----------
    dout : array like x
        Gradient with respect to the output.
    cache : DropoutCache
        From `dropout_forward`.

    Returns
    -------
    dx : array like x

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `dropout_forward`.
    ValueError
        If dout has another shape than x.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.dropout_forward(np.ones((1, 8)), rate=0.5, seed=1)
    >>> bool((F.dropout_backward(np.ones((1, 8)), cache) == out).all())
    True
    """
    name = "dropout_backward"
    if not isinstance(cache, DropoutCache):
        refuse_cache(name, "dropout_forward", cache)
    return _mask(output_gradient(name, dout, cache.out, cache.out), cache.rate, cache.seed, cache.step)
