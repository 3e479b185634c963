"""Each layer as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
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
        """Name of a constant array, new where it is taken; floating-point ones get the graph's dtype."""
        name += f"_{len(self.constants)}" if name in self.constants else ""
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


def _constants(graph: Graph, layer: Layer) -> list[str]:
    return [graph.constant(f"{layer.name}.{name}", value) for name, value in layer.arrays.items()]


def _dense(graph: Graph, layer: Any, x: str) -> str:
    return graph.node("Gemm", x, *_constants(graph, layer))


def _window(layer: Any) -> dict[str, Any]:
    window = layer.window
    after = [
        max(0, (count - 1) * stride + (size - 1) * dilation + 1 - pixels - before)
        for count, stride, size, dilation, pixels, before in zip(
            window.count, window.stride, window.size, window.dilation, layer.input_shape[1:], window.before, strict=True
        )
    ]
    return {"kernel_shape": list(window.size), "strides": list(window.stride), "pads": [*window.before, *after]}


def _conv(graph: Graph, layer: Any, x: str) -> str:
    shape = {**_window(layer), "dilations": list(layer.window.dilation), "group": layer.groups}
    return graph.node("Conv", x, *_constants(graph, layer), **shape)


def _max_pool(graph: Graph, layer: Any, x: str) -> str:
    return graph.node("MaxPool", x, **_window(layer))


def _avg_pool(graph: Graph, layer: Any, x: str) -> str:
    return graph.node("AveragePool", x, count_include_pad=int(layer.count_pad), **_window(layer))


def _global(kind: str) -> Callable[[Graph, Any, str], str]:
    def add(graph: Graph, layer: Any, x: str) -> str:
        return graph.node("Flatten", graph.node(kind, x), axis=1)

    return add


def _scale_and_shift(graph: Graph, layer: Any, shape: tuple[int, ...]) -> list[str]:
    """The norm's gamma and beta, or 1 and 0."""
    values = [np.ones(1), np.zeros(1)] if layer.gamma is None else [layer.gamma.value, layer.beta.value]
    return [
        graph.constant(f"{layer.name}.{name}", np.broadcast_to(value.reshape(-1), prod(shape)).reshape(shape))
        for name, value in zip(("gamma", "beta"), values, strict=True)
    ]


def _batch_norm(graph: Graph, layer: Any, x: str) -> str:
    if not layer.track:
        raise ValueError(f"to_onnx: {layer.name}: ONNX has no batch normalisation by the batch's own statistics")
    running = [graph.constant(f"{layer.name}.{state.name}", state.value) for state in layer.state]
    affine = _scale_and_shift(graph, layer, layer.input_shape[:1])
    return graph.node("BatchNormalization", x, *affine, *running, epsilon=layer.eps)


def _layer_norm(graph: Graph, layer: Any, x: str) -> str:
    affine = _scale_and_shift(graph, layer, layer.input_shape)
    return graph.node("LayerNormalization", x, *affine, axis=1, epsilon=layer.eps)


def _group_norm(graph: Graph, layer: Any, x: str) -> str:
    """Each group as a channel of an instance norm; the channels' own scale and shift behind it."""
    channels, ones = layer.input_shape[0], np.ones(layer.groups)
    parts = [graph.constant(f"{layer.name}.one", ones), graph.constant(f"{layer.name}.zero", 0 * ones)]
    groups = _reshape(graph, layer, x, (layer.groups, -1))
    normal = graph.node("InstanceNormalization", groups, *parts, epsilon=layer.eps)
    out = _reshape(graph, layer, normal, layer.input_shape)
    if layer.gamma is not None:
        broad = (channels, *(1 for _ in layer.input_shape[1:]))
        out = graph.node("Mul", out, graph.constant(f"{layer.name}.gamma", layer.gamma.value.reshape(broad)))
        out = graph.node("Add", out, graph.constant(f"{layer.name}.beta", layer.beta.value.reshape(broad)))
    return out


def _response_norm(graph: Graph, layer: Any, x: str) -> str:
    alpha = layer.alpha if layer.divide else layer.alpha * layer.size  # the operator divides
    return graph.node("LRN", x, alpha=alpha, beta=layer.beta, bias=layer.k, size=layer.size)


def _reshape(graph: Graph, layer: Any, x: str, shape: tuple[int, ...] | None = None) -> str:
    sizes = np.array([0, *(layer.output_shape if shape is None else shape)], np.int64)  # 0: the batch as it is
    return graph.node("Reshape", x, graph.constant(f"{layer.name}.shape", sizes))


def _residual(graph: Graph, layer: Any, x: str) -> str:
    long, short = x, x
    for inner in layer.layers:
        long = add_layer(graph, inner, long)
    for inner in layer.shortcut:
        short = add_layer(graph, inner, short)
    return graph.node("Add", long, short)


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
    "Dense": _dense,
    "Conv2D": _conv,
    "MaxPool2D": _max_pool,
    "AvgPool2D": _avg_pool,
    "GlobalMaxPool2D": _global("GlobalMaxPool"),
    "GlobalAvgPool2D": _global("GlobalAveragePool"),
    "BatchNorm": _batch_norm,
    "LayerNorm": _layer_norm,
    "GroupNorm": _group_norm,
    "LocalResponseNorm": _response_norm,
    "Residual": _residual,
    "Reshape": _reshape,
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
