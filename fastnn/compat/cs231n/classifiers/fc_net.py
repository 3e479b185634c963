"""Fully connected networks, with their parameters by name and their loss with its gradients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn.checks import choice
from fastnn.compat.cs231n.arrays import Array, Cache, Params
from fastnn.compat.cs231n.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
)

__all__ = ["FullyConnectedNet", "TwoLayerNet"]

Gradients = dict[str, Array]


def normal(scale: float, *shape: int) -> NDArray[np.float64]:
    """Numbers from N(0, scale²), drawn from NumPy's global generator, which the notebooks seed."""
    return scale * np.random.randn(*shape)


def decay(params: Params, grads: Gradients, reg: float) -> float:
    """Return ½ reg Σ W² over the matrices W1, W2, … and add its gradient to `grads`."""
    total = 0.0
    for name in params:
        if name.startswith("W"):
            total += 0.5 * reg * float(np.sum(params[name] ** 2))
            grads[name] = grads[name] + reg * params[name]
    return total


class FullyConnectedNet:
    """{affine, [batch or layer norm], ReLU, [dropout]} × (L - 1), affine, softmax.

    Parameters
    ----------
    hidden_dims : sequence of int
    input_dim, num_classes : int
    dropout_keep_ratio : float
        Fraction of units that is kept, in (0, 1]; 1 means no dropout.
    normalization : "batchnorm", "layernorm" or None
    reg : float
        The factor of the penalty ½ reg Σ W².
    weight_scale : float
        Standard deviation of the initial weights.
    dtype : dtype
        The dtype of parameters and computation.
    seed : int, optional
        Seed of the dropout masks, which makes them repeatable.

    Attributes
    ----------
    params : dict of str to array
        W1, b1, [gamma1, beta1], W2, …
    """

    def __init__(
        self,
        hidden_dims: Sequence[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        dropout_keep_ratio: float = 1,
        normalization: str | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
    ) -> None:
        choice("FullyConnectedNet", "normalization", normalization, ("batchnorm", "layernorm", None))
        self.normalization, self.reg, self.dtype = normalization, reg, dtype
        self.use_dropout = dropout_keep_ratio != 1
        self.num_layers = 1 + len(hidden_dims)
        self.params: Params = {}
        sizes = [input_dim, *hidden_dims, num_classes]
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
            self.params[f"W{i}"] = normal(weight_scale, fan_in, fan_out)
            self.params[f"b{i}"] = np.zeros(fan_out)
            if normalization is not None and i < self.num_layers:
                self.params[f"gamma{i}"], self.params[f"beta{i}"] = np.ones(fan_out), np.zeros(fan_out)
        self.params = {name: value.astype(dtype) for name, value in self.params.items()}
        self.dropout_param: Params = {"mode": "train", "p": dropout_keep_ratio} if self.use_dropout else {}
        if self.use_dropout and seed is not None:
            self.dropout_param["seed"] = seed
        self.bn_params: list[Params] = [{"mode": "train"} for _ in hidden_dims] if normalization else []

    def loss(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Return scores (N, C) of X, or with labels y (N,) the loss and the gradients by parameter name."""
        for param in (self.dropout_param, *self.bn_params):
            param["mode"] = "test" if y is None else "train"
        out: Array = np.asarray(X).astype(self.dtype)
        caches: list[Cache] = []
        for i in range(1, self.num_layers):
            out, cache = self._block_forward(i, out)
            caches.append(cache)
        scores, last = affine_forward(out, *self._affine(self.num_layers))
        if y is None:
            return scores
        loss, dout = softmax_loss(scores, y)
        grads: Gradients = {}
        dout = self._affine_gradients(self.num_layers, dout, last, grads)
        for i in range(self.num_layers - 1, 0, -1):
            dout = self._block_backward(i, dout, caches[i - 1], grads)
        return loss + decay(self.params, grads, self.reg), grads

    def _affine(self, i: int) -> tuple[Array, Array]:
        return self.params[f"W{i}"], self.params[f"b{i}"]

    def _affine_gradients(self, i: int, dout: Array, cache: Cache, grads: Gradients) -> Array:
        dx, grads[f"W{i}"], grads[f"b{i}"] = affine_backward(dout, cache)
        return dx

    def _block_forward(self, i: int, x: Array) -> tuple[Array, Cache]:
        norm_cache = drop_cache = None
        out, fc_cache = affine_forward(x, *self._affine(i))
        if self.normalization is not None:
            forward = batchnorm_forward if self.normalization == "batchnorm" else layernorm_forward
            out, norm_cache = forward(out, self.params[f"gamma{i}"], self.params[f"beta{i}"], self.bn_params[i - 1])
        out, relu_cache = relu_forward(out)
        if self.use_dropout:
            out, drop_cache = dropout_forward(out, self.dropout_param)
        return out, (fc_cache, norm_cache, relu_cache, drop_cache)

    def _block_backward(self, i: int, dout: Array, cache: Cache, grads: Gradients) -> Array:
        fc_cache, norm_cache, relu_cache, drop_cache = cache
        if drop_cache is not None:
            dout = dropout_backward(dout, drop_cache)
        dout = relu_backward(dout, relu_cache)
        if norm_cache is not None:
            backward = batchnorm_backward if self.normalization == "batchnorm" else layernorm_backward
            dout, grads[f"gamma{i}"], grads[f"beta{i}"] = backward(dout, norm_cache)
        return self._affine_gradients(i, dout, fc_cache, grads)


class TwoLayerNet(FullyConnectedNet):
    """Affine, ReLU, affine, softmax, in float64."""

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
    ) -> None:
        super().__init__([hidden_dim], input_dim, num_classes, reg=reg, weight_scale=weight_scale, dtype=np.float64)
