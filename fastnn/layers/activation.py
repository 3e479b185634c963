"""The activations as layers: elementwise ones, and those over a row."""

from __future__ import annotations

from typing import Any, ClassVar

from fastnn.checks import number
from fastnn.kernels import Activation
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape


class _Elementwise(Layer):
    """An elementwise activation; `activation` and `alpha` say which."""

    activation: ClassVar[Activation]
    alpha: float = 0.0

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty(x.shape)
        ops.activation_forward(x, out, int(self.activation), self.alpha)
        return out, (x if self.activation.backward_needs_input else None, out)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        x, out = cache
        dx = ops.empty(out.shape)
        ops.activation_backward(dout, x, out, dx, int(self.activation), self.alpha)
        return dx


class ReLU(_Elementwise):
    """max(x, 0); the derivative at 0 is 0.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.ReLU()], input_shape=(3,))
    >>> model.forward([[-2, 0, 3]]).round(4).tolist()
    [[0.0, 0.0, 3.0]]
    """

    kind = "relu"
    activation = Activation.RELU


class LeakyReLU(_Elementwise):
    """x where x > 0, alpha x elsewhere (alpha >= 0).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.LeakyReLU(0.5)], input_shape=(3,))
    >>> model.forward([[-2, 0, 3]]).round(4).tolist()
    [[-1.0, 0.0, 3.0]]
    """

    kind = "leaky_relu"
    activation = Activation.LEAKY_RELU

    def __init__(self, alpha: float = 0.01) -> None:
        self.alpha = number("LeakyReLU", "alpha", alpha, at_least=0)

    def config(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class ELU(_Elementwise):
    """x where x > 0, alpha (exp(x) - 1) elsewhere (alpha > 0).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.ELU()], input_shape=(3,))
    >>> model.forward([[-50, 0, 3]]).round(4).tolist()
    [[-1.0, 0.0, 3.0]]
    """

    kind = "elu"
    activation = Activation.ELU

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number("ELU", "alpha", alpha, above=0)

    def config(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class Sigmoid(_Elementwise):
    """1 / (1 + exp(-x)).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Sigmoid()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4).tolist()
    [[0.0, 0.5, 1.0]]
    """

    kind = "sigmoid"
    activation = Activation.SIGMOID


class Tanh(_Elementwise):
    """The hyperbolic tangent.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Tanh()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4).tolist()
    [[-1.0, 0.0, 1.0]]
    """

    kind = "tanh"
    activation = Activation.TANH


class Tanhshrink(_Elementwise):
    """x - tanh(x).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Tanhshrink()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4).tolist()
    [[-49.0, 0.0, 49.0]]
    """

    kind = "tanhshrink"
    activation = Activation.TANHSHRINK


class Softshrink(_Elementwise):
    """x pulled towards zero by `lambd` (>= 0), zero where |x| <= lambd.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Softshrink(1)], input_shape=(3,))
    >>> model.forward([[-2, 0.5, 3]]).round(4).tolist()
    [[-1.0, 0.0, 2.0]]
    """

    kind = "softshrink"
    activation = Activation.SOFTSHRINK

    def __init__(self, lambd: float = 0.5) -> None:
        self.alpha = number("Softshrink", "lambd", lambd, at_least=0)

    def config(self) -> dict[str, Any]:
        return {"lambd": self.alpha}


class _Rowwise(Layer):
    """An activation over all units of a sample."""

    def build(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ValueError(
                f"{type(self).__name__}: expected inputs of one dimension, got shape {input_shape}; "
                "put a Flatten() before it"
            )
        return super().build(input_shape)


class Softmax(_Rowwise):
    """exp(x) divided by its sum over the row.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Softmax()], input_shape=(4,))
    >>> model.forward([[1, 1, 1, 1]]).round(4).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    kind = "softmax"
    sign = 1.0

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty(x.shape)
        ops.softmax_forward(x, out, self.sign)
        return out, out

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty(cache.shape)
        ops.softmax_backward(dout, cache, dx, self.sign)
        return dx


class Softmin(Softmax):
    """The softmax of -x.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Softmin()], input_shape=(3,))
    >>> model.forward([[50, 0, 0]]).round(4).tolist()
    [[0.0, 0.5, 0.5]]
    """

    kind = "softmin"
    sign = -1.0


class LogSoftmax(_Rowwise):
    """The logarithm of the softmax.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.LogSoftmax()], input_shape=(2,))
    >>> model.forward([[50, 0]]).round(4).tolist()
    [[0.0, -50.0]]
    """

    kind = "log_softmax"

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty(x.shape)
        ops.log_softmax_forward(x, out)
        return out, out

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty(cache.shape)
        ops.log_softmax_backward(dout, cache, dx)
        return dx
