"""What a layer is that maps each element by itself: an entry of `fastnn.kernels.Activation`, and its operator in ONNX.

Inputs may have any shape (N, ...); outputs have the same shape, and the model's dtype.
"""

from __future__ import annotations

from typing import Any, ClassVar

from fastnn.checks import number
from fastnn.kernels import Activation
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer
from fastnn.layers.onnx_graph import Graph


class Elementwise(Layer, abstract=True):
    """Base of the activations: a subclass names its entry, and its operator in ONNX."""

    activation: ClassVar[Activation]
    onnx_operator: ClassVar[str]
    onnx_alpha: ClassVar[tuple[str, ...]] = ()  # attributes of the operator that are the activation's alpha
    elementwise = True
    alpha: float = 0.0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "activation" in vars(cls):
            cls.kind = cls.activation.name.lower()
        super().__init_subclass__(**kwargs)

    def take_alpha(self, alpha: float) -> None:
        """Check and keep the number that the activation takes in addition to its input.

        Parameters
        ----------
        alpha : float
        """
        takes = self.activation.alpha
        self.alpha = number(type(self).__name__, takes.name, alpha, **takes.ends)

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty(x.shape)
        ops.activation_forward(x, out, int(self.activation), self.alpha)
        return out, x if self.activation.backward_needs_input else out

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty(cache.shape)
        ops.activation_backward(dout, cache, dx, int(self.activation), self.alpha)
        return dx

    def config(self) -> dict[str, Any]:
        name = self.activation.alpha.name
        return {name: self.alpha} if name else {}

    def onnx(self, graph: Graph, x: str) -> str:
        attributes: dict[str, Any] = dict.fromkeys(self.onnx_alpha, self.alpha)
        return graph.node(self.onnx_operator, x, **attributes)
