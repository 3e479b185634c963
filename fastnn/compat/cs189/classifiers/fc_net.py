"""The fully connected network, and the layer functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastnn.compat.cs231n import layer_utils
from fastnn.compat.cs231n.classifiers import fc_net
from fastnn.compat.cs231n.compiled import Twin, fully_connected, register
from fastnn.compat.cs231n.layer_utils import *  # noqa: F403

__all__ = ["FullyConnectedNet"]
__all__ += layer_utils.__all__


class FullyConnectedNet(fc_net.FullyConnectedNet):
    """{affine, ReLU} × L, affine, softmax, in float64; weights are drawn from N(0, weight_scale²), biases are zero.

    Parameters
    ----------
    input_dim : int
    hidden_dim : sequence of int
    num_classes : int
    weight_scale : float
    reg : float
        The factor of a penalty ½ reg Σ W² that is part of the loss; the matrices that are added to their gradients
        come on top.
    dropout, use_batchnorm, normalization, dtype, seed
        As for the network of CS231n.
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dim: Sequence[int] = (10, 5),
        num_classes: int = 10,
        weight_scale: float = 0.1,
        *,
        reg: float = 0.0,
        dropout: float | None = None,
        use_batchnorm: bool | None = None,
        normalization: str | None = None,
        dtype: DTypeLike = np.float64,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            hidden_dim,
            input_dim,
            num_classes,
            normalization=normalization,
            reg=reg,
            weight_scale=weight_scale,
            dtype=dtype,
            seed=seed,
            dropout=dropout,
            use_batchnorm=use_batchnorm,
        )
        self.hidden_dim = hidden_dim

    def loss(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Return scores (N, C), or with labels y (N,) the loss and the gradients, to which the weights are added."""
        if y is None:
            return super().loss(X)
        loss, grads = super().loss(X, y)
        fc_net.decay(self.params, grads, 1.0)
        return loss, grads


def _twin(network: FullyConnectedNet) -> Twin:
    return fully_connected(network)._replace(decay=1.0)


register(FullyConnectedNet, _twin)
