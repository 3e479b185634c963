"""The layer of a function of the user's own with learned numbers, which `fastnn.custom.elementwise_layer` makes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np

from fastnn import init as initializers
from fastnn.checks import flag, number
from fastnn.functional.prelu import by_slopes
from fastnn.kernels import custom
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape
from fastnn.layers.custom import CustomActivation, Maker
from fastnn.layers.onnx_graph import Graph
from fastnn.parameter import Parameter

__all__ = ["CustomElementwise"]
RESERVED = frozenset({"function", "per_channel", "type", "frozen"})  # what a layer's description says besides
_MOST = 3


class CustomElementwise(Layer):
    """A function of one's own with learned numbers, by its name; `fastnn.custom.elementwise_layer` makes it.

    Inputs may have any shape (N, C, ...); outputs have the same shape, and the model's dtype.

    Parameters
    ----------
    function : str
        The name of the layer.
    per_channel : bool
        Whether each channel (of rows: each column) learns numbers of its own, instead of the whole layer the same.
    **initial : float
        What the learned numbers begin with, by their names. Default: the function's own values.

    Raises
    ------
    TypeError, ValueError
        If there is no layer of that name in this process (import the module that makes it), or a number is not one of
        its own, or not finite.

    Notes
    -----
    A model file holds the name and the learned numbers, never code.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.elementwise_layer
    ... def scaled(x, scale=1.0):
    ...     return scale * x
    >>> fastnn.layers.CustomElementwise("scaled", per_channel=True)
    CustomElementwise(function='scaled', per_channel=True, scale=1.0)
    """

    kind = "custom_elementwise"

    def __init__(self, function: str, per_channel: bool = False, **initial: float) -> None:
        custom.wanted("CustomElementwise", "layer", function)  # an error if there is none
        self.function = function
        self.kind = function  # type: ignore[misc]
        self.per_channel = flag(function, "per_channel", per_channel)
        learned = self.activation.learned
        if unknown := initial.keys() - learned.keys():
            expected = ", ".join(("per_channel", *learned))
            raise TypeError(f"{function}: expected {expected}, got {', '.join(sorted(unknown))}")
        self.initial = {name: number(function, name, initial.get(name, value)) for name, value in learned.items()}

    @property
    def activation(self) -> custom.CustomLayer:
        """What the kernels know of it."""
        return cast(custom.CustomLayer, custom.find("layer", self.function))

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"maker": Maker.of(self.activation)}

    def build(self, input_shape: Shape) -> Shape:
        shape = input_shape[:1] if self.per_channel else (1,)
        self.numbers = tuple(
            Parameter(name, shape, initializers.constant(value), decays=False) for name, value in self.initial.items()
        )
        return super().build(input_shape)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.numbers

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        self.activation.prepare(ops.dtype)
        channels = by_slopes(x, self.numbers[0].size)
        out = ops.empty(channels.shape)
        ops.learned_activation_forward(channels, *self._three("value"), out, int(self.activation))
        return out.reshape(x.shape), channels

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        dx = ops.empty(cache.shape) if need_dx else None
        if dx is None and self.frozen:
            return None
        gradients = (None,) * _MOST if self.frozen else self._three("grad")
        dout = dout.reshape(cache.shape)
        kind = int(self.activation)
        ops.learned_activation_backward(dout, cache, *self._three("value"), dx, *gradients, ops.beta, kind)
        return None if dx is None else dx.reshape((dout.shape[0], *self.output_shape))

    def _three(self, attribute: str) -> tuple[Any, ...]:
        """An array of each learned number, as the kernels take them."""
        return (*(getattr(p, attribute) for p in self.numbers), *(None,) * (_MOST - len(self.numbers)))

    def config(self) -> dict[str, Any]:
        return {"function": self.function, "per_channel": self.per_channel, **self.initial}

    def onnx(self, graph: Graph, x: str) -> str:
        expansion = self.activation.onnx
        if expansion is None:
            raise ValueError(
                f"to_onnx: {self.name}: ONNX does not know the custom layer {self.function!r}; give its expansion, "
                "elementwise_layer(onnx=...)"
            )
        axes = (self.numbers[0].size, *(1 for _ in self.input_shape[1:]))  # broadcast to samples, from the last axis on
        constants = [graph.constant(f"{self.name}.{p.name}", np.reshape(p.value, axes)) for p in self.numbers]
        return str(expansion(graph, x, *constants))


def own_layer(name: str) -> Callable[[], Layer] | None:
    """What makes the layer of a custom activation or elementwise layer of that name; None if there is none."""
    if name in custom.names("activation"):
        return partial(CustomActivation, name)
    return partial(CustomElementwise, name) if name in custom.names("layer") else None


class LayerMaker(Maker):
    """A function of one's own with learned numbers: calling it makes a layer.

    Attributes
    ----------
    name : str
    derivative : {"given", "dual numbers", "central differences"}
    kinks : tuple of float
        Where the check of the derivative by the input found a kink or a jump.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.elementwise_layer
    ... def above(x, threshold=0.0, slope=0.5):
    ...     return x if x > threshold else slope * (x - threshold) + threshold
    >>> model = fastnn.Sequential([above(threshold=1)], input_shape=(3,))
    >>> model.forward([[-9, 1, 3]])
    array([[-4.,  1.,  3.]], dtype=float32)
    """

    def __init__(self, kernel: custom.CustomLayer, definition: Any, signature: str, again: tuple[Any, Any]) -> None:
        super().__init__(kernel, definition, again)
        self.kernel, self.signature = kernel, signature

    def __call__(self, *, per_channel: bool = False, **initial: float) -> CustomElementwise:
        return CustomElementwise(self.name, per_channel, **initial)

    def __repr__(self) -> str:
        return self.described(f"layer {self.name} of {self.signature}")
