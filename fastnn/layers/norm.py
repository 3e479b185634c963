"""Normalisation layers with a learned scale and shift: batch, layer and group normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

import numpy as np

from fastnn import init as initializers
from fastnn.checks import flag, number, whole
from fastnn.functional.norm import by_pixels
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape
from fastnn.layers.onnx_graph import Graph
from fastnn.parameter import Parameter, State

__all__ = ["BatchNorm", "GroupNorm", "LayerNorm"]


class _Affine(Layer):
    """Base of the norms: a scale gamma that starts at 1 and a shift beta that starts at 0, or neither."""

    affine: bool
    gamma: Parameter | None = None
    beta: Parameter | None = None

    def _declare(self, shape: Shape) -> None:
        if self.affine:
            self.gamma = Parameter("gamma", shape, initializers.get("ones"), decays=False)
            self.beta = Parameter("beta", shape, initializers.get("zeros"), decays=False)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(p for p in (self.gamma, self.beta) if p is not None)

    def _values(self) -> tuple[Any, Any]:
        return (None, None) if self.gamma is None or self.beta is None else (self.gamma.value, self.beta.value)

    def _gradients(self) -> tuple[Any, Any]:
        if self.frozen or self.gamma is None or self.beta is None:
            return None, None
        return self.gamma.grad, self.beta.grad

    def _onnx_affine(self, graph: Graph, shape: tuple[int, ...]) -> list[str]:
        """Gamma and beta in a shape, or 1 and 0, as constants of an ONNX graph."""
        scale, shift = (np.ones(1), np.zeros(1)) if self.gamma is None else self._values()
        return [
            graph.constant(f"{self.name}.{name}", np.broadcast_to(value.reshape(-1), prod(shape)).reshape(shape))
            for name, value in (("gamma", scale), ("beta", shift))
        ]

    def torch_tensors(self) -> dict[str, Any] | None:
        names = {"gamma": "weight", "beta": "bias"}
        return {names.get(name, name): array for name, array in self.arrays.items()}


class BatchNorm(_Affine):
    """Batch normalisation: out = gamma (x - mean) / √(var + eps) + beta, with the statistics of each channel.

    Inputs are (N, C, ...), as rows (N, C) or images (N, C, H, W); outputs have the same shape, and the model's dtype.

    Parameters
    ----------
    affine : bool
        Whether there are a scale gamma and a shift beta, (C,) each.
    track : bool
        Whether evaluation uses running statistics. If not, it uses those of the samples that are evaluated together;
        `predict` and `evaluate` take samples in blocks of at most 256, all of nearly the same size.
    eps : float
        Added to the variance, above 0.
    momentum : float
        The share of the running statistics that a step keeps, at least 0 and at most 1.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range.

    Notes
    -----
    Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift",
    2015. In training the statistics are those of the batch, over samples and pixels; the variance is divided by the
    number n of values of a channel. The running ones follow: ``running = momentum running + (1 - momentum) batch``,
    with the variance divided by n - 1. (What PyTorch calls momentum is 1 - momentum.) If n is 1, the output is beta,
    the gradient of x is 0, and the running variance stays as it is. A batch is never divided into blocks. A `frozen`
    layer that tracks uses its running statistics in training as well, and does not change them.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.BatchNorm()], input_shape=(32, 28, 28))
    >>> {name: value.shape for name, value in model.state.items()}
    {'batch_norm1.running_mean': (32,), 'batch_norm1.running_var': (32,)}
    """

    kind = "batch_norm"
    words: ClassVar[Mapping[str, int]] = {"bn": 0}
    whole_batch = True

    def __init__(self, *, affine: bool = True, track: bool = True, eps: float = 1e-5, momentum: float = 0.9) -> None:
        self.affine, self.track = flag("BatchNorm", "affine", affine), flag("BatchNorm", "track", track)
        self.mixes_samples = not self.track
        self.eps = number("BatchNorm", "eps", eps, above=0)
        self.momentum = number("BatchNorm", "momentum", momentum, at_least=0, at_most=1)
        self._state: tuple[State, ...] = ()

    def build(self, input_shape: Shape) -> Shape:
        channels = input_shape[:1]
        self._declare(channels)
        if self.track:
            self._state = (State("running_mean", channels, 0.0), State("running_var", channels, 1.0))
        return super().build(input_shape)

    @property
    def state(self) -> tuple[State, ...]:
        return self._state

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        pixels = by_pixels(x)
        out = ops.empty(pixels.shape)
        running: list[Any] = [s.value for s in self._state] or [None, None]
        if self.track and (self.frozen or not training):
            ops.batch_norm_apply(pixels, *self._values(), *running, out, self.eps)
            return out.reshape(x.shape), (pixels, *running)
        mean, var = ops.empty(x.shape[1:2]), ops.empty(x.shape[1:2])
        if not training:
            running = [None, None]
        ops.batch_norm_forward(pixels, *self._values(), *running, out, mean, var, self.eps, self.momentum)
        return out.reshape(x.shape), (pixels, mean, var)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x, mean, var = cache
        dx = ops.empty(x.shape) if need_dx else None
        if dx is None and not self.affine:
            return None
        gradient, gamma, fixed = dout.reshape(x.shape), self._values()[0], int(self.track and self.frozen)
        ops.batch_norm_backward(gradient, x, gamma, mean, var, dx, *self._gradients(), self.eps, fixed, ops.beta)
        return None if dx is None else dx.reshape(dout.shape)

    def config(self) -> dict[str, Any]:
        return {"affine": self.affine, "track": self.track, "eps": self.eps, "momentum": self.momentum}

    def onnx(self, graph: Graph, x: str) -> str:
        if not self.track:
            raise ValueError(f"to_onnx: {self.name}: ONNX has no batch normalisation by the batch's own statistics")
        running = [graph.constant(f"{self.name}.{s.name}", s.value) for s in self._state]
        affine = self._onnx_affine(graph, self.input_shape[:1])
        return graph.node("BatchNormalization", x, *affine, *running, epsilon=self.eps)


class _PerSample(_Affine):
    """Base of the norms over groups of channels of each sample."""

    eps: float

    def _shape(self, x: Any) -> tuple[Any, int]:
        """The input as (N, channels, pixels), and the number of groups."""
        raise NotImplementedError

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        pixels, groups = self._shape(x)
        out, mean, var = ops.empty(pixels.shape), ops.empty((x.shape[0], groups)), ops.empty((x.shape[0], groups))
        ops.group_norm_forward(pixels, *self._values(), out, mean, var, self.eps)
        return out.reshape(x.shape), (pixels, mean, var)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x, mean, var = cache
        dx = ops.empty(x.shape) if need_dx else None
        if dx is None and not self.affine:
            return None
        gradient, gamma = dout.reshape(x.shape), self._values()[0]
        ops.group_norm_backward(gradient, x, gamma, mean, var, dx, *self._gradients(), self.eps, ops.beta)
        return None if dx is None else dx.reshape(dout.shape)


class LayerNorm(_PerSample):
    """Layer normalisation: out = gamma (x - mean) / √(var + eps) + beta, with the statistics of each sample.

    Inputs may have any shape (N, ...); outputs have the same shape, and the model's dtype.

    Parameters
    ----------
    affine : bool
        Whether there are a scale gamma and a shift beta, (D,) each: one number for each element of a sample, in C
        order.
    eps : float
        Added to the variance, above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range.

    Notes
    -----
    Ba, Kiros & Hinton, "Layer normalization", 2016. The variance is divided by the number D of elements.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.LayerNorm(affine=False)], input_shape=(2,))
    >>> model.forward([[1, 3]]).round(3).tolist()
    [[-1.0, 1.0]]
    """

    kind = "layer_norm"

    def __init__(self, *, affine: bool = True, eps: float = 1e-5) -> None:
        self.affine = flag("LayerNorm", "affine", affine)
        self.eps = number("LayerNorm", "eps", eps, above=0)

    def build(self, input_shape: Shape) -> Shape:
        self._declare((prod(input_shape),))
        return super().build(input_shape)

    def _shape(self, x: Any) -> tuple[Any, int]:
        return x.reshape((x.shape[0], prod(x.shape[1:]), 1)), 1

    def config(self) -> dict[str, Any]:
        return {"affine": self.affine, "eps": self.eps}

    def onnx(self, graph: Graph, x: str) -> str:
        affine = self._onnx_affine(graph, self.input_shape)
        return graph.node("LayerNormalization", x, *affine, axis=1, epsilon=self.eps)

    def torch_tensors(self) -> dict[str, Any] | None:
        return {name: array.reshape(self.input_shape) for name, array in (super().torch_tensors() or {}).items()}


class GroupNorm(_PerSample):
    """Group normalisation: out = gamma (x - mean) / √(var + eps) + beta, with the statistics of groups of channels.

    Inputs are (N, C, ...), as rows (N, C) or images (N, C, H, W); outputs have the same shape, and the model's dtype.

    Parameters
    ----------
    groups : int
        The number of groups of neighbouring channels, at least 1; it divides C. C groups make it instance
        normalisation.
    affine : bool
        Whether there are a scale gamma and a shift beta, (C,) each.
    eps : float
        Added to the variance, above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range; in a model, if channels do not divide into groups.

    Notes
    -----
    Wu & He, "Group normalization", 2018. The statistics are those of each sample, over the channels of a group and
    their pixels; the variance is divided by the number of values.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.GroupNorm(8)], input_shape=(32, 7, 7))
    >>> model.parameters["group_norm1.gamma"].shape
    (32,)
    """

    kind = "group_norm"

    def __init__(self, groups: int, *, affine: bool = True, eps: float = 1e-5) -> None:
        self.groups = whole("GroupNorm", "groups", groups, at_least=1)
        self.affine = flag("GroupNorm", "affine", affine)
        self.eps = number("GroupNorm", "eps", eps, above=0)

    def build(self, input_shape: Shape) -> Shape:
        if input_shape[0] % self.groups:
            raise ValueError(
                f"GroupNorm: {input_shape[0]} channels do not divide into {self.groups} groups (input {input_shape})"
            )
        self._declare(input_shape[:1])
        return super().build(input_shape)

    def _shape(self, x: Any) -> tuple[Any, int]:
        return by_pixels(x), self.groups

    def config(self) -> dict[str, Any]:
        return {"groups": self.groups, "affine": self.affine, "eps": self.eps}

    def onnx(self, graph: Graph, x: str) -> str:
        # each group becomes a channel of an instance norm; the scale and shift of the channels follow
        ones = np.ones(self.groups)
        parts = [graph.constant(f"{self.name}.one", ones), graph.constant(f"{self.name}.zero", 0 * ones)]
        groups = graph.reshape(self.name, x, (self.groups, -1))
        normal = graph.node("InstanceNormalization", groups, *parts, epsilon=self.eps)
        out = graph.reshape(self.name, normal, self.input_shape)
        if self.gamma is None:
            return out
        gamma, beta = (value.reshape((-1, *(1 for _ in self.input_shape[1:]))) for value in self._values())
        out = graph.node("Mul", out, graph.constant(f"{self.name}.gamma", gamma))
        return graph.node("Add", out, graph.constant(f"{self.name}.beta", beta))
