"""Layers one after the other: what a model and a layer made of layers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape


def walk(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Every layer and, behind it, those inside it."""
    for layer in layers:
        yield layer
        yield from walk(layer.inner)


def build(layers: Sequence[Layer], shape: Shape) -> Shape:
    """Name the layers by kind and count, build each on what the one before gives; return the last shape.

    Raises
    ------
    ValueError
        If a layer cannot work on what reaches it; the message begins with its name.
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
    """Outputs of the last layer, and what `backward` needs."""
    caches = []
    for layer in layers:
        x, cache = layer.forward(ops, x, training)
        x = _as_kernels_take(ops, x)
        caches.append(cache)
    return x, caches


def backward(layers: Sequence[Layer], ops: Ops, dout: Any, caches: Sequence[Any], need_dx: bool) -> Any:
    """Write the gradients of all trained parameters; return that of the inputs, or None where `need_dx` is false."""
    first = next((i for i, layer in enumerate(layers) if layer.trained), len(layers))
    for i in range(len(layers) - 1, -1, -1):
        if i < first and not need_dx:
            return None
        dout = _as_kernels_take(ops, layers[i].backward(ops, dout, caches[i], need_dx or i > first))
    return dout


def _as_kernels_take(ops: Ops, array: Any) -> Any:
    """What a layer of the user's own made with NumPy, contiguous and of the model's dtype."""
    return np.require(array, ops.dtype, ("C", "A")) if isinstance(array, np.ndarray) else array
