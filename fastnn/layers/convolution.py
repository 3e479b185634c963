"""The convolutional layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import init as initializers
from fastnn.checks import choice, flag, number, whole
from fastnn.functional.checks import pair
from fastnn.functional.window import Pad, Window, window
from fastnn.init import Initializer
from fastnn.kernels import ConvAlgorithm
from fastnn.kernels.eager import Ops
from fastnn.layers.base import Layer, Shape
from fastnn.parameter import Parameter, penalties


class Conv2D(Layer):
    """Convolution of images (cross-correlation, see `fastnn.functional.conv_forward`).

    Parameters
    ----------
    filters : int
        Output channels F.
    size : int or pair of int
        Rows R and columns S of a filter.
    stride, dilation : int or pair of int
    pad : int, pair of int, ((top, bottom), (left, right)) or "same"
    groups : int
        Groups into which channels and filters fall; as many as channels: depthwise.
    bias : bool
        Whether there is a b.
    init, bias_init : str or callable
        Initialisers of w (F, C / groups, R, S) and b (F,), see `fastnn.init`; a filter has C R S / groups inputs
        and F R S / groups outputs.
    l1, l2 : float
        Penalties on w, at least 0: the reported loss gets l1 Σ|w| + l2 Σ w² / 2, the gradient what follows.
    conv_algorithm : {"auto", "direct", "winograd"}
        How a compiled step may compute it; "winograd" where the shape allows it, "auto" by the shape.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Conv2D(32, 3, pad="same")], input_shape=(1, 28, 28))
    >>> model.output_shape, model.parameters["conv1.w"].shape
    ((32, 28, 28), (32, 1, 3, 3))
    """

    kind = "conv"
    window: Window

    def __init__(
        self,
        filters: int,
        size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        pad: Pad = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        init: str | Initializer = "glorot_uniform",
        bias_init: str | Initializer = "zeros",
        l1: float = 0.0,
        l2: float = 0.0,
        conv_algorithm: str = "auto",
    ) -> None:
        self.filters = whole("Conv2D", "filters", filters, at_least=1)
        self.size = pair("Conv2D", "size", size, at_least=1)
        self.stride = pair("Conv2D", "stride", stride, at_least=1)
        self.dilation = pair("Conv2D", "dilation", dilation, at_least=1)
        self.groups = whole("Conv2D", "groups", groups, at_least=1)
        if self.filters % self.groups:
            raise ValueError(f"Conv2D: {self.filters} filters do not divide into {self.groups} groups")
        self.pad = _plain(pad)
        window("Conv2D", (2**30, 2**30), self.size, pad=pad)  # refuses a pad that is none
        algorithm = choice("Conv2D", "conv_algorithm", conv_algorithm, (a.name.lower() for a in ConvAlgorithm))
        self.conv_algorithm = ConvAlgorithm[algorithm.upper()]
        self.bias = flag("Conv2D", "bias", bias)
        self.init = initializers.get(init)
        self.bias_init = initializers.get(bias_init)
        self.l1 = number("Conv2D", "l1", l1, at_least=0)
        self.l2 = number("Conv2D", "l2", l2, at_least=0)
        self._parameters: tuple[Parameter, ...] = ()

    def build(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3:
            raise ValueError(f"Conv2D: expected images (C, H, W), got shape {input_shape}")
        channels, height, width = input_shape
        if channels % self.groups:
            raise ValueError(
                f"Conv2D: {channels} channels do not divide into {self.groups} groups (input shape {input_shape})"
            )
        self.window = window(
            "Conv2D", (height, width), self.size, stride=self.stride, pad=self.pad, dilation=self.dilation
        )
        inner, taps = channels // self.groups, self.size[0] * self.size[1]
        fans = (inner * taps, self.filters // self.groups * taps)
        self.w = Parameter("w", (self.filters, inner, *self.size), self.init, fans, l1=self.l1, l2=self.l2)
        self.b = Parameter("b", (self.filters,), self.bias_init, fans, decays=False) if self.bias else None
        self._parameters = (self.w,) if self.b is None else (self.w, self.b)
        self.input_shape, self.output_shape = input_shape, (self.filters, *self.window.count)
        return self.output_shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self._parameters

    @property
    def _scalars(self) -> tuple[int, ...]:
        return (*self.window.scalars, int(self.conv_algorithm))

    def forward(self, ops: Ops, x: Any, training: bool) -> tuple[Any, Any]:
        out = ops.empty((x.shape[0], *self.output_shape))
        ops.conv_forward(x, self.w.value, None if self.b is None else self.b.value, out, *self._scalars)
        return out, x

    def backward(self, ops: Ops, dout: Any, cache: Any, need_dx: bool) -> Any:
        x = cache
        dx = None
        if need_dx:  # before the weights' gradient, as in Dense
            dx = ops.empty(x.shape)
            ops.conv_backward_input(dout, self.w.value, dx, *self._scalars)
        if not self.frozen:
            db = None if self.b is None else self.b.grad
            ops.conv_backward_weight(x, dout, self.w.grad, db, *self._scalars, ops.beta)
        return dx

    def config(self) -> dict[str, Any]:
        return {
            "filters": self.filters,
            "size": list(self.size),
            "stride": list(self.stride),
            "pad": self.pad,
            "dilation": list(self.dilation),
            "groups": self.groups,
            "bias": self.bias,
            "init": initializers.name_of(self.init),
            "bias_init": initializers.name_of(self.bias_init),
            **penalties(self.l1, self.l2),
            "conv_algorithm": self.conv_algorithm.name.lower(),
        }

    def multiply_adds(self) -> int:
        return self.output_shape[1] * self.output_shape[2] * self.w.size


def _plain(pad: Any) -> Any:
    """`pad` with lists for sequences, as JSON has it."""
    return [_plain(side) for side in pad] if isinstance(pad, Sequence) and not isinstance(pad, str) else pad
