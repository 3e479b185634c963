"""The residual block: the sum of two chains of layers that start from the same input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.kernels.eager import Ops
from fastnn.layers import chain
from fastnn.layers.base import Layer, Shape
from fastnn.layers.description import describe, described
from fastnn.layers.onnx_graph import Graph
from fastnn.parameter import Parameter, State

__all__ = ["Residual"]


class Residual(Layer):
    """Residual block: out = layers(x) + shortcut(x).

    Inputs and outputs are those of its layers, of the model's dtype.

    Parameters
    ----------
    layers : sequence of Layer
        The block itself, at least one layer.
    shortcut : sequence of Layer
        Layers of the shortcut. Without any it is x itself, and the block's output must have the shape of x.

    Raises
    ------
    TypeError, ValueError
        If an element is not a layer, or there are no layers; in a model, if the two outputs differ in shape.

    Notes
    -----
    He, Zhang, Ren & Sun, "Deep residual learning for image recognition", 2016. The names of parameters and state
    inside the block say where they belong: ``residual1.conv2.w``, ``residual1.shortcut.conv1.w``.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.layers import Dense, ReLU, Residual
    >>> model = fastnn.Sequential([Residual([Dense(8), ReLU(), Dense(4)])], input_shape=(4,))
    >>> list(model.parameters)
    ['residual1.dense1.w', 'residual1.dense1.b', 'residual1.dense2.w', 'residual1.dense2.b']
    """

    kind = "residual"

    def __init__(self, layers: Sequence[Layer], shortcut: Sequence[Layer] = ()) -> None:
        self.layers, self.shortcut = tuple(layers), tuple(shortcut)
        for layer in self.inner:
            if not isinstance(layer, Layer):
                raise TypeError(f"Residual: expected layers, got {type(layer).__name__}")
        if not self.layers:
            raise ValueError("Residual: layers must not be empty")
        self._parameters: tuple[Parameter, ...] = ()
        self._state: tuple[State, ...] = ()

    @property
    def inner(self) -> tuple[Layer, ...]:
        return (*self.layers, *self.shortcut)

    def build(self, input_shape: Shape) -> Shape:
        long, short = chain.build(self.layers, input_shape), chain.build(self.shortcut, input_shape)
        if long != short:
            raise ValueError(f"Residual: the layers give {long} but the shortcut {short} (input {input_shape})")
        for prefix, layers in (("", self.layers), ("shortcut.", self.shortcut)):
            for layer in layers:
                layer.name = f"{prefix}{layer.name}"
                for p in layer.parameters:
                    p.name = f"{layer.name}.{p.name}"
                for s in layer.state:
                    s.name = f"{layer.name}.{s.name}"
        self._parameters = tuple(p for layer in self.inner for p in layer.parameters)
        self._state = tuple(s for layer in self.inner for s in layer.state)
        self.input_shape, self.output_shape = input_shape, long
        return long

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self._parameters

    @property
    def state(self) -> tuple[State, ...]:
        return self._state

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        long, caches = chain.forward(self.layers, ops, x, training)
        short, short_caches = chain.forward(self.shortcut, ops, x, training)
        out = ops.empty((x.shape[0], *self.output_shape))
        ops.add(long, short, out)
        return out, (caches, short_caches)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        caches, short_caches = cache
        long = chain.backward(self.layers, ops, dout, caches, need_dx)
        short = chain.backward(self.shortcut, ops, dout, short_caches, need_dx)
        if not need_dx:
            return None
        dx = ops.empty((dout.shape[0], *self.input_shape))
        ops.add(long, short, dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"layers": [describe(x) for x in self.layers], "shortcut": [describe(x) for x in self.shortcut]}

    @classmethod
    def from_config(cls, arguments: Mapping[str, Any]) -> Layer:
        return cls(*([described(entry) for entry in arguments[name]] for name in ("layers", "shortcut")))

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Add", chain.onnx(self.layers, graph, x), chain.onnx(self.shortcut, graph, x))

    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds() for layer in self.inner)

    def __repr__(self) -> str:
        return f"Residual({list(self.layers)}, {list(self.shortcut)})"
