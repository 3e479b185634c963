"""Pooling layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn.checks import flag
from fastnn.functional.checks import pair
from fastnn.functional.pool import argmax_dtype, pool_scalars, pool_window
from fastnn.functional.window import Pad, Window
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape


class _Pool(Layer):
    """A pool with a window of its own."""

    window: Window

    def __init__(
        self, size: int | Sequence[int] = 2, *, stride: int | Sequence[int] | None = None, pad: Pad = 0
    ) -> None:
        name = type(self).__name__
        self.size = pair(name, "size", size, at_least=1)
        self.stride = self.size if stride is None else pair(name, "stride", stride, at_least=1)
        self.pad = _plain(pad)
        pool_window(name, (2**30, 2**30), self.size, self.stride, pad)  # refuses a pad that is none

    def build(self, input_shape: Shape) -> Shape:
        channels, height, width = _image_shape(self, input_shape)
        self.window = pool_window(type(self).__name__, (height, width), self.size, self.stride, self.pad)
        self.input_shape, self.output_shape = input_shape, (channels, *self.window.count)
        return self.output_shape

    def config(self) -> dict[str, Any]:
        return {"size": list(self.size), "stride": list(self.stride), "pad": self.pad}


class MaxPool2D(_Pool):
    """The largest cell of each window, channel by channel (see `fastnn.functional.max_pool_forward`).

    Parameters
    ----------
    size : int or pair of int
        Rows and columns of a window.
    stride : int or pair of int, optional
        From window to window; default: `size`.
    pad : int, pair of int, ((top, bottom), (left, right)) or "same"
        Less than `size`; cells outside the image never win.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.MaxPool2D(3, stride=2)], input_shape=(64, 55, 55)).output_shape
    (64, 27, 27)
    """

    kind = "max_pool"

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


class AvgPool2D(_Pool):
    """The mean of each window, channel by channel (see `fastnn.functional.avg_pool_forward`).

    Parameters
    ----------
    size, stride, pad
        As for `MaxPool2D`.
    count_pad : bool
        Whether cells outside the image count, as zeros.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.AvgPool2D(2)], input_shape=(6, 28, 28)).output_shape
    (6, 14, 14)
    """

    kind = "avg_pool"

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


class _Global(Layer):
    """A pool whose one window is the image: (N, C, H, W) to (N, C)."""

    def build(self, input_shape: Shape) -> Shape:
        channels, height, width = _image_shape(self, input_shape)
        self.window = pool_window(type(self).__name__, (height, width), (height, width), None, 0)
        self.input_shape, self.output_shape = input_shape, (channels,)
        return self.output_shape


class GlobalMaxPool2D(_Global):
    """The largest cell of each channel: (N, C, H, W) to (N, C).

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.GlobalMaxPool2D()], input_shape=(64, 7, 7)).output_shape
    (64,)
    """

    kind = "global_max_pool"

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
    """The mean of each channel: (N, C, H, W) to (N, C).

    Examples
    --------
    >>> import fastnn
    >>> fastnn.Sequential([fastnn.layers.GlobalAvgPool2D()], input_shape=(64, 7, 7)).output_shape
    (64,)
    """

    kind = "global_avg_pool"

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


def _image_shape(layer: Layer, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(f"{type(layer).__name__}: expected images (C, H, W), got shape {shape}")
    return shape[0], shape[1], shape[2]


def _plain(pad: Pad) -> Any:
    """Padding as JSON holds it."""
    return [_plain(side) for side in pad] if isinstance(pad, Sequence) and not isinstance(pad, str) else pad
