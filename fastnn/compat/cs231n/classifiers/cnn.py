"""A convolutional network of three layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastnn.compat.cs231n import layer_utils
from fastnn.compat.cs231n.arrays import Array, Params
from fastnn.compat.cs231n.classifiers.fc_net import Gradients, decay, normal
from fastnn.compat.cs231n.compiled import register, three_layers
from fastnn.compat.cs231n.layer_utils import *  # noqa: F403
from fastnn.compat.cs231n.layer_utils import (
    affine_relu_backward,
    affine_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
)
from fastnn.compat.cs231n.layers import affine_backward, affine_forward, softmax_loss

__all__ = ["ThreeLayerConvNet"]
__all__ += layer_utils.__all__


class ThreeLayerConvNet:
    """conv - ReLU - 2 × 2 max-pool - affine - ReLU - affine - softmax; the convolution keeps height and width.

    Parameters
    ----------
    input_dim : (C, H, W)
    num_filters, filter_size, hidden_dim, num_classes : int
    weight_scale : float
        Standard deviation of the initial weights.
    reg : float
        The factor of the penalty ½ reg Σ W².
    dtype : dtype
        The dtype of parameters and computation.

    Attributes
    ----------
    params : dict of str to array
        W1 (F, C, filter_size, filter_size), b1, W2, b2, W3, b3.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (3, 32, 32),
        num_filters: int = 32,
        filter_size: int = 7,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        channels, height, width = input_dim
        pooled = num_filters * (height // 2) * (width // 2)
        self.reg, self.dtype, self.input_dim = reg, dtype, tuple(input_dim)
        params: Params = {
            "W1": normal(weight_scale, num_filters, channels, filter_size, filter_size),
            "b1": np.zeros(num_filters),
            "W2": normal(weight_scale, pooled, hidden_dim),
            "b2": np.zeros(hidden_dim),
            "W3": normal(weight_scale, hidden_dim, num_classes),
            "b3": np.zeros(num_classes),
        }
        self.params: Params = {name: value.astype(dtype) for name, value in params.items()}

    def loss(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Return scores (N, C) of images X (N, C, H, W), or with labels y (N,) the loss and the gradients by name."""
        p = self.params
        x: Array = np.asarray(X).astype(self.dtype, copy=False)
        conv_param = {"stride": 1, "pad": (p["W1"].shape[2] - 1) // 2}
        pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        out, conv_cache = conv_relu_pool_forward(x, p["W1"], p["b1"], conv_param, pool_param)
        out, hidden_cache = affine_relu_forward(out, p["W2"], p["b2"])
        scores, last_cache = affine_forward(out, p["W3"], p["b3"])
        if y is None:
            return scores
        loss, dout = softmax_loss(scores, y)
        grads: Gradients = {}
        dout, grads["W3"], grads["b3"] = affine_backward(dout, last_cache)
        dout, grads["W2"], grads["b2"] = affine_relu_backward(dout, hidden_cache)
        _, grads["W1"], grads["b1"] = conv_relu_pool_backward(dout, conv_cache)
        return loss + decay(p, grads, self.reg), grads


register(ThreeLayerConvNet, three_layers)
