"""Losses with their gradient and the number of correct predictions.

``loss[0]`` is ``scale`` times the sum over samples, added up in float64. ``dx`` is its gradient; it may be ``None``, or
``x`` itself. ``weights`` multiply the losses of the samples, and so their gradients; the number of correct
predictions does not depend on them. The prediction for a row is its first maximum; a row whose loss is NaN is never
correct.
"""

import numpy as np

from fastnn.kernels.reference.arrays import Array


def _shifted(x: Array) -> tuple[Array, Array, Array]:
    """``z = x - row maximum``, ``exp(z)``, and the row sums of that."""
    z = x - x.max(axis=1, keepdims=True)
    e = np.exp(z)
    return z, e, e.sum(axis=1, keepdims=True)


def weighted_sum(losses: Array, weights: Array | None) -> float:
    """The weighted sum of the losses of the samples, (N,) or (N, …)."""
    rows = losses.sum(axis=tuple(range(1, losses.ndim)), dtype=np.float64)
    return float(np.sum(rows if weights is None else weights * rows))


def times_weights(dx: Array, weights: Array | None, scale: float) -> None:
    """Multiply each row by its weight and by `scale`."""
    factor = dx.dtype.type(scale)
    dx *= factor if weights is None else (weights * factor)[:, None]


@np.errstate(all="ignore")
def softmax_cross_entropy(
    x: Array, labels: Array, dx: Array | None, loss: Array, correct: Array, weights: Array | None, scale: float
) -> None:
    """``loss = scale Σ -log p[n, labels[n]]`` and ``dx = scale (p - onehot)`` with ``p = softmax(x)``.

    ``-log p = log Σ exp(z) - z[label]`` with ``z = x - row maximum``, which is finite also if ``p`` is rounded to 0.
    """
    rows = np.arange(len(x))
    z, e, total = _shifted(x)
    correct[0] = np.count_nonzero((x.argmax(axis=1) == labels) & ~np.isnan(total[:, 0]))
    log_total = np.log(total[:, 0].astype(np.float64))
    loss[0] = scale * weighted_sum(log_total - z[rows, labels], weights)
    if dx is not None:
        np.divide(e, total, out=dx)
        dx[rows, labels] -= 1
        times_weights(dx, weights, scale)


@np.errstate(all="ignore")
def soft_cross_entropy(
    x: Array, targets: Array, dx: Array | None, loss: Array, correct: Array, weights: Array | None, scale: float
) -> None:
    """``loss = scale Σ -t log p`` and ``dx = scale (p Σt - t)`` with targets ``t`` and ``p = softmax(x)``.

    The rows of ``targets`` need not sum to 1. A target of 0 adds nothing, even if ``p`` is 0. A row is correct if the
    first maxima of ``x`` and of its targets have the same index.
    """
    z, e, total = _shifted(x)
    correct[0] = np.count_nonzero((x.argmax(axis=1) == targets.argmax(axis=1)) & ~np.isnan(total[:, 0]))
    log_total = np.log(total.astype(np.float64))
    loss[0] = scale * weighted_sum(np.where(targets == 0, 0, targets * (log_total - z)), weights)
    if dx is not None:
        sums = targets.sum(axis=1, keepdims=True)
        np.subtract(e / total * sums, targets, out=dx)
        times_weights(dx, weights, scale)


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
    """``loss = scale Σ max(0, x[n, j] - x[n, y] + delta)`` over ``j ≠ y = labels[n]`` (Weston & Watkins 1999).

    ``dx[n, j]`` is ``scale`` where the margin is above 0, and ``dx[n, y]`` is minus their sum. A margin of 0 or NaN
    contributes no gradient.
    """
    rows = np.arange(len(x))
    margins = np.maximum(0, (x - x[rows, labels][:, None]) + x.dtype.type(delta))
    margins[rows, labels] = 0
    losses = margins.sum(axis=1)
    correct[0] = np.count_nonzero((x.argmax(axis=1) == labels) & ~np.isnan(losses))
    loss[0] = scale * weighted_sum(losses, weights)
    if dx is not None:
        above = margins > 0
        dx[...] = above
        dx[rows, labels] = -np.count_nonzero(above, axis=1)
        times_weights(dx, weights, scale)


@np.errstate(all="ignore")
def binary_cross_entropy(
    x: Array, targets: Array, dx: Array | None, loss: Array, correct: Array, weights: Array | None, scale: float
) -> None:
    """``loss = scale Σ -t log σ(x) - (1 - t) log σ(-x)`` over samples and outputs, ``dx = scale (σ(x) - t)``.

    ``-log σ(x) = log(1 + exp(-|x|)) + max(-x, 0)``, which is finite also if ``σ(x)`` is rounded to 0. A factor ``t`` or
    ``1 - t`` of 0 adds nothing, even if its logarithm is infinite. A sample is correct if ``x > 0`` exactly where
    ``t > ½``.
    """
    e = np.exp(-np.abs(x))
    positive = x > 0
    linear = np.where(positive, x * (1 - targets), -(x * targets))
    linear[np.where(positive, targets == 1, targets == 0)] = 0
    losses = (linear + np.log1p(e)).sum(axis=1)
    correct[0] = np.count_nonzero((positive == (targets > 0.5)).all(axis=1) & ~np.isnan(losses))
    loss[0] = scale * weighted_sum(losses, weights)
    if dx is not None:
        np.subtract(np.where(x < 0, e, 1) / (1 + e), targets, out=dx)
        times_weights(dx, weights, scale)


@np.errstate(all="ignore")
def squared_error(x: Array, targets: Array, dx: Array | None, loss: Array, weights: Array | None, scale: float) -> None:
    """``loss = scale Σ (x - t)²`` over samples and outputs, ``dx = 2 scale (x - t)``."""
    difference = x - targets
    loss[0] = scale * weighted_sum(np.square(difference, dtype=np.float64), weights)
    if dx is not None:
        dx[...] = difference
        times_weights(dx, weights, 2 * scale)


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
    """``loss = scale Σ -(1 - q)^γ log q`` with ``q = softmax(x)[labels]``, and ``dx = scale f (p - onehot)``.

    ``f = (1 - q)^γ - γ q (1 - q)^(γ - 1) log q`` (Lin et al., "Focal loss for dense object detection", 2017). ``1 - q``
    is taken from ``log q``, so that it keeps its digits where q is close to 1.
    """
    rows = np.arange(len(x))
    z, e, sums = _shifted(x)
    correct[0] = np.count_nonzero((x.argmax(axis=1) == labels) & ~np.isnan(sums[:, 0]))
    log_q = z[rows, labels] - np.log(sums[:, 0])
    q, missed = np.exp(log_q), -np.expm1(log_q)
    power = np.power(missed, x.dtype.type(gamma))
    loss[0] = scale * weighted_sum(-power * log_q, weights)
    if dx is not None:
        ratio = np.where(missed == 0, -1, log_q / missed)  # -1 is the limit
        factor = power * (1 - x.dtype.type(gamma) * np.where(q == 0, 0, q * ratio))
        np.divide(e, sums, out=dx)
        dx[rows, labels] = -missed
        dx *= factor[:, None]
        times_weights(dx, weights, scale)
