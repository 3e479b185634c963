"""Layers that only look at the same numbers in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from fastnn.checks import whole
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


class Reshape(Layer):
    """Each sample in another shape, in C order.

    Parameters
    ----------
    shape : tuple of int
        Of a sample, without the batch; one -1 stands for what is left.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.Reshape((1, 28, -1))], input_shape=(784,)).output_shape
    (1, 28, 28)
    """

    kind = "reshape"

    def __init__(self, shape: Sequence[int]) -> None:
        if isinstance(shape, str) or not isinstance(shape, Sequence):
            raise TypeError(f"Reshape: shape must be a tuple of ints, got {type(shape).__name__}")
        self.shape = tuple(whole("Reshape", "shape", n, at_least=-1) for n in shape)
        if not self.shape or 0 in self.shape or self.shape.count(-1) > 1:
            raise ValueError(f"Reshape: shape must hold positive sizes and at most one -1, got {self.shape}")

    def build(self, input_shape: Shape) -> Shape:
        known, size = prod(n for n in self.shape if n != -1), prod(input_shape)
        if size % known or (-1 not in self.shape and size != known):
            raise ValueError(f"Reshape: {self.shape} does not hold the {size} elements of {input_shape}")
        self.input_shape = input_shape
        self.output_shape = tuple(size // known if n == -1 else n for n in self.shape)
        return self.output_shape

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        return x.reshape((x.shape[0], *self.output_shape)), None

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        return dout.reshape((dout.shape[0], *self.input_shape)) if need_dx else None

    def config(self) -> dict[str, Any]:
        return {"shape": list(self.shape)}
