"""The layer of an activation of the user's own, which `fastnn.custom.activation` makes."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from fastnn.kernels import custom
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer
from fastnn.layers.onnx_graph import Graph

__all__ = ["CustomActivation"]


class CustomActivation(Layer):
    """An activation of one's own, by its name; calling what `fastnn.custom.activation` returns makes this layer.

    Inputs may have any shape (N, ...); outputs have the same shape, and the model's dtype.

    Parameters
    ----------
    function : str
        The name of the activation.

    Raises
    ------
    ValueError
        If there is no activation of that name in this process: import the module that makes it.

    Notes
    -----
    A model file holds the name alone, never code.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.activation
    ... def halved(x):
    ...     return x / 2
    >>> fastnn.layers.CustomActivation("halved")
    CustomActivation(function='halved')
    """

    kind = "custom"

    def __init__(self, function: str) -> None:
        custom.wanted("CustomActivation", "activation", function)  # an error if there is none
        self.function = function
        self.kind = function  # type: ignore[misc]

    @property
    def activation(self) -> custom.CustomActivation:
        """What the kernels know of it."""
        return cast(custom.CustomActivation, custom.find("activation", self.function))

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"maker": Maker.of(self.activation)}

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out, activation = ops.empty(x.shape), self.activation
        activation.prepare(ops.dtype)
        ops.activation_forward(x, out, int(activation), 0.0)
        return out, x if activation.backward_needs_input else out

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty(cache.shape)
        ops.activation_backward(dout, cache, dx, int(self.activation), 0.0)
        return dx

    def config(self) -> dict[str, Any]:
        return {"function": self.function}

    def onnx(self, graph: Graph, x: str) -> str:
        expansion = self.activation.onnx
        if expansion is None:
            raise ValueError(
                f"to_onnx: {self.name}: ONNX does not know the custom activation {self.function!r}; give its "
                "expansion, activation(onnx=...)"
            )
        return str(expansion(graph, x))


class Maker:
    """What makes the layers of an operation of one's own; pickled by its name, or with the text of its functions.

    Parameters
    ----------
    kernel : CustomActivation or CustomLayer
    definition : object
        What `fastnn.custom` knows of it besides.
    again : pair of a function and its arguments
        What makes it again in another process.
    """

    _known: ClassVar[dict[tuple[str, str], Maker]] = {}

    def __init__(
        self, kernel: custom.CustomActivation | custom.CustomLayer, definition: Any, again: tuple[Any, Any]
    ) -> None:
        self.name: str = kernel.name
        self.derivative: str = definition.derivative
        self.kinks: tuple[float, ...] = definition.kinks
        self.__module__: str = definition.module
        self._again = again
        self._known[kernel.kind, kernel.name] = self

    @classmethod
    def of(cls, kernel: custom.CustomActivation | custom.CustomLayer) -> Maker:
        """The maker of an operation: a layer's pickle holds it, so that another process has the operation as well.

        Parameters
        ----------
        kernel : CustomActivation or CustomLayer
        """
        return cls._known[kernel.kind, kernel.name]

    def __call__(self) -> Layer:
        """A layer that computes it."""
        raise NotImplementedError

    def __copy__(self) -> Maker:
        return self

    def __deepcopy__(self, memo: object) -> Maker:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        return custom.reduced(self, self.__module__, self.name, self._again)

    def described(self, what: str) -> str:
        """How it is shown.

        Parameters
        ----------
        what : str
        """
        kinks = f", kinks at {', '.join(map(str, self.kinks))}" if self.kinks else ""
        how = "given" if self.derivative == "given" else f"by {self.derivative}"
        return f"<{what}, derivative {how}{kinks}>"


class ActivationMaker(Maker):
    """An activation of one's own: calling it makes a layer. `fastnn.custom.activation` returns it.

    Attributes
    ----------
    name : str
    derivative : {"given", "dual numbers", "central differences"}
    kinks : tuple of float
        Where the check of the derivative found a kink or a jump.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.activation
    ... def ramp(x):
    ...     return max(x, 0.0) + 0.1 * min(x, 0.0)
    >>> model = fastnn.Sequential([ramp()], input_shape=(3,))
    >>> model.forward([[-2, 0, 3]])
    array([[-0.2,  0. ,  3. ]], dtype=float32)
    """

    def __init__(self, kernel: custom.CustomActivation, definition: Any, again: tuple[Any, Any]) -> None:
        super().__init__(kernel, definition, again)
        self.kernel = kernel

    def __call__(self) -> CustomActivation:
        return CustomActivation(self.name)

    def __repr__(self) -> str:
        return self.described(f"activation {self.name}")
