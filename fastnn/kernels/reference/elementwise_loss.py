"""Losses that are a sum over single outputs, with their gradient.

``loss[0]`` is ``scale`` times the sum over samples and outputs, added up in float64. ``dx`` is its gradient; it may be
``None``, or ``x`` itself. ``weights`` multiply the losses of the samples, and so their gradients.
"""

import math
from typing import Any

import numpy as np

from fastnn.kernels import custom
from fastnn.kernels.elementwise_losses import ElementwiseLoss
from fastnn.kernels.limits import CUSTOM
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.loss import times_weights, weighted_sum


def _losses(kind: ElementwiseLoss, x: Array, t: Array, p: Any) -> tuple[Array, Array]:
    """The loss of every element and its derivative."""
    difference = x - t
    size = np.abs(difference)
    match kind:
        case ElementwiseLoss.ABSOLUTE:
            return size, np.sign(difference)
        case ElementwiseLoss.HUBER:
            # with the size clipped to p, one formula for both sides: c (d - c / 2) is d² / 2 where c = d
            cut = np.minimum(size, p)
            return cut * (size - cut / 2), np.copysign(cut, difference)
        case ElementwiseLoss.LOG_COSH:
            return size + (np.log1p(np.exp(-2 * size)) - x.dtype.type(math.log(2))), np.tanh(difference)
        case ElementwiseLoss.HALF_POISSON_DEVIANCE:
            mean = np.exp(x)
            return mean + np.where(t == 0, 0, t * (np.log(t) - x) - t), mean - t
        case ElementwiseLoss.HALF_GAMMA_DEVIANCE:
            ratio = t * np.exp(-x)
            return (ratio - 1) + (x - np.log(t)), 1 - ratio
        case ElementwiseLoss.PINBALL:
            slope = np.where(difference < 0, -p, 1 - p)
            return slope * difference, np.where(difference == 0, 0, slope)


def custom_losses(kernel: custom.CustomLoss, x: Array, targets: Array) -> tuple[Array, Array]:
    """The losses and their derivatives by a function of the user's own, of elements or of rows, in float64."""
    wide, wanted = x.astype(np.float64), targets.astype(np.float64)
    losses, slopes = np.zeros(wide.shape), np.zeros(wide.shape)
    for place in np.ndindex(wide.shape[:1] if kernel.rows else wide.shape):
        loss, slopes[place] = kernel.both(wide[place], wanted[place])
        losses[(*place, 0) if kernel.rows else place] = loss
    return losses, slopes


@np.errstate(all="ignore")
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
    """The loss whose formula and gradient `ElementwiseLoss` has, summed over samples and outputs.

    A target of 0 adds ``exp(x)`` alone to the Poisson deviance. The derivatives of the losses with a kink are 0 there.
    """
    if loss_kind >= CUSTOM:
        losses, slopes = custom_losses(custom.of_number(int(loss_kind)), x, targets)
    else:
        losses, slopes = _losses(ElementwiseLoss(int(loss_kind)), x, targets, parameters)
    loss[0] = scale * weighted_sum(losses, weights)
    if dx is not None:
        dx[...] = slopes
        times_weights(dx, weights, scale)
