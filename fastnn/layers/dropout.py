"""Dropout."""

from __future__ import annotations

from math import prod
from typing import Any

from fastnn.functional.dropout import share, stream
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer


class Dropout(Layer):
    """Sets a random share of the inputs to 0 while training and scales up the others; otherwise nothing.

    Parameters
    ----------
    rate : float
        Share that is dropped, in [0, 1]; what stays is divided by 1 - rate.

    Notes
    -----
    Srivastava et al. 2014, scaled while training ("inverted"). The mask is a function of the training's seed, the
    step, the sample's place in its batch and the layer's place in the model: the same layer by layer, compiled, for
    any number of threads and where a batch is worked through in blocks.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dropout(0.5)], input_shape=(3,))
    >>> model.forward([[1, 2, 3]]).tolist()
    [[1.0, 2.0, 3.0]]
    """

    kind = "dropout"

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
