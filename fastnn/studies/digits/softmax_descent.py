"""Gradient descent for a softmax network without hidden units, step by step on the kernels.

Rows are samples. The bias is the last row of the weights, which a last column of ones in the inputs multiplies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import random
from fastnn.functional import softmax_loss
from fastnn.kernels import UpdateRule
from fastnn.kernels.eager import Eager
from fastnn.losses import SoftmaxCrossEntropy
from fastnn.random import Purpose
from fastnn.studies.study import Run

Floats = NDArray[np.float32]
Callback = Callable[[int, Floats], None]


def with_ones(images: NDArray[Any], scale: float) -> Floats:
    """Return images (N, ...) as float32 rows (N, D + 1), scaled, with a last column of ones for the bias."""
    rows = images.reshape(len(images), -1)
    out = np.ones((len(rows), rows.shape[1] + 1), np.float32)
    np.multiply(rows, np.float32(scale), out=out[:, :-1])
    return out


def sets(run: Run, train: int | None = None) -> tuple[Any, Any, Any, Any]:
    """Return inputs and labels of the first `train` training images, then those of the test images."""
    x, labels = run.data.train
    xt, lt = run.data.test
    return with_ones(x[:train], run.data.scale), labels[:train], with_ones(xt, run.data.scale), lt


def start(seed: int, inputs: int, classes: int = 10) -> Any:
    """Draw initial weights (inputs, classes) from N(0, 1 / inputs)."""
    return random.normal(seed, Purpose.INIT, 0, (inputs, classes)) / math.sqrt(inputs)


def accuracy(x: Floats, labels: NDArray[np.int64], w: Floats) -> float:
    """Return the share of right answers."""
    out = np.empty((len(x), w.shape[1]), np.float32)
    Eager(np.float32).affine_forward(x, np.ascontiguousarray(w), None, out)
    return float(np.mean(out.argmax(axis=1) == labels))


def cost_and_accuracy(x: Floats, labels: NDArray[np.int64], w: Floats) -> tuple[float, float]:
    """Return the cost summed over the samples, in nats, and the share of right answers."""
    out = np.empty((len(x), w.shape[1]), np.float32)
    Eager(np.float32).affine_forward(x, np.ascontiguousarray(w), None, out)
    loss, right = softmax_loss(out, labels, reduction="sum")[0], np.mean(out.argmax(axis=1) == labels)
    return float(loss), float(right)


@dataclass(frozen=True)
class Descent:
    """Gradient descent on the cross-entropy **summed** over each batch.

    Attributes
    ----------
    rate : float
        Learning rate for the summed gradient; a rate for the mean must be divided by `batch`.
    steps : int
        Number of steps.
    batch : int or None
        Samples per step; None for all.
    momentum, velocity : float
        A step is v <- momentum v + rate g, w <- w - v, where v starts at `velocity`.
    seed : int
        Seed for the order of the samples.
    """

    rate: float
    steps: int
    batch: int | None = 128
    momentum: float = 0.0
    velocity: float = 0.0
    seed: int = 1

    def run(
        self,
        x: Floats,
        labels: NDArray[np.int64],
        w: NDArray[Any],
        callback: Callback | None = None,
        every: int = 1,
        shortest: float = 0.0,
    ) -> Floats:
        """Descend from `w` and return the final weights.

        ``callback(step, w)`` is called at step 0, after every `every` steps, and at the end. The descent ends early
        after a step whose Frobenius norm is below `shortest`.
        """
        ops, cross_entropy = Eager(np.float32), SoftmaxCrossEntropy()
        w = np.array(w, np.float32, order="C")
        v, dw = np.full_like(w, self.velocity), np.empty_like(w)
        rate, t = np.array([self.rate]), np.ones(1, np.int64)
        loss, correct = np.zeros(1), np.zeros(1, np.int64)
        if callback is not None:
            callback(0, w)
        for step, (rows, targets) in enumerate(self._batches(ops, x, labels), 1):
            out, dout = np.empty((len(rows), w.shape[1]), np.float32), np.empty((len(rows), w.shape[1]), np.float32)
            ops.affine_forward(rows, w, None, out)
            cross_entropy.run(ops, out, targets, dout, loss, correct, 1.0)
            ops.affine_backward_weight(rows, dout, dw, None, 0.0)
            ops.update(w, None, v, dw, rate, t, UpdateRule.MOMENTUM, 0.0, self.momentum)
            ended = step == self.steps or (shortest > 0 and float(np.linalg.norm(v)) < shortest)
            if callback is not None and (ended or step % every == 0):
                callback(step, w)
            if ended:
                break
        return w

    def _batches(self, ops: Eager, x: Floats, labels: NDArray[np.int64]) -> Iterator[tuple[Any, Any]]:
        if self.batch is None:
            while True:
                yield x, labels
        epoch = 0
        while True:
            epoch += 1
            order = random.permutation(self.seed, Purpose.SHUFFLE, epoch, len(x))
            for first in range(0, len(x), self.batch):
                index = order[first : first + self.batch]
                rows = np.empty((len(index), x.shape[1]), np.float32)
                ops.gather_rows(x, index, rows, 1.0)
                yield rows, labels[index]
