"""The CS189-style hand-out: layer functions, a fully connected network, a solver and files of predictions.

Its functions are those of CS231n. Its network differs in three ways: its arguments have another order, the pixels are
raw (0 … 255), and each weight matrix is added to its own gradient, which is the gradient of ½‖W‖², although that is not
part of the loss.

Examples
--------
>>> import numpy as np
>>> from fastnn.compat.cs189 import FullyConnectedNet
>>> np.random.seed(0)
>>> model = FullyConnectedNet(input_dim=4, hidden_dim=[3], num_classes=2)
>>> model.loss(np.ones((5, 4))).shape
(5, 2)
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.compat.cs231n.classifiers import fc_net
from fastnn.compat.cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array, rel_error
from fastnn.compat.cs231n.layer_utils import affine_relu_backward, affine_relu_forward
from fastnn.compat.cs231n.layers import affine_backward, affine_forward, relu_backward, relu_forward, softmax_loss
from fastnn.compat.cs231n.solver import Solver as _Solver
from fastnn.files import write_whole

__all__ = [
    "FullyConnectedNet",
    "Solver",
    "affine_backward",
    "affine_forward",
    "affine_relu_backward",
    "affine_relu_forward",
    "eval_numerical_gradient",
    "eval_numerical_gradient_array",
    "rel_error",
    "relu_backward",
    "relu_forward",
    "results_to_csv",
    "softmax_loss",
]


class FullyConnectedNet(fc_net.FullyConnectedNet):
    """{affine, ReLU} × L, affine, softmax, in float64; weights are drawn from N(0, weight_scale²), biases are zero.

    Parameters
    ----------
    input_dim : int
    hidden_dim : sequence of int
    num_classes : int
    weight_scale : float
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dim: Sequence[int] = (10, 5),
        num_classes: int = 10,
        weight_scale: float = 0.1,
    ) -> None:
        super().__init__(hidden_dim, input_dim, num_classes, weight_scale=weight_scale, dtype=np.float64)

    def loss(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Return scores (N, C), or with labels y (N,) the loss and the gradients, to which the weights are added."""
        if y is None:
            return super().loss(X)
        loss, grads = super().loss(X, y)
        fc_net.decay(self.params, grads, 1.0)
        return loss, grads


class Solver(_Solver):
    """A `fastnn.compat.cs231n.solver.Solver` that measures the accuracies once more, before training."""

    measures_at_start = True


def results_to_csv(y: ArrayLike, name: str | PathLike[str]) -> None:
    """Write predictions y (N,) as lines ``Id,Category``, where Id counts from 1.

    Raises
    ------
    ValueError
        If y is not a one-dimensional array of whole numbers.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or not np.array_equal(labels, labels.astype(np.int64)):
        raise ValueError(f"results_to_csv: y must be whole numbers (N,), got {labels.dtype} {labels.shape}")
    lines = [f"{i},{int(label)}" for i, label in enumerate(labels, 1)]
    write_whole(name, "\n".join(["Id,Category", *lines]) + "\n")
