"""The activations over a row as layers: softmax, softmin and log-softmax.

Inputs are rows (N, C); outputs have the same shape, and the model's dtype.
"""

from __future__ import annotations

from typing import Any, ClassVar

from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape, row_shape
from fastnn.layers.onnx_graph import Graph

__all__ = ["LogSoftmax", "Softmax", "Softmin"]


class _Rowwise(Layer):
    """Base of the activations over all units of a sample."""

    def build(self, input_shape: Shape) -> Shape:
        row_shape(self, input_shape)
        return super().build(input_shape)


class Softmax(_Rowwise):
    """out = exp(x) / Σ exp(x), over each row: positive numbers that sum to 1.

    Notes
    -----
    The row's maximum is subtracted first, so that nothing overflows. The gradient is ``out (dout - Σ dout out)``. For
    training take the raw scores instead, with `fastnn.losses.SoftmaxCrossEntropy`, which applies the softmax itself.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Softmax()], input_shape=(4,))
    >>> model.forward([[1, 1, 1, 1]]).round(4).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    kind = "softmax"
    gives_probabilities = True
    sign: ClassVar[float] = 1.0

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty(x.shape)
        ops.softmax_forward(x, out, self.sign)
        return out, out

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty(cache.shape)
        ops.softmax_backward(dout, cache, dx, self.sign)
        return dx

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Softmax", x, axis=-1)


class Softmin(Softmax):
    """out = exp(-x) / Σ exp(-x), over each row: the softmax of -x.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Softmin()], input_shape=(3,))
    >>> model.forward([[50, 0, 0]]).round(4).tolist()
    [[0.0, 0.5, 0.5]]
    """

    kind = "softmin"
    sign = -1.0

    def onnx(self, graph: Graph, x: str) -> str:
        return super().onnx(graph, graph.node("Neg", x))


class LogSoftmax(_Rowwise):
    """out = x - log Σ exp(x), over each row: the logarithm of the softmax, in nats.

    Notes
    -----
    It is finite where the softmax itself would be too small for a floating-point number.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.LogSoftmax()], input_shape=(2,))
    >>> model.forward([[50, 0]]).round(4).tolist()
    [[0.0, -50.0]]
    """

    kind = "log_softmax"

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty(x.shape)
        ops.log_softmax_forward(x, out)
        return out, out

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty(cache.shape)
        ops.log_softmax_backward(dout, cache, dx)
        return dx

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("LogSoftmax", x, axis=-1)
