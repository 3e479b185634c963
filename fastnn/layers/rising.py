"""Outputs in rising order, such as quantiles that must not cross."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.kernels import Activation
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape, row_shape
from fastnn.layers.onnx_graph import Graph

__all__ = ["Rising"]


class Rising(Layer):
    """Outputs that rise: out[0] = x[0], out[k] = out[k - 1] + 1 + ELU(x[k]), over each row.

    Inputs are rows (N, C); outputs have the same shape, and the model's dtype. As the last layer before
    `fastnn.losses.Quantile` with C levels, it makes quantiles that do not cross.

    Notes
    -----
    1 + ELU(x) is exp(x) for x <= 0 and 1 + x above, so that a step is positive and its gradient does not vanish. Where
    exp(x) is small beside an output, two outputs may be rounded to the same number.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Rising()], input_shape=(3,))
    >>> model.forward([[5, 0, 1]]).tolist()
    [[5.0, 6.0, 8.0]]
    """

    kind = "rising"

    def build(self, input_shape: Shape) -> Shape:
        row_shape(self, input_shape)
        return super().build(input_shape)

    def _matrices(self, dtype: Any) -> tuple[Any, Any, Any]:
        """What the steps ELU(x) and the first input are multiplied by, and what the ones of the steps add up to."""
        columns = self.input_shape[0]
        steps = np.triu(np.ones((columns, columns), dtype))
        steps[0] = 0
        first = np.zeros((columns, columns), dtype)
        first[0] = 1
        return steps, first, np.arange(columns).astype(dtype)

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        steps, first, ones = self._matrices(ops.dtype)
        elu, summed, begun, out = (ops.empty(x.shape) for _ in range(4))
        ops.activation_forward(x, elu, Activation.ELU, 1.0)
        ops.affine_forward(elu, steps, ones, summed)
        ops.affine_forward(x, first, None, begun)
        ops.add(summed, begun, out)
        return out, elu

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        steps, first, _ = self._matrices(ops.dtype)
        of_steps, sloped, of_first, dx = (ops.empty(dout.shape) for _ in range(4))
        ops.affine_backward_input(dout, steps, of_steps, None)
        ops.activation_backward(of_steps, cache, sloped, Activation.ELU, 1.0)
        ops.affine_backward_input(dout, first, of_first, None)
        ops.add(sloped, of_first, dx)
        return dx

    def onnx(self, graph: Graph, x: str) -> str:
        steps, first, ones = self._matrices(graph.dtype)
        elu = graph.node("Elu", x, alpha=1.0)
        summed = graph.node("MatMul", elu, graph.constant(f"{self.name}.steps", steps))
        begun = graph.node("MatMul", x, graph.constant(f"{self.name}.first", first))
        total = graph.node("Add", summed, begun)
        return graph.node("Add", total, graph.constant(f"{self.name}.ones", ones))
