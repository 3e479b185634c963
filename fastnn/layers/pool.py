"""Pooling layers: one number for each window of an image, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastnn.checks import flag
from fastnn.functional.checks import pair
from fastnn.functional.pool import argmax_dtype, pool_scalars, pool_window
from fastnn.functional.window import Pad, Window, checked_pad
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape, image_shape
from fastnn.layers.onnx_graph import Graph, window_attributes

__all__ = ["AvgPool2D", "GlobalAvgPool2D", "GlobalMaxPool2D", "MaxPool2D"]

_HUGE = (2**30, 2**30)  # an image in which every window fits that fits in any


class _Pool(Layer):
    """Base of the pools whose window moves over the image."""

    window: Window

    def __init__(
        self, size: int | Sequence[int] = 2, *, stride: int | Sequence[int] | None = None, pad: Pad = 0
    ) -> None:
        name = type(self).__name__
        self.size = pair(name, "size", size, at_least=1)
        self.stride = self.size if stride is None else pair(name, "stride", stride, at_least=1)
        self.pad = checked_pad(name, pad)
        pool_window(name, _HUGE, self.size, self.stride, pad)  # raises if the padding is not smaller than the window

    def build(self, input_shape: Shape) -> Shape:
        channels, height, width = image_shape(self, input_shape)
        self.window = pool_window(type(self).__name__, (height, width), self.size, self.stride, self.pad)
        self.input_shape, self.output_shape = input_shape, (channels, *self.window.count)
        return self.output_shape

    def config(self) -> dict[str, Any]:
        return {"size": list(self.size), "stride": list(self.stride), "pad": self.pad}


class MaxPool2D(_Pool):
    """The largest cell of each window, channel by channel.

    Inputs are images (N, C, H, W), outputs (N, C, P, Q), both of the model's dtype, with
    P = (H + top + bottom - rows of the window) // stride + 1, and Q likewise.

    Parameters
    ----------
    size : int or pair of int
        Rows and columns of a window, at least 1.
    stride : int or pair of int, optional
        Cells from one window to the next, at least 1; default: `size`.
    pad : int, pair of int, ((top, bottom), (left, right)) or "same"
        Lines around the image, at least 0 and fewer than `size`; cells outside the image never win.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of its range; in a model, if samples are not images, or a window is
        larger than the padded image.

    Notes
    -----
    Of equal cells the first in row-major order wins and gets the whole gradient; NaN wins over every number.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.MaxPool2D(3, stride=2)], input_shape=(64, 55, 55)).output_shape
    (64, 27, 27)
    """

    kind = "max_pool"
    words: ClassVar[Mapping[str, int]] = {"pool": 1, "maxpool": 1}

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((x.shape[0], *self.output_shape))
        argmax = ops.empty(out.shape, argmax_dtype(self.window)) if training else None
        ops.max_pool_forward(x, out, argmax, *pool_scalars(self.window))
        return out, argmax

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty((dout.shape[0], *self.input_shape))
        ops.max_pool_backward(dout, cache, dx, *pool_scalars(self.window))
        return dx

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("MaxPool", x, **window_attributes(self.window, self.input_shape[1:]))


class AvgPool2D(_Pool):
    """The mean of each window, channel by channel.

    Inputs are images (N, C, H, W), outputs (N, C, P, Q), both of the model's dtype; P and Q as for `MaxPool2D`.

    Parameters
    ----------
    size, stride, pad
        As for `MaxPool2D`.
    count_pad : bool
        Whether cells outside the image count, as zeros; if not, a sum is divided by the number of cells inside.

    Raises
    ------
    TypeError, ValueError
        As for `MaxPool2D`.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.AvgPool2D(2)], input_shape=(6, 28, 28)).output_shape
    (6, 14, 14)
    """

    kind = "avg_pool"
    words: ClassVar[Mapping[str, int]] = {"avgpool": 1}

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        *,
        stride: int | Sequence[int] | None = None,
        pad: Pad = 0,
        count_pad: bool = True,
    ) -> None:
        super().__init__(size, stride=stride, pad=pad)
        self.count_pad = flag("AvgPool2D", "count_pad", count_pad)

    @property
    def _scalars(self) -> tuple[int, ...]:
        return (*pool_scalars(self.window), int(self.count_pad))

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((x.shape[0], *self.output_shape))
        ops.avg_pool_forward(x, out, *self._scalars)
        return out, None

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty((dout.shape[0], *self.input_shape))
        ops.avg_pool_backward(dout, dx, *self._scalars)
        return dx

    def config(self) -> dict[str, Any]:
        return {**super().config(), "count_pad": self.count_pad}

    def onnx(self, graph: Graph, x: str) -> str:
        shape = window_attributes(self.window, self.input_shape[1:])
        return graph.node("AveragePool", x, count_include_pad=int(self.count_pad), **shape)


class _Global(Layer):
    """Base of the pools whose only window is the whole image."""

    onnx_operator: ClassVar[str]

    def build(self, input_shape: Shape) -> Shape:
        channels, height, width = image_shape(self, input_shape)
        self.window = pool_window(type(self).__name__, (height, width), (height, width), None, 0)
        self.input_shape, self.output_shape = input_shape, (channels,)
        return self.output_shape

    def onnx(self, graph: Graph, x: str) -> str:
        return graph.node("Flatten", graph.node(self.onnx_operator, x), axis=1)


class GlobalMaxPool2D(_Global):
    """The largest cell of each channel.

    Inputs are images (N, C, H, W), outputs rows (N, C), both of the model's dtype.

    Notes
    -----
    Of equal cells the first in row-major order gets the whole gradient.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.GlobalMaxPool2D()], input_shape=(64, 7, 7)).output_shape
    (64,)
    """

    kind = "global_max_pool"
    onnx_operator = "GlobalMaxPool"

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((*x.shape[:2], 1, 1))
        argmax = ops.empty(out.shape, argmax_dtype(self.window)) if training else None
        ops.max_pool_forward(x, out, argmax, *pool_scalars(self.window))
        return out.reshape(x.shape[:2]), argmax

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty((dout.shape[0], *self.input_shape))
        ops.max_pool_backward(dout.reshape((*dout.shape, 1, 1)), cache, dx, *pool_scalars(self.window))
        return dx


class GlobalAvgPool2D(_Global):
    """The mean of each channel.

    Inputs are images (N, C, H, W), outputs rows (N, C), both of the model's dtype.

    Notes
    -----
    Lin, Chen & Yan, "Network in network", 2014, put it in the place of dense layers.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.GlobalAvgPool2D()], input_shape=(64, 7, 7)).output_shape
    (64,)
    """

    kind = "global_avg_pool"
    onnx_operator = "GlobalAveragePool"

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((*x.shape[:2], 1, 1))
        ops.avg_pool_forward(x, out, *pool_scalars(self.window), 1)
        return out.reshape(x.shape[:2]), None

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        dx = ops.empty((dout.shape[0], *self.input_shape))
        ops.avg_pool_backward(dout.reshape((*dout.shape, 1, 1)), dx, *pool_scalars(self.window), 1)
        return dx
