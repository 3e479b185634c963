"""What the elementwise activations share: one check, one kernel, one cache."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.functional.checks import Array, output_gradient, real_array, refuse_cache
from fastnn.kernels import Activation


class ActivationCache(NamedTuple):
    """What the backward function of an activation needs; opaque to callers."""

    origin: str
    kind: Activation
    alpha: float
    x: Array | None  # only where the derivative needs it
    out: Array


def forward(name: str, kind: Activation, x: ArrayLike, alpha: float = 0.0) -> tuple[Array, ActivationCache]:
    """The forward function called ``name``."""
    values = real_array(name, "x", x)
    out = np.empty(values.shape, values.dtype)
    kernels.get("activation_forward")(values, out, int(kind), alpha)
    return out, ActivationCache(name, kind, alpha, values if kind.backward_needs_input else None, out)


def backward(name: str, kind: Activation, dout: ArrayLike, cache: ActivationCache) -> Array:
    """The backward function called ``name``."""
    if not isinstance(cache, ActivationCache) or cache.kind is not kind:
        refuse_cache(name, name.replace("_backward", "_forward"), cache)
    gradient = output_gradient(name, dout, cache.out, cache.out)
    dx = np.empty(gradient.shape, gradient.dtype)
    kernels.get("activation_backward")(gradient, cache.x, cache.out, dx, int(kind), cache.alpha)
    return dx
