"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from fastnn import init as initializers
from fastnn.checks import flag, number, whole
from fastnn.init import Initializer
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape
from fastnn.parameter import Parameter, penalties


class Dense(Layer):
    """Fully connected layer: out = x w + b.

    Parameters
    ----------
    units : int
        Outputs M.
    bias : bool
        Whether there is a b.
    init, bias_init : str or callable
        Initialisers of w (D, M) and b (M,), see `fastnn.init`.
    l1, l2 : float
        Penalties on w, at least 0: the reported loss gets l1 Σ|w| + l2 Σ w² / 2, the gradient what follows.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,))
    >>> model.parameters["dense1.w"].shape
    (784, 10)
    """

    kind = "dense"

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
        if len(input_shape) != 1:
            raise ValueError(
                f"Dense: expected inputs of one dimension, got shape {input_shape}; put a Flatten() before it"
            )
        fans = (input_shape[0], self.units)
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
        ops.affine_forward(x, self.w.value, None if self.b is None else self.b.value, out)
        return out, x

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x = cache
        dx = None
        if need_dx:  # before the weights' gradient: a compiled step may update w together with it
            dx = ops.empty(x.shape)
            ops.affine_backward_input(dout, self.w.value, dx)
        if not self.frozen:
            ops.affine_backward_weight(x, dout, self.w.grad, None if self.b is None else self.b.grad, ops.beta)
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
