"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastnn import init as initializers
from fastnn.checks import flag, number, whole
from fastnn.init import Initializer
from fastnn.kernels import Activation
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape, row_shape
from fastnn.layers.onnx_graph import Graph
from fastnn.parameter import Parameter, penalties

__all__ = ["Dense"]


class Dense(Layer):
    """Fully connected layer: out = x w + b.

    Inputs are rows (N, D), outputs (N, M), both of the model's dtype.

    Parameters
    ----------
    units : int
        The number of outputs M, at least 1.
    bias : bool
        Whether b is added.
    init, bias_init : str or callable
        Initialisers of the parameters w (D, M) and b (M,), see `fastnn.init`.
    l1, l2 : float
        Penalties on w, at least 0: l1 Σ|w| + l2 Σ w² / 2 is added to the loss, and its gradient to that of w.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range; in a model, if samples are not rows.

    Notes
    -----
    The gradients are ``dx = dout wᵀ``, ``dw = xᵀ dout`` and ``db = Σ dout`` over the samples.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,))
    >>> model.parameters["dense1.w"].shape
    (784, 10)
    """

    kind = "dense"
    words: ClassVar[Mapping[str, int]] = {"fc": 1}

    def __init__(
        self,
        units: int,
        *,
        bias: bool = True,
        init: str | Initializer = "glorot_uniform",
        bias_init: str | Initializer = "zeros",
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        self.units = whole("Dense", "units", units, at_least=1)
        self.bias = flag("Dense", "bias", bias)
        self.init = initializers.get(init)
        self.bias_init = initializers.get(bias_init)
        self.l1 = number("Dense", "l1", l1, at_least=0)
        self.l2 = number("Dense", "l2", l2, at_least=0)
        self._parameters: tuple[Parameter, ...] = ()

    def build(self, input_shape: Shape) -> Shape:
        fans = (row_shape(self, input_shape), self.units)
        self.w = Parameter("w", fans, self.init, fans, l1=self.l1, l2=self.l2)
        self.b = Parameter("b", (self.units,), self.bias_init, fans, decays=False) if self.bias else None
        self._parameters = (self.w,) if self.b is None else (self.w, self.b)
        self.input_shape, self.output_shape = input_shape, (self.units,)
        return self.output_shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self._parameters

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((x.shape[0], self.units))
        b = None if self.b is None else self.b.value
        ops.affine_forward(x, self.w.value, b, out, int(Activation.IDENTITY), 0.0, ops.precision)
        return out, x

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x = cache
        dx = None
        if need_dx:  # before the weights' gradient, because a compiled step may update w as it computes that
            dx = ops.empty(x.shape)
            ops.affine_backward_input(dout, self.w.value, dx, None, int(Activation.IDENTITY), 0.0, ops.precision)
        if not self.frozen:
            db = None if self.b is None else self.b.grad
            ops.affine_backward_weight(x, dout, self.w.grad, db, ops.beta, ops.precision)
        return dx

    def config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "bias": self.bias,
            "init": initializers.name_of(self.init),
            "bias_init": initializers.name_of(self.bias_init),
            **penalties(self.l1, self.l2),
        }

    def multiply_adds(self) -> int:
        return self.input_shape[0] * self.units

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Gemm", x, *(graph.constant(f"{self.name}.{p.name}", p.value) for p in self.parameters))

    def torch_tensors(self) -> dict[str, Any] | None:
        return {"weight": self.w.value.T} | ({} if self.b is None else {"bias": self.b.value})
