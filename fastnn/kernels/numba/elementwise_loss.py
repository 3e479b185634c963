"""The losses of single outputs that are plain arithmetic, and those of the user's own, which are compiled anyway.

NumPy computes the others, whose exponentials and logarithms it takes of whole arrays.
"""

from __future__ import annotations

import numpy as np

from fastnn.kernels import custom, reference
from fastnn.kernels.elementwise_losses import ElementwiseLoss
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.loss import times_weights, weighted_sum

_PLAIN = (ElementwiseLoss.ABSOLUTE, ElementwiseLoss.HUBER, ElementwiseLoss.PINBALL)
_ABSOLUTE, _HUBER = int(ElementwiseLoss.ABSOLUTE), int(ElementwiseLoss.HUBER)


@jit
def _plain(
    x: Array,
    targets: Array,
    parameters: Array,
    dx: Array,
    weights: Array,
    gradient: bool,
    loss: Array,
    scale: float,
    kind: int,
) -> None:
    real = x.dtype.type
    zero, one, half = real(0), real(1), real(0.5)
    total = 0.0
    for i in range(x.shape[0]):
        factor, of_row = weights[i] * real(scale), 0.0
        for j in range(x.shape[1]):
            d = x[i, j] - targets[i, j]
            size = abs(d)
            if kind == _ABSOLUTE:
                value, slope = size, d if d == 0 or d != d else (one if d > 0 else -one)
            elif kind == _HUBER:
                cut = parameters[j] if size > parameters[j] else size
                value, slope = cut * (size - half * cut), cut if d > 0 else -cut
            else:
                slope = -parameters[j] if d < 0 else one - parameters[j]
                value = slope * d
                slope = zero if d == 0 else slope
            of_row += np.float64(value)
            if gradient:
                dx[i, j] = slope * factor
        total += weights[i] * of_row
    loss[0] = scale * total


def elementwise_loss(
    x: Array,
    targets: Array,
    parameters: Array | None,
    dx: Array | None,
    loss: Array,
    weights: Array | None,
    scale: float,
    loss_kind: int,
) -> None:
    """The loss whose number is `loss_kind`."""
    if loss_kind in _PLAIN:
        of_rows = np.ones(len(x), x.dtype) if weights is None else weights
        into, own = x[:0] if dx is None else dx, x[0:0].reshape(-1) if parameters is None else parameters
        _plain(x, targets, own, into, of_rows, dx is not None, loss, scale, int(loss_kind))
        return None
    if loss_kind < CUSTOM or custom.of_number(int(loss_kind)).rows:
        return reference.KERNELS["elementwise_loss"](x, targets, parameters, dx, loss, weights, scale, loss_kind)
    losses, slopes = np.empty_like(x), np.empty_like(x) if dx is None else dx
    custom.of_number(int(loss_kind)).call(custom.FORWARD, x.size, x, targets, losses, slopes)
    loss[0] = scale * weighted_sum(losses, weights)
    if dx is not None:
        times_weights(dx, weights, scale)
    return None
