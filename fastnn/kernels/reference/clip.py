"""Clipping of gradients before an update, in place."""

import math

import numpy as np

from fastnn.kernels.reference.arrays import Array


@np.errstate(all="ignore")
def clip_norm(g: Array, limit: float) -> None:
    """``g = g limit / ‖g‖`` if the norm ``‖g‖``, computed in float64, is above ``limit``; otherwise nothing."""
    norm = math.sqrt(np.sum(np.square(g, dtype=np.float64)))
    if math.isinf(norm) and np.isfinite(g).all():  # squares overflow: of the elements divided by a power of two
        exponent = int(np.frexp(np.abs(g).max())[1])
        g *= g.dtype.type(math.ldexp(limit / math.sqrt(np.sum(np.square(np.ldexp(g, -exponent)))), -exponent))
    elif norm > limit:
        g *= g.dtype.type(limit / norm)


@np.errstate(all="ignore")
def clip_value(g: Array, limit: float) -> None:
    """Clamp every element to ``-limit`` … ``limit``; NaN stays NaN."""
    np.clip(g, g.dtype.type(-limit), g.dtype.type(limit), out=g)
