"""Each layer as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.layers.base import Layer

Array = NDArray[Any]
Node = tuple[str, list[str], str, dict[str, Any]]


class Graph:
    """Nodes and constants as they come together.

    Parameters
    ----------
    dtype : dtype
        Of all floating-point constants.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, value: Array) -> str:
        """Name of a constant array; floating-point ones get the graph's dtype."""
        self.constants[name] = np.ascontiguousarray(value, self.dtype if value.dtype.kind == "f" else value.dtype)
        if value.ndim == 0:
            self.constants[name] = self.constants[name].reshape(())
        return name

    def node(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = out or f"{kind.lower()}_{len(self.nodes) + 1}"
        self.nodes.append((kind, list(inputs), name, attributes))
        return name

    def tidy(self) -> list[Node]:
        """The nodes; an identity at the end is taken into the node before it."""
        *nodes, (_, (last,), out, _) = self.nodes
        if not nodes or nodes[-1][2] != last or sum(last in inputs for _, inputs, _, _ in nodes):
            return self.nodes
        kind, inputs, _, attributes = nodes[-1]
        return [*nodes[:-1], (kind, inputs, out, attributes)]


def add_layer(graph: Graph, layer: Layer, x: str) -> str:
    """Add a layer behind the value `x`; return the name of its output.

    Raises
    ------
    ValueError
        If ONNX has nothing that does the same.
    """
    add = _LAYERS.get(type(layer).__name__)
    if add is None:
        raise ValueError(f"to_onnx: {layer.name}: {type(layer).__name__} has no counterpart in ONNX")
    return add(graph, layer, x)


def _constants(graph: Graph, layer: Layer) -> dict[str, str]:
    return {name: graph.constant(f"{layer.name}.{name}", value) for name, value in layer.arrays.items()}


def _affine(kind: str) -> Callable[[Graph, Any, str], str]:
    def add(graph: Graph, layer: Any, x: str) -> str:
        return graph.node(kind, x, *_constants(graph, layer).values(), **(_window(layer) if kind == "Conv" else {}))

    return add


def _window(layer: Any) -> dict[str, Any]:
    window = layer.window
    after = [
        max(0, (count - 1) * stride + (size - 1) * dilation + 1 - pixels - before)
        for count, stride, size, dilation, pixels, before in zip(
            window.count, window.stride, window.size, window.dilation, layer.input_shape[1:], window.before, strict=True
        )
    ]
    return {
        "kernel_shape": list(window.size),
        "strides": list(window.stride),
        "dilations": list(window.dilation),
        "pads": [*window.before, *after],
        "group": layer.groups,
    }


def _simple(kind: str, **attributes: Any) -> Callable[[Graph, Any, str], str]:
    def add(graph: Graph, layer: Any, x: str) -> str:
        values = {
            name: getattr(layer, value) if isinstance(value, str) else value for name, value in attributes.items()
        }
        return graph.node(kind, x, **values)

    return add


def _tanhshrink(graph: Graph, layer: Any, x: str) -> str:
    return graph.node("Sub", x, graph.node("Tanh", x))


def _softmin(graph: Graph, layer: Any, x: str) -> str:
    return graph.node("Softmax", graph.node("Neg", x), axis=-1)


def _identity(graph: Graph, layer: Any, x: str) -> str:
    return x


_LAYERS: dict[str, Callable[[Graph, Any, str], str]] = {
    "Dense": _affine("Gemm"),
    "Conv2D": _affine("Conv"),
    "Flatten": _simple("Flatten", axis=1),
    "Dropout": _identity,
    "ReLU": _simple("Relu"),
    "LeakyReLU": _simple("LeakyRelu", alpha="alpha"),
    "ELU": _simple("Elu", alpha="alpha"),
    "Sigmoid": _simple("Sigmoid"),
    "Tanh": _simple("Tanh"),
    "Tanhshrink": _tanhshrink,
    "Softshrink": _simple("Shrink", lambd="alpha", bias="alpha"),
    "Softmax": _simple("Softmax", axis=-1),
    "Softmin": _softmin,
    "LogSoftmax": _simple("LogSoftmax", axis=-1),
}
