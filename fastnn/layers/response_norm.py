"""The layer of local response normalisation."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from fastnn.functional.norm import by_pixels
from fastnn.functional.response_norm import response_norm_scalars
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer
from fastnn.layers.onnx_graph import Graph

__all__ = ["LocalResponseNorm"]


class LocalResponseNorm(Layer):
    """Local response normalisation: out = x / (k + alpha / size Σ x²)^beta, the sum over neighbouring channels.

    Inputs are (N, C, ...), as rows (N, C) or images (N, C, H, W); outputs have the same shape, and the model's dtype.

    Parameters
    ----------
    size : int
        The number of channels in the window around each channel, at least 1.
    alpha, beta, k : float
        alpha and beta are at least 0, k is above 0.
    divide : bool
        Whether alpha is divided by `size`, as in Caffe and PyTorch; the original paper and Theano do not divide.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range.

    Notes
    -----
    Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks", 2012, section
    3.3. The window of channel c reaches from channel c - size // 2 to c + (size - 1) // 2.

    Examples
    --------
    >>> import fastnn
    >>> norm = fastnn.layers.LocalResponseNorm(5, k=2.0, divide=False)
    >>> fastnn.Sequential([norm], input_shape=(96, 27, 27)).output_shape
    (96, 27, 27)
    """

    kind = "local_response_norm"

    def __init__(
        self, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, divide: bool = True
    ) -> None:
        self.size, self.alpha, self.beta, self.k, self.divide = size, alpha, beta, k, divide
        _ = self._scalars  # which checks them

    @property
    def _scalars(self) -> Any:
        """The arguments of the kernels."""
        return response_norm_scalars("LocalResponseNorm", self.size, self.alpha, self.beta, self.k, self.divide)

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        pixels = by_pixels(x)
        out = ops.empty(pixels.shape)
        scale = ops.empty(pixels.shape) if training else None
        ops.local_response_norm_forward(pixels, out, scale, *self._scalars)
        return out.reshape(x.shape), (pixels, scale)

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        x, scale = cache
        dx = ops.empty(x.shape)
        ops.local_response_norm_backward(dout.reshape(x.shape), x, scale, dx, *self._scalars[:3])
        return dx.reshape(dout.shape)

    def config(self) -> dict[str, Any]:
        return {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k, "divide": self.divide}

    def onnx(self, graph: Graph, x: str) -> str:
        alpha = self.alpha if self.divide else self.alpha * self.size  # ONNX divides
        if self.size % 2 == 0:
            return self._even(graph, x, alpha)
        if len(self.input_shape) > 1:
            return graph.node("LRN", x, alpha=alpha, beta=self.beta, bias=self.k, size=self.size)
        x = graph.reshape(f"{self.name}.image", x, (*self.input_shape, 1, 1))  # ONNX knows images only
        x = graph.node("LRN", x, alpha=alpha, beta=self.beta, bias=self.k, size=self.size)
        return graph.reshape(f"{self.name}.rows", x, self.input_shape)

    def _even(self, graph: Graph, x: str, alpha: float) -> str:
        """Add the normalisation by a window of even size.

        ONNX's LRN has the longer half of such a window above the channel, where it is below here, and onnxruntime does
        not take one. A mean-pool along the channels computes the mean of the squares.
        """
        channels, *pixels = self.input_shape
        squares = graph.reshape(f"{self.name}.columns", graph.node("Mul", x, x), (1, channels, prod(pixels)))
        pads = [self.size // 2, 0, (self.size - 1) // 2, 0]
        shape: dict[str, Any] = {"kernel_shape": [self.size, 1], "pads": pads, "count_include_pad": 1}
        means = graph.reshape(f"{self.name}.shape", graph.node("AveragePool", squares, **shape), self.input_shape)
        constants = {"alpha": alpha, "beta": self.beta, "k": self.k}
        names = {key: graph.constant(f"{self.name}.{key}", np.asarray(n, graph.dtype)) for key, n in constants.items()}
        scale = graph.node("Add", graph.node("Mul", means, names["alpha"]), names["k"])
        return graph.node("Div", x, graph.node("Pow", scale, names["beta"]))
