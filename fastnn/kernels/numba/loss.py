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
def _by_label(
    z: Array, e: Array, labels: Array, weights: Array, gradient: bool, loss: Array, correct: Array, scale: float
) -> None:
    real = z.dtype.type
    losses, right = 0.0, 0
    for i in range(z.shape[0]):
        factor = weights[i] * real(scale)
        total, answer = 0.0, -1
        for j in range(z.shape[1]):
            total += e[i, j]
            if z[i, j] == 0 and answer < 0:
                answer = j
        label = labels[i]
        losses += weights[i] * (math.log(total) - z[i, label])
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
    if x.shape[1] > LONGEST_ROW:
        return reference.softmax_cross_entropy(x, labels, dx, loss, correct, weights, scale)
    z, e = _shifted(x, dx)
    _by_label(z, e, labels, _weights(weights, x), dx is not None, loss, correct, scale)


@jit
def _by_distribution(
    z: Array, e: Array, targets: Array, weights: Array, gradient: bool, loss: Array, correct: Array, scale: float
) -> None:
    real = z.dtype.type
    losses, right = 0.0, 0
    for i in range(z.shape[0]):
        factor, of_row = weights[i] * real(scale), 0.0
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
                of_row += targets[i, j] * (log_total - z[i, j])
        losses += weights[i] * of_row
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
    if x.shape[1] > LONGEST_ROW:
        return reference.soft_cross_entropy(x, targets, dx, loss, correct, weights, scale)
    z, e = _shifted(x, dx)
    _by_distribution(z, e, targets, _weights(weights, x), dx is not None, loss, correct, scale)


@jit
def _focal(
    z: Array,
    e: Array,
    labels: Array,
    weights: Array,
    gradient: bool,
    loss: Array,
    correct: Array,
    scale: float,
    gamma: float,
) -> None:
    real = z.dtype.type
    losses, right = 0.0, 0
    for i in range(z.shape[0]):
        total, answer, label = 0.0, -1, labels[i]
        for j in range(z.shape[1]):
            total += e[i, j]
            if z[i, j] == 0 and answer < 0:
                answer = j
        log_q = z[i, label] - math.log(total)
        q, missed = math.exp(log_q), -math.expm1(log_q)
        power = missed**gamma
        losses += weights[i] * (-power * log_q)
        if answer == label and not math.isnan(total):
            right += 1
        if gradient:
            ratio = -1.0 if missed == 0 else log_q / missed  # -1 is the limit
            steep = power * (1 - gamma * (0.0 if q == 0 else q * ratio))
            factor = real(steep) * (weights[i] * real(scale))
            divisor = real(total)
            for j in range(z.shape[1]):
                e[i, j] = e[i, j] / divisor * factor
            e[i, label] = real(-missed) * factor
    loss[0] = scale * losses
    correct[0] = right


@np.errstate(all="ignore")
def focal_cross_entropy(
    x: Array,
    labels: Array,
    dx: Array | None,
    loss: Array,
    correct: Array,
    weights: Array | None,
    scale: float,
    gamma: float,
) -> None:
    """``loss = scale Σ -(1 - q)^gamma log q`` with the probability ``q`` of the label."""
    if x.shape[1] > LONGEST_ROW:
        return reference.focal_cross_entropy(x, labels, dx, loss, correct, weights, scale, gamma)
    z, e = _shifted(x, dx)
    _focal(z, e, labels, _weights(weights, x), dx is not None, loss, correct, scale, float(gamma))


