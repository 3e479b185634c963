"""Layers that change the shape of samples and leave their numbers as they are."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from fastnn.checks import whole
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape
from fastnn.layers.onnx_graph import Graph

__all__ = ["Flatten", "Reshape"]


class _Reshaping(Layer):
    """Base of the layers whose output is the input in another shape."""

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        return x.reshape((x.shape[0], *self.output_shape)), None

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        return dout.reshape((dout.shape[0], *self.input_shape)) if need_dx else None


class Flatten(_Reshaping):
    """Each sample as one row, in C order.

    Inputs may have any shape (N, d1, ..., dk); outputs are rows (N, d1 · ... · dk), of the model's dtype.

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

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Flatten", x, axis=1)


class Reshape(_Reshaping):
    """Each sample in another shape, in C order.

    Inputs may have any shape (N, ...) with as many numbers in a sample; outputs are (N, *shape), of the model's dtype.

    Parameters
    ----------
    shape : tuple of int
        The new shape of a sample, without the batch. Sizes are at least 1; one of them may be -1, which stands for
        the size that follows from the others.

    Raises
    ------
    TypeError, ValueError
        If it is not a tuple of such sizes; in a model, if it does not hold as many numbers as a sample has.

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

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.reshape(self.name, x, self.output_shape)

    def config(self) -> dict[str, Any]:
        return {"shape": list(self.shape)}
