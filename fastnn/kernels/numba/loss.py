"""Losses with their gradient and the number of correct predictions; sums are added up in float64.

The cross entropies get ``z``, the rows minus their maximum, and ``e = exp(z)``, which becomes the gradient if one is
wanted. The predicted class of a row is where ``z`` has its first 0.
"""

import math

import numpy as np

from fastnn.kernels import reference
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.numba.softmax import LONGEST_ROW, shift
from fastnn.kernels.reference.arrays import Array


def _shifted(x: Array, dx: Array | None) -> tuple[Array, Array]:
    z = np.empty_like(x)
    shift(x, z, 1.0)
    return z, np.exp(z, out=dx)


@jit
def _by_label(z: Array, e: Array, labels: Array, gradient: bool, loss: Array, correct: Array, scale: float) -> None:
    real = z.dtype.type
    factor = real(scale)
    losses, right = 0.0, 0
    for i in range(z.shape[0]):
        total, answer = 0.0, -1
        for j in range(z.shape[1]):
            total += e[i, j]
            if z[i, j] == 0 and answer < 0:
                answer = j
        label = labels[i]
        losses += math.log(total) - z[i, label]
        if answer == label and not math.isnan(total):
            right += 1
        if gradient:
            divisor = real(total)
            for j in range(z.shape[1]):
                e[i, j] /= divisor
            e[i, label] -= real(1)
            for j in range(z.shape[1]):
                e[i, j] *= factor
    loss[0] = scale * losses
    correct[0] = right


@np.errstate(all="ignore")
def softmax_cross_entropy(
    x: Array, labels: Array, dx: Array | None, loss: Array, correct: Array, weights: Array | None, scale: float
) -> None:
    """``loss = scale Σ -log p[n, labels[n]]`` and ``dx = scale (p - onehot)`` with ``p = softmax(x)``."""
    if x.shape[1] > LONGEST_ROW or weights is not None:
        return reference.softmax_cross_entropy(x, labels, dx, loss, correct, weights, scale)
    z, e = _shifted(x, dx)
    _by_label(z, e, labels, dx is not None, loss, correct, scale)


@jit
def _by_weights(z: Array, e: Array, targets: Array, gradient: bool, loss: Array, correct: Array, scale: float) -> None:
    real = z.dtype.type
    factor = real(scale)
    losses, right = 0.0, 0
    for i in range(z.shape[0]):
        total, sum_of_targets, answer, wanted = 0.0, 0.0, -1, 0
        for j in range(z.shape[1]):
            total += e[i, j]
            sum_of_targets += targets[i, j]
            if z[i, j] == 0 and answer < 0:
                answer = j
            if targets[i, j] > targets[i, wanted]:
                wanted = j
        if answer == wanted and not math.isnan(total):
            right += 1
        log_total = math.log(total)
        for j in range(z.shape[1]):
            if targets[i, j] != 0:
                losses += targets[i, j] * (log_total - z[i, j])
        if gradient:
            divisor, weight = real(total), real(sum_of_targets)
            for j in range(z.shape[1]):
                e[i, j] = (e[i, j] / divisor * weight - targets[i, j]) * factor
    loss[0] = scale * losses
    correct[0] = right


@np.errstate(all="ignore")
def soft_cross_entropy(
    x: Array, targets: Array, dx: Array | None, loss: Array, correct: Array, weights: Array | None, scale: float
) -> None:
    """``loss = scale Σ -t log p`` and ``dx = scale (p Σt - t)``, where ``t`` is a row of targets."""
    if x.shape[1] > LONGEST_ROW or weights is not None:
        return reference.soft_cross_entropy(x, targets, dx, loss, correct, weights, scale)
    z, e = _shifted(x, dx)
    _by_weights(z, e, targets, dx is not None, loss, correct, scale)


@jit
def _squared_error(x: Array, targets: Array, dx: Array | None, loss: Array, scale: float) -> None:
    factor = x.dtype.type(2 * scale)
    total = 0.0
    for i in range(x.size):
        difference = x[i] - targets[i]
        total += np.float64(difference) * np.float64(difference)
        if dx is not None:
            dx[i] = difference * factor
    loss[0] = scale * total


def squared_error(x: Array, targets: Array, dx: Array | None, loss: Array, weights: Array | None, scale: float) -> None:
    """``loss = scale Σ (x - t)²`` and ``dx = 2 scale (x - t)``."""
    if weights is not None:
        return reference.squared_error(x, targets, dx, loss, weights, scale)
    _squared_error(x.reshape(-1), targets.reshape(-1), None if dx is None else dx.reshape(-1), loss, scale)
