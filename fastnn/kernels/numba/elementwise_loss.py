"""The losses of single outputs: those of the user's own, which are compiled anyway; NumPy computes the others."""

from __future__ import annotations

import numpy as np

from fastnn.kernels import custom, reference
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.loss import times_weights, weighted_sum


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
    if loss_kind < CUSTOM or custom.of_number(int(loss_kind)).rows:
        return reference.KERNELS["elementwise_loss"](x, targets, parameters, dx, loss, weights, scale, loss_kind)
    losses, slopes = np.empty_like(x), np.empty_like(x) if dx is None else dx
    custom.of_number(int(loss_kind)).call(custom.FORWARD, x.size, x, targets, losses, slopes)
    loss[0] = scale * weighted_sum(losses, weights)
    if dx is not None:
        times_weights(dx, weights, scale)
    return None
