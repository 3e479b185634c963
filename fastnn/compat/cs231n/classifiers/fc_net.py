"""Fully connected networks, with their parameters by name and their loss with its gradients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn.checks import choice, number
from fastnn.compat.cs231n import layer_utils
from fastnn.compat.cs231n.arrays import Array, Cache, Params
from fastnn.compat.cs231n.classifiers.saving import load_arrays, save_arrays
from fastnn.compat.cs231n.compiled import fully_connected, register
from fastnn.compat.cs231n.dropout import kept, masked
from fastnn.compat.cs231n.layer_utils import *  # noqa: F403
from fastnn.compat.cs231n.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
)

__all__ = ["FullyConnectedNet", "TwoLayerNet"]
__all__ += layer_utils.__all__

Gradients = dict[str, Array]

_NORMS = {"batchnorm": (batchnorm_forward, batchnorm_backward), "layernorm": (layernorm_forward, layernorm_backward)}


def normal(scale: float, *shape: int) -> NDArray[np.float64]:
    """Numbers from N(0, scale²), drawn from NumPy's global generator, which the notebooks seed."""
    return scale * np.random.randn(*shape)


def decay(params: Params, grads: Gradients, reg: float) -> float:
    """Return ½ reg Σ W² over the matrices W1, W2, … and add its gradient to `grads`."""
    total = 0.0
    if reg == 0:
        return total
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
        Fraction of units that is kept, in (0, 1]; 1 means no dropout. The course calls it so since 2021. The fourth
        argument by its place may also be 0, which meant no dropout before.
    normalization : "batchnorm", "layernorm" or None
    reg : float
        The factor of the penalty ½ reg Σ W².
    weight_scale : float
        Standard deviation of the initial weights.
    dtype : dtype
        The dtype of parameters and computation.
    seed : int, optional
        Seed of the dropout masks, which makes them repeatable.
    dropout : float, optional
        The name before 2021. Beside `normalization` it is the fraction that is kept, as since 2018; beside
        `use_batchnorm` the fraction that is dropped, as before; otherwise what `dropout_means` says. 0 and 1 mean no
        dropout.
    use_batchnorm : bool, optional
        The name before 2018: True is ``normalization="batchnorm"``.

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
        normalization: str | bool | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
        *,
        dropout: float | None = None,
        use_batchnorm: bool | None = None,
    ) -> None:
        keep = _keep_ratio(dropout_keep_ratio, dropout, normalization is not None, use_batchnorm is not None)
        if use_batchnorm is not None and normalization is not None:
            raise ValueError("FullyConnectedNet: expected normalization or its earlier name use_batchnorm, got both")
        if use_batchnorm or normalization is True:  # the fifth argument by its place was use_batchnorm before 2018
            normalization = "batchnorm"
        normalization = choice("FullyConnectedNet", "normalization", normalization or None, (*_NORMS, None))
        self.normalization, self.reg, self.dtype = normalization, reg, dtype
        self.use_batchnorm = normalization == "batchnorm"
        self.use_dropout = keep != 1
        self.num_layers = 1 + len(hidden_dims)
        self.params: Params = {}
        sizes = [input_dim, *hidden_dims, num_classes]
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
            self.params[f"W{i}"] = normal(weight_scale, fan_in, fan_out)
            self.params[f"b{i}"] = np.zeros(fan_out)
            if normalization is not None and i < self.num_layers:
                self.params[f"gamma{i}"], self.params[f"beta{i}"] = np.ones(fan_out), np.zeros(fan_out)
        self.params = {name: value.astype(dtype) for name, value in self.params.items()}
        self.dropout_param: Params = {"mode": "train", "p": keep} if self.use_dropout else {}
        if self.use_dropout and seed is not None:
            self.dropout_param["seed"] = seed
        self.bn_params: list[Params] = [{"mode": "train"} for _ in hidden_dims] if normalization else []

    def loss(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Return scores (N, C) of X, or with labels y (N,) the loss and the gradients by parameter name."""
        for param in (self.dropout_param, *self.bn_params):
            param["mode"] = "test" if y is None else "train"
        out: Array = np.asarray(X).astype(self.dtype, copy=False)
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

    def save(self, fname: str | PathLike[str]) -> None:
        """Write the parameters to a file."""
        save_arrays(fname, self.params)

    def load(self, fname: str | PathLike[str]) -> bool:
        """Read the parameters from a file that `save` wrote; return whether there is one."""
        arrays = load_arrays(fname)
        if arrays is not None:
            self.params = {name: value.astype(self.dtype, copy=False) for name, value in arrays.items()}
        return arrays is not None

    def _affine(self, i: int) -> tuple[Array, Array]:
        return self.params[f"W{i}"], self.params[f"b{i}"]

    def _affine_gradients(self, i: int, dout: Array, cache: Cache, grads: Gradients) -> Array:
        dx, grads[f"W{i}"], grads[f"b{i}"] = affine_backward(dout, cache)
        return dx

    def _block_forward(self, i: int, x: Array) -> tuple[Array, Cache]:
        norm_cache = drop_cache = None
        out, fc_cache = affine_forward(x, *self._affine(i))
        if self.normalization is not None:
            forward = _NORMS[self.normalization][0]
            out, norm_cache = forward(out, self.params[f"gamma{i}"], self.params[f"beta{i}"], self.bn_params[i - 1])
        out, relu_cache = relu_forward(out)
        if self.use_dropout:
            out, drop_cache = masked(out, self.dropout_param, self.dropout_param["p"])
        return out, (fc_cache, norm_cache, relu_cache, drop_cache)

    def _block_backward(self, i: int, dout: Array, cache: Cache, grads: Gradients) -> Array:
        fc_cache, norm_cache, relu_cache, drop_cache = cache
        if drop_cache is not None:
            dout = dropout_backward(dout, drop_cache)
        dout = relu_backward(dout, relu_cache)
        if self.normalization is not None:
            backward = _NORMS[self.normalization][1]
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


def _keep_ratio(ratio: float, dropout: float | None, by_2018: bool, by_2016: bool) -> float:
    """The fraction that is kept, from either name of the argument and what stands beside it."""
    name = "FullyConnectedNet"
    if dropout is None:
        return number(name, "dropout_keep_ratio", ratio, at_least=0, at_most=1) or 1.0
    if ratio != 1:
        raise ValueError(f"{name}: expected dropout_keep_ratio or its earlier name dropout, got both")
    share = number(name, "dropout", dropout, at_least=0, at_most=1)
    if share in (0, 1):
        return 1.0
    if by_2016:
        return 1 - share
    return share if by_2018 else kept(name, "dropout", share)


register(FullyConnectedNet, fully_connected)
register(TwoLayerNet, fully_connected)
