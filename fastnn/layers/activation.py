"""The elementwise activations as layers, one class for each entry of `fastnn.kernels.Activation`."""

from __future__ import annotations

from fastnn.kernels import Activation
from fastnn.layers.elementwise import Elementwise
from fastnn.layers.onnx_graph import Graph

__all__ = [
    "ELU",
    "SELU",
    "HardSigmoid",
    "LeakyReLU",
    "ReLU",
    "Sigmoid",
    "Softplus",
    "Softshrink",
    "Tanh",
    "Tanhshrink",
]


class ReLU(Elementwise):
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


class LeakyReLU(Elementwise):
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
        self.take_alpha(alpha)


class ELU(Elementwise):
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
        self.take_alpha(alpha)


class Sigmoid(Elementwise):
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


class Tanh(Elementwise):
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


class Tanhshrink(Elementwise):
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


class Softshrink(Elementwise):
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
        self.take_alpha(lambd)


class Softplus(Elementwise):
    """Smooth rectifier: out = log(1 + exp(x)), computed without overflow for any x.

    Notes
    -----
    Dugas, Bengio, Bélisle, Nadeau & Garcia, "Incorporating second-order functional knowledge for better option
    pricing", 2001.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Softplus()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4)
    array([[ 0.    ,  0.6931, 50.    ]], dtype=float32)
    """

    activation = Activation.SOFTPLUS
    onnx_operator = "Softplus"


class HardSigmoid(Elementwise):
    """Sigmoid of straight pieces: out = (x + 3) / 6, at least 0 and at most 1; the gradient at -3 and 3 is 0.

    Notes
    -----
    Howard et al., "Searching for MobileNetV3", 2019.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.HardSigmoid()], input_shape=(3,))
    >>> model.forward([[-50, 0, 50]]).round(4).tolist()
    [[0.0, 0.5, 1.0]]
    """

    activation = Activation.HARD_SIGMOID

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)


class SELU(Elementwise):
    """Scaled exponential linear unit: out = 1.0507 (x where x > 0, else 1.6733 (exp(x) - 1)).

    Notes
    -----
    Klambauer, Unterthiner, Mayr & Hochreiter, "Self-normalizing neural networks", 2017, which has more digits of the
    two numbers: layers of weights with variance 1 / inputs keep mean 0 and variance 1.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.SELU()], input_shape=(3,))
    >>> model.forward([[-50, 0, 1]]).round(4)
    array([[-1.7581,  0.    ,  1.0507]], dtype=float32)
    """

    activation = Activation.SELU
    onnx_operator = "Selu"
