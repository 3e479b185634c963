"""The elementwise activations that are the input times a gate between 0 and 1."""

from __future__ import annotations

import numpy as np

from fastnn.kernels import Activation
from fastnn.kernels.activations import GELU_ARGUMENT
from fastnn.layers.elementwise import Elementwise
from fastnn.layers.onnx_graph import Graph

__all__ = ["GELU", "HardSwish", "Mish", "SiLU"]


class GELU(Elementwise):
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


class SiLU(Elementwise):
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


class Mish(Elementwise):
    """Mish: out = x tanh(log(1 + exp(x))).

    Notes
    -----
    Misra, "Mish: a self regularized non-monotonic activation function", 2020.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Mish()], input_shape=(3,))
    >>> model.forward([[-1, 0, 50]]).round(4)
    array([[-0.3034,  0.    , 50.    ]], dtype=float32)
    """

    activation = Activation.MISH

    def onnx(self, graph: Graph, x: str) -> str:
        # by its parts: operator Mish is newer than the opset
        return graph.node("Mul", x, graph.node("Tanh", graph.node("Softplus", x)))


class HardSwish(Elementwise):
    """Swish of straight pieces: out = x times (x + 3) / 6, this at least 0 and at most 1.

    Notes
    -----
    Howard et al., "Searching for MobileNetV3", 2019. The gradient at -3 is 0 and at 3 it is 1.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.HardSwish()], input_shape=(3,))
    >>> model.forward([[-1, 1, 50]]).round(4)
    array([[-0.3333,  0.6667, 50.    ]], dtype=float32)
    """

    activation = Activation.HARD_SWISH
    onnx_operator = "HardSwish"