@jit
def _hinge(
    x: Array,
    labels: Array,
    dx: Array,
    weights: Array,
    gradient: bool,
    loss: Array,
    correct: Array,
    scale: float,
    delta: np.floating,
) -> None:
    real = x.dtype.type
    losses, right = 0.0, 0
    for i in range(x.shape[0]):
        factor, label = weights[i] * real(scale), labels[i]
        wanted, of_row, answer, above = x[i, label], 0.0, 0, 0
        for j in range(x.shape[1]):
            value = x[i, j]
            if value > x[i, answer] or (math.isnan(value) and not math.isnan(x[i, answer])):
                answer = j
            margin = (value - wanted) + delta if j != label else real(0)
            of_row += margin if margin > 0 or math.isnan(margin) else real(0)
        if answer == label and not math.isnan(of_row):
            right += 1
        losses += weights[i] * of_row
        if gradient:
            for j in range(x.shape[1]):
                over = j != label and (x[i, j] - wanted) + delta > 0
                above += over
                dx[i, j] = factor if over else factor * real(0)
            dx[i, label] = -real(above) * factor
    loss[0] = scale * losses
    correct[0] = right


@np.errstate(all="ignore")
def multiclass_hinge(
    x: Array,
    labels: Array,
    dx: Array | None,
    loss: Array,
    correct: Array,
    weights: Array | None,
    scale: float,
    delta: float,
) -> None:
    """``loss = scale Σ max(0, x[n, j] - x[n, y] + delta)`` over ``j ≠ y = labels[n]``."""
    into = x[:0] if dx is None else dx
    _hinge(x, labels, into, _weights(weights, x), dx is not None, loss, correct, scale, x.dtype.type(delta))


@jit
def _binary(
    x: Array,
    targets: Array,
    e: Array,
    log: Array,
    dx: Array,
    weights: Array,
    gradient: bool,
    loss: Array,
    correct: Array,
    scale: float,
) -> None:
    """E is exp(-|x|), and log the logarithm of 1 + e."""
    real = x.dtype.type
    zero, one, half = real(0), real(1), real(0.5)
    losses, right = 0.0, 0
    for i in range(x.shape[0]):
        factor, of_row, all_right = weights[i] * real(scale), 0.0, True
        for j in range(x.shape[1]):
            value, t = x[i, j], targets[i, j]
            positive = value > 0
            linear = value * (one - t) if positive else -(value * t)
            if t == (one if positive else zero):
                linear = zero
            of_row += np.float64(linear + log[i, j])
            all_right = all_right and positive == (t > half)
            if gradient:
                dx[i, j] = ((e[i, j] if value < 0 else one) / (one + e[i, j]) - t) * factor
        if all_right and not math.isnan(of_row):
            right += 1
        losses += weights[i] * of_row
    loss[0] = scale * losses
    correct[0] = right


@np.errstate(all="ignore")
def binary_cross_entropy(
    x: Array, targets: Array, dx: Array | None, loss: Array, correct: Array, weights: Array | None, scale: float
) -> None:
    """``loss = scale Σ -t log σ(x) - (1 - t) log σ(-x)`` over samples and outputs, ``dx = scale (σ(x) - t)``."""
    e = np.exp(-np.abs(x))
    into = x[:0] if dx is None else dx
    _binary(x, targets, e, np.log1p(e), into, _weights(weights, x), dx is not None, loss, correct, scale)


@jit
def _squared_error(
    x: Array, targets: Array, dx: Array, weights: Array, gradient: bool, loss: Array, scale: float
) -> None:
    total = 0.0
    for i in range(x.shape[0]):
        factor, of_row = weights[i] * x.dtype.type(2 * scale), 0.0
        for j in range(x.shape[1]):
            difference = x[i, j] - targets[i, j]
            of_row += np.float64(difference) * np.float64(difference)
            if gradient:
                dx[i, j] = difference * factor
        total += weights[i] * of_row
    loss[0] = scale * total


def squared_error(x: Array, targets: Array, dx: Array | None, loss: Array, weights: Array | None, scale: float) -> None:
    """``loss = scale Σ (x - t)²`` and ``dx = 2 scale (x - t)``."""
    into = x[:0] if dx is None else dx
    _squared_error(x, targets, into, _weights(weights, x), dx is not None, loss, scale)


def _weights(weights: Array | None, x: Array) -> Array:
    """A weight for each sample."""
    return np.ones(len(x), x.dtype) if weights is None else weights
