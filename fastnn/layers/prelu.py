"""PReLU, the rectified linear unit that learns its slope below zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import init as initializers
from fastnn.checks import flag, number
from fastnn.functional.prelu import by_slopes
from fastnn.kernels.eager import Ops
from fastnn.kernels.limits import PRELU
from fastnn.layers.base import Layer, Shape
from fastnn.layers.onnx_graph import Graph
from fastnn.parameter import Parameter

__all__ = ["PReLU"]


class PReLU(Layer):
    """Parametric rectified linear unit: out = x where x > 0, else slope x, with a slope that is learned.

    Inputs may have any shape (N, C, ...); outputs have the same shape, and the model's dtype.

    Parameters
    ----------
    initial : float
        The slope before training.
    per_channel : bool
        Whether each channel (of rows: each column) has a slope of its own, instead of one for the whole layer.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, or initial is not finite.

    Notes
    -----
    He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015. As there, weight decay leaves the slope alone. At 0 the
    gradient is the slope.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.PReLU()], input_shape=(3,))
    >>> model.forward([[-2, 0, 3]]).tolist(), model.parameters["prelu1.slope"].tolist()
    ([[-0.5, 0.0, 3.0]], [0.25])
    """

    kind = "prelu"
    elementwise = True
    slope: Parameter

    def __init__(self, initial: float = 0.25, *, per_channel: bool = False) -> None:
        self.initial = number("PReLU", "initial", initial)
        self.per_channel = flag("PReLU", "per_channel", per_channel)

    def build(self, input_shape: Shape) -> Shape:
        shape = input_shape[:1] if self.per_channel else (1,)
        self.slope = Parameter("slope", shape, initializers.constant(self.initial), decays=False)
        return super().build(input_shape)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self.slope,)

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        channels = by_slopes(x, self.slope.size)
        out = ops.empty(channels.shape)
        ops.learned_activation_forward(channels, self.slope.value, None, None, out, PRELU)
        return out.reshape(x.shape), channels

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        dx = ops.empty(cache.shape) if need_dx else None
        dslope = None if self.frozen else self.slope.grad
        if dx is None and dslope is None:
            return None
        numbers, gradients = (self.slope.value, None, None), (dslope, None, None)
        ops.learned_activation_backward(dout.reshape(cache.shape), cache, *numbers, dx, *gradients, ops.beta, PRELU)
        return None if dx is None else dx.reshape(dout.shape)

    def config(self) -> dict[str, Any]:
        return {"initial": self.initial, "per_channel": self.per_channel}

    def onnx(self, graph: Graph, x: str) -> str:
        axes = (self.slope.size, *(1 for _ in self.input_shape[1:]))  # broadcast to samples, from the last axis on
        return graph.node("PRelu", x, graph.constant(f"{self.name}.slope", np.reshape(self.slope.value, axes)))

    def torch_tensors(self) -> dict[str, Any] | None:
        return {"weight": self.slope.value}
