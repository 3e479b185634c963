"""Losses with their gradient and the count of right answers.

``loss[0]`` is ``scale`` times the sum over samples, added up in float64. ``dx`` is its gradient; it may be
``None``, or ``x`` itself. An answer is the first maximum of a row; a row whose softmax is NaN is never right.
"""

import numpy as np

from fastnn.kernels.reference.arrays import Array


def _shifted(x: Array) -> tuple[Array, Array, Array]:
    """``z = x - row maximum``, ``exp(z)`` and its row sums."""
    z = x - x.max(axis=1, keepdims=True)
    e = np.exp(z)
    return z, e, e.sum(axis=1, keepdims=True)


@np.errstate(all="ignore")
def softmax_cross_entropy(x: Array, labels: Array, dx: Array | None, loss: Array, correct: Array, scale: float) -> None:
    """``loss = scale Σ -log p[n, labels[n]]`` and ``dx = scale (p - onehot)``, ``p = softmax(x)``.

    ``-log p = log Σ exp(z) - z[label]`` with ``z = x - row maximum``: finite where ``p`` would be 0.
    """
    rows = np.arange(len(x))
    z, e, total = _shifted(x)
    correct[0] = np.count_nonzero((x.argmax(axis=1) == labels) & ~np.isnan(total[:, 0]))
    log_total = np.log(total[:, 0].astype(np.float64))
    loss[0] = scale * np.sum(log_total - z[rows, labels])
    if dx is not None:
        np.divide(e, total, out=dx)
        dx[rows, labels] -= 1
        dx *= dx.dtype.type(scale)


@np.errstate(all="ignore")
def soft_cross_entropy(x: Array, targets: Array, dx: Array | None, loss: Array, correct: Array, scale: float) -> None:
    """``loss = scale Σ -t log p`` and ``dx = scale (p Σt - t)``, ``t`` a row of targets, ``p = softmax(x)``.

    The rows of ``targets`` need not sum to 1. A target of 0 adds nothing, also where ``p`` is 0. A row is
    right when the first maxima of ``x`` and of its targets are at one place.
    """
    z, e, total = _shifted(x)
    correct[0] = np.count_nonzero((x.argmax(axis=1) == targets.argmax(axis=1)) & ~np.isnan(total[:, 0]))
    log_total = np.log(total.astype(np.float64))
    loss[0] = scale * np.sum(np.where(targets == 0, 0, targets * (log_total - z)))
    if dx is not None:
        weight = targets.sum(axis=1, keepdims=True)
        np.subtract(e / total * weight, targets, out=dx)
        dx *= dx.dtype.type(scale)


@np.errstate(all="ignore")
def squared_error(x: Array, targets: Array, dx: Array | None, loss: Array, scale: float) -> None:
    """``loss = scale Σ (x - t)²`` and ``dx = 2 scale (x - t)``."""
    difference = x - targets
    loss[0] = scale * np.sum(np.square(difference, dtype=np.float64))
    if dx is not None:
        np.multiply(difference, dx.dtype.type(2 * scale), out=dx)
