"""The elementwise activations as layers, one class for each entry of `fastnn.kernels.Activation`.

Inputs may have any shape (N, ...); outputs have the same shape, and the model's dtype.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastnn.checks import number
from fastnn.kernels import Activation
from fastnn.kernels.activations import GELU_ARGUMENT
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer
from fastnn.layers.onnx_graph import Graph

__all__ = ["ELU", "GELU", "LeakyReLU", "ReLU", "SiLU", "Sigmoid", "Softshrink", "Tanh", "Tanhshrink"]


class _Elementwise(Layer):
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

    def _take(self, alpha: float) -> None:
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


class ReLU(_Elementwise):
    """Rectified linear unit: out = max(x, 0); the gradient at 0 is 0.

    Notes
    -----
    Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010. NaN stays NaN.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.ReLU()], input_shape=(3,))
    >>> model.forward([[-2, 0, 3]]).round(4).tolist()
    [[0.0, 0.0, 3.0]]
    """

    activation = Activation.RELU
    onnx_operator = "Relu"


class LeakyReLU(_Elementwise):
    """Leaky rectified linear unit: out = x where x > 0, else alpha x; the gradient at 0 is alpha.

    Parameters
    ----------
    alpha : float
        Slope below zero, at least 0.

    Raises
    ------
    TypeError, ValueError
        If alpha is not a number, or out of its range.

    Notes
    -----
    Maas, Hannun & Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.LeakyReLU(0.5)], input_shape=(3,))
    >>> model.forward([[-2, 0, 3]]).round(4).tolist()
    [[-1.0, 0.0, 3.0]]
    """

    activation = Activation.LEAKY_RELU
    onnx_operator, onnx_alpha = "LeakyRelu", ("alpha",)

    def __init__(self, alpha: float = activation.alpha.default) -> None:
        self._take(alpha)


class ELU(_Elementwise):
    """Exponential linear unit: out = x where x > 0, else alpha (exp(x) - 1); the gradient at 0 is alpha.

    Parameters
    ----------
    alpha : float
        Scale below zero, above 0; the limit at -∞ is -alpha.

    Raises
    ------
    TypeError, ValueError
        If alpha is not a number, or out of its range.

    Notes
    -----
    Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by exponential linear units", 2016.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.ELU()], input_shape=(3,))
    >>> model.forward([[-50, 0, 3]]).round(4).tolist()
    [[-1.0, 0.0, 3.0]]
    """

    activation = Activation.ELU
    onnx_operator, onnx_alpha = "Elu", ("alpha",)

    def __init__(self, alpha: float = activation.alpha.default) -> None:
        self._take(alpha)


class Sigmoid(_Elementwise):
    """Logistic sigmoid: out = 1 / (1 + exp(-x)), computed without overflow for any x.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Sigmoid()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4).tolist()
    [[0.0, 0.5, 1.0]]
    """

    activation = Activation.SIGMOID
    onnx_operator = "Sigmoid"


class Tanh(_Elementwise):
    """Hyperbolic tangent: out = tanh(x).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Tanh()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4).tolist()
    [[-1.0, 0.0, 1.0]]
    """

    activation = Activation.TANH
    onnx_operator = "Tanh"


class Tanhshrink(_Elementwise):
    """What tanh takes away: out = x - tanh(x).

    Notes
    -----
    Near 0, where the difference would cancel, the kernels compute it without subtracting.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Tanhshrink()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4).tolist()
    [[-49.0, 0.0, 49.0]]
    """

    activation = Activation.TANHSHRINK

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Sub", x, graph.node("Tanh", x))


class Softshrink(_Elementwise):
    """Soft thresholding: out = x moved towards zero by lambd, and 0 where its size is at most lambd.

    Parameters
    ----------
    lambd : float
        Threshold, at least 0.

    Raises
    ------
    TypeError, ValueError
        If lambd is not a number, or out of its range.

    Notes
    -----
    out = x - lambd where x > lambd, x + lambd where x < -lambd, else 0 (Donoho, "De-noising by soft-thresholding",
    1995).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Softshrink(1)], input_shape=(3,))
    >>> model.forward([[-2, 0.5, 3]]).round(4).tolist()
    [[-1.0, 0.0, 2.0]]
    """

    activation = Activation.SOFTSHRINK
    onnx_operator, onnx_alpha = "Shrink", ("lambd", "bias")

    def __init__(self, lambd: float = activation.alpha.default) -> None:
        self._take(lambd)


class GELU(_Elementwise):
    """Gaussian error linear unit in its tanh form: out = 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Notes
    -----
    Hendrycks & Gimpel, "Gaussian error linear units", 2016, whose approximation this is of x Φ(x), with the standard
    normal distribution function Φ; it is within 0.0005 of that. PyTorch's ``gelu(approximate="tanh")``.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.GELU()], input_shape=(3,))
    >>> model.forward([[-50, 1, 50]]).round(4)
    array([[-0.    ,  0.8412, 50.    ]], dtype=float32)
    """

    activation = Activation.GELU

    def onnx(self, graph: Graph, x: str) -> str:
        # by its parts: operator Gelu is newer than the opset. 1 + tanh(y) would cancel, sigmoid(2 y) does not.
        linear, cubic = (graph.constant("gelu", np.array(c)) for c in GELU_ARGUMENT)
        argument = graph.node("Add", graph.node("Mul", graph.node("Mul", x, x), cubic), linear)
        return graph.node("Mul", x, graph.node("Sigmoid", graph.node("Mul", x, argument)))


class SiLU(_Elementwise):
    """Sigmoid linear unit, also called swish: out = x / (1 + exp(-x)).

    Notes
    -----
    Elfwing, Uchibe & Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement
    learning", 2018.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.SiLU()], input_shape=(3,))
    >>> model.forward([[-1, 0, 50]]).round(4)
    array([[-0.2689,  0.    , 50.    ]], dtype=float32)
    """

    activation = Activation.SILU

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Mul", x, graph.node("Sigmoid", x))
