"""Chains of layers, each working on the output of the one before: what models and layers made of layers share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape, speaks_for_itself
from fastnn.layers.onnx_graph import Graph


def walk(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Every layer, each followed by the layers inside it."""
    for layer in layers:
        yield layer
        yield from walk(layer.inner)


def build(layers: Sequence[Layer], shape: Shape) -> Shape:
    """Name the layers by kind and count, and build each on the output of the one before; return the last shape.

    Raises
    ------
    ValueError
        If a layer cannot work on the shape that reaches it; the message begins with its name.
    """
    counts: dict[str, int] = {}
    for layer in layers:
        counts[layer.kind] = counts.get(layer.kind, 0) + 1
        layer.name = f"{layer.kind}{counts[layer.kind]}"
        try:
            shape = layer.build(shape)
        except ValueError as error:
            raise ValueError(f"{layer.name}: {error}") from None
    return shape


def forward(layers: Sequence[Layer], ops: Ops, x: Any, training: bool) -> tuple[Any, list[Any]]:
    """The output of the last layer, and the caches that `backward` needs."""
    caches = []
    for layer in layers:
        x, cache = layer.forward(ops, x, training)
        x = _as_kernels_take(ops, x)
        caches.append(cache)
    return x, caches


def backward(layers: Sequence[Layer], ops: Ops, dout: Any, caches: Sequence[Any], need_dx: bool) -> Any:
    """Write the gradients of all trained parameters; return that of the input, or None if it is not needed."""
    first = next((i for i, layer in enumerate(layers) if layer.trained), len(layers))
    for i in range(len(layers) - 1, -1, -1):
        if i < first and not need_dx:
            return None
        dout = _as_kernels_take(ops, layers[i].backward(ops, dout, caches[i], need_dx or i > first))
    return dout


def onnx(layers: Sequence[Layer], graph: Graph, x: str) -> str:
    """Add the layers to an ONNX graph, and return the name of the last one's output.

    Raises
    ------
    ValueError
        If ONNX has nothing that computes the same as one of them.
    """
    for layer in layers:
        x = layer.onnx(graph, x) if speaks_for_itself(layer, "onnx") else Layer.onnx(layer, graph, x)
    return x


def _as_kernels_take(ops: Ops, array: Any) -> Any:
    """An array that a user's layer made with NumPy, contiguous and of the model's dtype."""
    return np.require(array, ops.dtype, ("C", "A")) if isinstance(array, np.ndarray) else array
