"""Standardising inputs by statistics that are known before the training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import real_array
from fastnn.functional.norm import by_pixels
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape
from fastnn.layers.onnx_graph import Graph
from fastnn.parameter import State

__all__ = ["Standardize"]


class Standardize(Layer):
    """Standardised inputs: out = (x - mean) / deviation, with a mean and a deviation for each channel.

    Inputs are (N, C, ...), as rows (N, C) or images (N, C, H, W); outputs have the same shape, and the model's dtype. A
    training leaves the statistics alone: they are set once, by `set_statistics`, and saved with the model. At first
    they are 0 and 1.

    Notes
    -----
    The deviation is kept as its square, the variance. What PyTorch and ONNX compute alike is batch normalisation at
    evaluation, without a scale, a shift or a term added to the variance.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Standardize()], input_shape=(2,))
    >>> model.layers[0].set_statistics([10, 1], [4, 2])
    >>> model.forward([[14, 1], [8, 5]])
    array([[ 1. ,  0. ],
           [-0.5,  2. ]], dtype=float32)
    """

    kind = "standardize"

    def __init__(self) -> None:
        self._state: tuple[State, ...] = ()

    def build(self, input_shape: Shape) -> Shape:
        channels = input_shape[:1]
        self._state = (State("running_mean", channels, 0.0), State("running_var", channels, 1.0))
        return super().build(input_shape)

    @property
    def state(self) -> tuple[State, ...]:
        return self._state

    def set_statistics(self, mean: ArrayLike, deviation: ArrayLike) -> None:
        """Set the mean and the deviation of the inputs, as they reach the layer.

        Parameters
        ----------
        mean, deviation : (C,) array_like, or one number for all channels
            Finite; the deviation above 0.

        Raises
        ------
        ValueError
            If a value is not finite, a deviation is not above 0, or its square is none that the model's dtype holds.
        TypeError
            If they are not real numbers.
        """
        if not self._state:
            raise ValueError("Standardize.set_statistics: expected a layer of a model, got one that belongs to none")
        means, variances = self._state
        dtype = means.value.dtype
        with np.errstate(over="ignore", under="ignore"):
            center = np.asarray(real_array("Standardize.set_statistics", "mean", mean), np.float64).astype(dtype)
            spread = np.asarray(real_array("Standardize.set_statistics", "deviation", deviation), np.float64)
            square = np.square(spread).astype(dtype)
        if not np.isfinite(center).all():
            raise ValueError(f"Standardize.set_statistics: mean: expected finite numbers as {dtype}, got {mean!r:.80}")
        if not (np.isfinite(square).all() and (spread > 0).all() and (square >= np.finfo(dtype).tiny).all()):
            raise ValueError(
                f"Standardize.set_statistics: deviation: expected numbers above 0 whose squares {dtype} holds, got "
                f"{deviation!r:.80}"
            )
        means.value[...], variances.value[...] = center, square

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        pixels = by_pixels(x)
        out = ops.empty(pixels.shape)
        mean, variance = (state.value for state in self._state)
        ops.batch_norm_apply(pixels, None, None, mean, variance, out, 0.0)
        return out.reshape(x.shape), pixels

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty(cache.shape)
        mean, variance = (state.value for state in self._state)
        ops.batch_norm_backward(
            dout.reshape(cache.shape), cache, None, mean, variance, dx, None, None, 0.0, 1, ops.beta
        )
        return dx.reshape(dout.shape)

    def onnx(self, graph: Graph, x: str) -> str:
        shape = (*self.input_shape[:1], *(1 for _ in self.input_shape[1:]))
        mean, variance = (state.value.reshape(shape) for state in self._state)
        centred = graph.node("Sub", x, graph.constant(f"{self.name}.mean", mean))
        return graph.node("Div", centred, graph.constant(f"{self.name}.deviation", np.sqrt(variance)))

    def torch_tensors(self) -> dict[str, Any] | None:
        return self.arrays
