"""Layers that only look at the same numbers in another shape."""

from __future__ import annotations

from math import prod
from typing import Any

from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape


class Flatten(Layer):
    """Each sample as one row: (N, C, H, W) to (N, C·H·W), in C order.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.Flatten()], input_shape=(28, 28)).output_shape
    (784,)
    """

    kind = "flatten"

    def build(self, input_shape: Shape) -> Shape:
        self.input_shape, self.output_shape = input_shape, (prod(input_shape),)
        return self.output_shape

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        return x.reshape((x.shape[0], *self.output_shape)), None

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        return dout.reshape((dout.shape[0], *self.input_shape)) if need_dx else None
