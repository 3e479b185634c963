"""Dropout."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

from fastnn.functional.dropout import share, stream
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer
from fastnn.layers.onnx_graph import Graph

__all__ = ["Dropout"]


class Dropout(Layer):
    """Set a random share of the inputs to 0 during training, and divide the others by 1 - rate.

    Inputs may have any shape (N, ...); outputs have the same shape, and the model's dtype. Outside training they are
    the inputs.

    Parameters
    ----------
    rate : float
        The share that is dropped, at least 0 and at most 1 (not the share that is kept).

    Raises
    ------
    TypeError, ValueError
        If the rate is not a number, or out of its range.

    Notes
    -----
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014, in the "inverted"
    form that scales during training. The mask depends on nothing but the seed of the training, the step, the position
    of the sample in its batch and that of the layer in the model. So it is the same in a compiled training and in one
    that runs layer by layer, for any number of threads, and for a batch that is divided into blocks.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dropout(0.5)], input_shape=(3,))
    >>> model.forward([[1, 2, 3]]).tolist()
    [[1.0, 2.0, 3.0]]
    """

    kind = "dropout"
    words: ClassVar[Mapping[str, int]] = {"drop": 1}

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = share("Dropout", rate)

    def _masked(self, ops: Ops, x: Any) -> Any:
        rows = x.reshape((x.shape[0], prod(x.shape[1:])))
        out = ops.empty(rows.shape)
        seed, step, row = ops.counter
        ops.dropout(rows, step, row, out, self.rate, *stream(seed, self.index))
        return out.reshape(x.shape)

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        return (self._masked(ops, x) if training and self.rate else x), None

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        return self._masked(ops, dout) if self.rate else dout

    def config(self) -> dict[str, Any]:
        return {"rate": self.rate}

    def onnx(self, graph: Graph, x: str) -> str:
        return x
